"""The flows that the network tests ask for: source, target, port."""

from tests.network.evaluator import End
from tests.network.stacks import (
    AGENT,
    AGENT_ON_HOST,
    ALLOY,
    API,
    APP,
    ELSEWHERE,
    GRAFANA_POD,
    LOKI,
    MIMIR,
    POD_IDENTITY,
    POD_IDENTITY_V6,
    S3,
    STRANGER,
    tempo_pod,
)

Flow = tuple[End, End, int]

TEMPO = tempo_pod()
DISTRIBUTOR, INGESTER, QUERIER = map(tempo_pod, ("distributor", "ingester", "querier"))
FRONTEND, GENERATOR = tempo_pod("query-frontend"), tempo_pod("metrics-generator")
COMPACTOR, MEMCACHED = tempo_pod("compactor"), tempo_pod("memcached")

IN_BOTH_MODES: list[Flow] = [
    (APP, ALLOY, 4317),
    (APP, ALLOY, 4318),
    (AGENT, ALLOY, 4317),
    (AGENT, API, 443),
    (ALLOY, API, 443),
    (ALLOY, API, 6443),
    (ALLOY, MIMIR, 8080),
    (ALLOY, LOKI, 8443),
    (GRAFANA_POD, ALLOY, 12345),
    (MIMIR, ALLOY, 12345),
    (GRAFANA_POD, AGENT, 9090),
]
MONOLITHIC: list[Flow] = [
    (ALLOY, TEMPO, 4317),
    (GRAFANA_POD, TEMPO, 3200),
    (MIMIR, TEMPO, 3200),
    (TEMPO, S3, 443),
    (TEMPO, POD_IDENTITY, 80),
    (TEMPO, POD_IDENTITY_V6, 80),
    (TEMPO, MIMIR, 8080),
]
DISTRIBUTED: list[Flow] = [
    (ALLOY, DISTRIBUTOR, 4317),
    (GRAFANA_POD, FRONTEND, 3200),
    (GRAFANA_POD, INGESTER, 3200),
    (DISTRIBUTOR, INGESTER, 9095),
    (QUERIER, FRONTEND, 9095),
    (QUERIER, MEMCACHED, 11211),
    (INGESTER, COMPACTOR, 7946),
    (GENERATOR, MIMIR, 8080),
    *((store, S3, 443) for store in (INGESTER, QUERIER, FRONTEND, GENERATOR, COMPACTOR)),
    *((store, POD_IDENTITY, 80) for store in (INGESTER, QUERIER, FRONTEND, COMPACTOR)),
]
REFUSED_IN_BOTH: list[Flow] = [
    (APP, ALLOY, 12345),
    (APP, AGENT, 9090),
    (APP, STRANGER, 80),
    (STRANGER, APP, 80),
    (STRANGER, S3, 443),
    (ALLOY, ELSEWHERE, 80),
    (ALLOY, POD_IDENTITY, 80),
    (ALLOY, APP, 8080),
    (AGENT, APP, 8080),
    (AGENT, ALLOY, 12345),
    (AGENT, ELSEWHERE, 80),
    (ELSEWHERE, ALLOY, 4317),
    (AGENT_ON_HOST, ALLOY, 4317),
]
REFUSED_MONOLITHIC: list[Flow] = [
    (APP, TEMPO, 3200),
    (APP, TEMPO, 4317),
    (APP, TEMPO, 9411),
    (APP, TEMPO, 14250),
    (AGENT, TEMPO, 4317),
    (STRANGER, TEMPO, 4317),
    (ALLOY, TEMPO, 3200),
    (TEMPO, ELSEWHERE, 80),
    (TEMPO, ALLOY, 4317),
    (GRAFANA_POD, TEMPO, 4317),
]
REFUSED_DISTRIBUTED: list[Flow] = [
    (APP, DISTRIBUTOR, 4317),
    (APP, FRONTEND, 3200),
    (ALLOY, INGESTER, 9095),
    (ALLOY, INGESTER, 4317),
    (STRANGER, INGESTER, 9095),
    (GRAFANA_POD, INGESTER, 9095),
    (DISTRIBUTOR, S3, 443),
    (MEMCACHED, S3, 443),
    (DISTRIBUTOR, POD_IDENTITY, 80),
    (QUERIER, MIMIR, 8080),
    (DISTRIBUTOR, ALLOY, 4317),
]
