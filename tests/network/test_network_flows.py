"""Who may reach whom, over the policies as they are made."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network import Policy, network_policies
from components.settings import TracingSettings
from tests.network.evaluator import End, Outside, Pod, may_connect
from tests.network.flows import (
    DISTRIBUTED,
    DISTRIBUTOR,
    IN_BOTH_MODES,
    INGESTER,
    MONOLITHIC,
    REFUSED_DISTRIBUTED,
    REFUSED_IN_BOTH,
    REFUSED_MONOLITHIC,
    TEMPO,
    Flow,
)
from tests.network.stacks import (
    AGENT,
    AGENT_ON_HOST,
    ALLOY,
    API,
    APP,
    CACHE,
    COREDNS,
    ELSEWHERE,
    LOKI,
    MIMIR,
    OPERATOR_POD,
    POD_IDENTITY,
    S3,
    STRANGER,
    stack,
)


def policies(settings: TracingSettings) -> list[Policy]:
    return list(network_policies(settings).values())


def wrong(settings: TracingSettings, flows: list[Flow], *, allowed: bool) -> list[Flow]:
    """Return the flows that go otherwise than they should."""
    made = policies(settings)
    return [flow for flow in flows if may_connect(made, *flow) is not allowed]


@pytest.mark.parametrize(
    ("mode", "flows"),
    [("monolithic", IN_BOTH_MODES + MONOLITHIC), ("distributed", IN_BOTH_MODES + DISTRIBUTED)],
)
def test_what_flows_is_let_through(mode: str, flows: list[Flow]) -> None:
    assert wrong(stack(mode), flows, allowed=True) == []


@pytest.mark.parametrize(
    ("mode", "flows"),
    [
        ("monolithic", REFUSED_IN_BOTH + REFUSED_MONOLITHIC),
        ("distributed", REFUSED_IN_BOTH + REFUSED_DISTRIBUTED),
    ],
)
def test_nothing_else_is(mode: str, flows: list[Flow]) -> None:
    assert wrong(stack(mode), flows, allowed=False) == []


@pytest.mark.parametrize("pod", [ALLOY, TEMPO, STRANGER, AGENT, CACHE])
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_every_pod_asks_the_clusters_dns(pod: Pod, protocol: str) -> None:
    made = policies(stack())
    assert may_connect(made, pod, COREDNS, 53, protocol)
    assert not may_connect(made, pod, APP, 53, protocol)
    assert not may_connect(made, pod, COREDNS, 54, protocol)


def test_without_policies_all_would_flow() -> None:
    refused = REFUSED_IN_BOTH + REFUSED_MONOLITHIC + REFUSED_DISTRIBUTED
    assert all(may_connect([], *flow) for flow in refused)


@pytest.mark.parametrize("nodes", [3, 100])
def test_agents_ask_the_cache_where_there_is_one(nodes: int) -> None:
    made = policies(stack(cluster={"nodes": nodes}))
    assert may_connect(made, AGENT, CACHE, 50055) is (nodes == 100)
    assert may_connect(made, CACHE, API, 443) is (nodes == 100)
    assert not may_connect(made, APP, CACHE, 50055)


def test_agents_in_the_host_network_are_known_by_their_nodes() -> None:
    settings = stack(
        beyla={"contextPropagation": "headers"},
        cluster={"nodeCidrs": ["10.0.0.0/16"], "nodes": 100},
    )
    made = policies(settings)
    assert may_connect(made, AGENT_ON_HOST, ALLOY, 4317)
    assert may_connect(made, AGENT_ON_HOST, CACHE, 50055)
    assert not may_connect(made, AGENT_ON_HOST, ALLOY, 12345)
    assert not may_connect(made, ELSEWHERE, ALLOY, 4317)
    assert not may_connect(made, ELSEWHERE, CACHE, 50055)


def test_the_operator_is_asked_and_asks_the_api_server() -> None:
    made = policies(stack(operator={"enabled": True}))
    assert may_connect(made, API, OPERATOR_POD, 9443)
    assert may_connect(made, OPERATOR_POD, API, 443)
    assert may_connect(made, OPERATOR_POD, COREDNS, 53, "UDP")
    assert not may_connect(made, API, OPERATOR_POD, 8443)
    assert not may_connect(made, OPERATOR_POD, ALLOY, 4318)
    assert not may_connect(made, OPERATOR_POD, ELSEWHERE, 80)


@pytest.mark.parametrize("port", [4317, 4318])
def test_what_the_operator_puts_into_pods_reaches_alloy(port: int) -> None:
    assert may_connect(policies(stack(operator={"enabled": True})), APP, ALLOY, port)


def test_no_addresses_of_nodes_means_nobody() -> None:
    settings = stack(beyla={"contextPropagation": "all"}, cluster={"nodes": 100})
    assert not may_connect(policies(settings), AGENT_ON_HOST, CACHE, 50055)


@pytest.mark.parametrize("mode", ["monolithic", "distributed"])
@pytest.mark.parametrize("on", [True, False])
def test_jaeger_and_zipkin_come_from_anywhere_when_on(mode: str, on: bool) -> None:
    made = policies(stack(mode, tempo={"jaeger": on, "zipkin": on}))
    receiver = TEMPO if mode == "monolithic" else DISTRIBUTOR
    for port in (14250, 14268, 9411):
        assert may_connect(made, APP, receiver, port) is on
    for port in (6831, 6832):
        assert may_connect(made, APP, receiver, port, "UDP") is on
    assert not may_connect(made, APP, INGESTER if mode == "distributed" else TEMPO, 3200)


@pytest.mark.parametrize(
    ("identity", "agent"), [("podIdentity", True), ("irsa", False), ("none", False)]
)
def test_credentials_come_the_configured_way(identity: str, agent: bool) -> None:
    made = policies(stack(identity={"mode": identity}))
    assert may_connect(made, TEMPO, POD_IDENTITY, 80) is agent
    assert may_connect(made, TEMPO, S3, 443)


@pytest.mark.parametrize(
    ("endpoint", "target", "port"),
    [
        ("http://moto.aws.svc:5000", Pod("aws"), 4000),
        ("http://172.18.0.1:5000", Outside("172.18.0.1"), 5000),
        ("https://s3.example.com", ELSEWHERE, 443),
    ],
)
def test_a_stand_in_for_s3_is_reached_and_nothing_else(
    endpoint: str, target: End, port: int
) -> None:
    settings = stack(identity={"mode": "none"}, storage={"endpoint": endpoint})
    made = policies(settings)
    assert may_connect(made, TEMPO, target, port)
    assert not may_connect(made, TEMPO, ELSEWHERE, 8443)
    assert may_connect(made, TEMPO, S3, 443) is (port == 443)


@pytest.mark.parametrize(
    ("url", "inside", "outside"),
    [
        ("http://prometheus.mimir.svc:9090/w", True, False),
        ("http://prometheus.mimir.svc.cluster.local:9090/w", True, False),
        ("http://prometheus.mimir:9090/w", True, True),
        ("http://prometheus.example.com:9090/w", False, True),
        ("http://203.0.113.9:9090/w", False, True),
    ],
)
def test_backends_inside_and_outside_the_cluster(url: str, inside: bool, outside: bool) -> None:
    settings = stack(grafana={"metrics": {"url": url, "remoteWriteUrl": url}})
    made = policies(settings)
    # The pod's own port is not the one in the URL, which is the Service's.
    assert may_connect(made, TEMPO, MIMIR, 8080) is inside
    assert may_connect(made, TEMPO, ELSEWHERE, 9090) is outside
    assert not may_connect(made, TEMPO, ELSEWHERE, 9091)


def test_without_backends_nothing_is_open_for_them() -> None:
    made = policies(stack(grafana={}))
    assert not may_connect(made, ALLOY, MIMIR, 8080)
    assert not may_connect(made, TEMPO, MIMIR, 8080)
    assert not may_connect(made, ALLOY, LOKI, 8443)


def test_without_beyla_its_namespace_gets_no_policies() -> None:
    made = policies(stack(beyla={"namespaces": []}))
    assert {policy["metadata"]["namespace"] for policy in made} == {"tracing"}


def test_grafana_in_the_same_namespace_stays_open() -> None:
    grafana = Pod("tracing", {"app.kubernetes.io/instance": "grafana"})
    made = policies(stack(grafana={"namespace": "tracing"}))
    assert may_connect(made, grafana, TEMPO, 3200)
    assert may_connect(made, grafana, ELSEWHERE, 443)
    assert may_connect(made, APP, grafana, 3000)
    assert not may_connect(made, APP, TEMPO, 3200)
    assert not may_connect(made, ALLOY, ELSEWHERE, 80)


@given(
    mode=st.sampled_from(["monolithic", "distributed"]),
    context=st.sampled_from(["disabled", "headers", "all"]),
    identity=st.sampled_from(["podIdentity", "irsa", "none"]),
    nodes=st.integers(1, 500),
    cidrs=st.sampled_from([[], ["10.0.0.0/8"], ["10.0.0.0/8", "2001:db8::/32"]]),
    jaeger=st.booleans(),
)
def test_whatever_the_settings_strangers_stay_out(
    mode: str, context: str, identity: str, nodes: int, cidrs: list[str], jaeger: bool
) -> None:
    settings = stack(
        mode,
        tempo={"jaeger": jaeger},
        beyla={"contextPropagation": context},
        identity={"mode": identity},
        cluster={"nodes": nodes, "nodeCidrs": cidrs},
    )
    made = policies(settings)
    inside: list[Pod] = [ALLOY, TEMPO, DISTRIBUTOR, INGESTER, CACHE, STRANGER]
    for pod in inside:
        assert not may_connect(made, APP, pod, 3200)
        assert not may_connect(made, ELSEWHERE, pod, 4317)
        assert not may_connect(made, pod, ELSEWHERE, 8081)
        assert may_connect(made, pod, COREDNS, 53, "UDP")


def rules_without_end(policy: Policy) -> list[Any]:
    """Return rules that let everyone in or everything out: an empty list or object."""
    spec = policy["spec"]
    rules = spec.get("ingress", []) + spec.get("egress", [])
    return [rule for rule in rules if not rule or [] in rule.values()]


@pytest.mark.parametrize("mode", ["monolithic", "distributed"])
def test_no_rule_is_empty(mode: str) -> None:
    for policy in policies(stack(mode, cluster={"nodes": 100})):
        assert rules_without_end(policy) == []
