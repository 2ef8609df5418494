"""Helm values of Tempo in both modes, against the contracts of the charts and of Tempo."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.helm import TEMPO_DISTRIBUTED as DISTRIBUTED_CHART
from components.core.settings import IpFamily
from components.tempo import config, endpoints
from components.tempo.component import values
from components.tempo.settings import TempoMode, TempoSpanMetricsSettings
from tests.contracts.check import unknown_keys, unknown_tempo_config
from tests.sweep import sweep
from tests.tempo.cases import METRICS, METRICS_WITH_USER, any_arguments, arguments

MONOLITHIC = TempoMode.MONOLITHIC
DISTRIBUTED = TempoMode.DISTRIBUTED
#: A loaded machine is no finding.
UNHURRIED = settings(deadline=None)
BOTH = pytest.mark.parametrize("mode", TempoMode)


def at(tree: Any, path: str) -> Any:
    """Return what lies at a dotted path."""
    for key in path.split("."):
        tree = tree[key]
    return tree


def generator(mode: TempoMode, **changes: Any) -> Any:
    """Return the generator's values; its configuration lies a level deeper in one of the charts."""
    if mode is MONOLITHIC:
        return values(arguments(mode, **changes))["tempo"]["metricsGenerator"]
    section = values(arguments(mode, **changes))["metricsGenerator"]
    return section | section.get("config", {})


def defaults(mode: TempoMode, **changes: Any) -> Any:
    """Return Tempo's overrides.defaults."""
    tree = values(arguments(mode, **changes))
    return at(tree, "tempo.overrides.defaults" if mode is MONOLITHIC else "overrides.defaults")


@BOTH
@UNHURRIED
@given(data=st.data())
def test_every_emitted_key_is_one_that_the_chart_knows(
    mode: TempoMode, data: st.DataObject
) -> None:
    args = data.draw(any_arguments(mode))

    assert unknown_keys(args.chart_in_use.name, args.chart_in_use.version, values(args)) == []


@UNHURRIED
@given(args=any_arguments(MONOLITHIC))
def test_every_section_of_the_monolith_is_one_that_tempo_knows(args: Any) -> None:
    tempo = values(args)["tempo"]
    sections = {
        "server": tempo["server"],
        "storage": tempo["storage"],
        "overrides": tempo["overrides"],
        "querier": tempo["querier"],
        "ingester": tempo["ingester"],
        "query_frontend": tempo["queryFrontend"],
        "distributor": {"receivers": tempo["receivers"]},
        "metrics_generator": {k: v for k, v in tempo["metricsGenerator"].items() if k != "enabled"},
    }

    assert unknown_tempo_config(sections) == []


@UNHURRIED
@given(args=any_arguments(DISTRIBUTED))
def test_tempo_knows_every_key_that_the_chart_has_no_value_for(args: Any) -> None:
    assert unknown_tempo_config(values(args)["tempo"]["structuredConfig"]) == []


def configured(mode: TempoMode, path: str, **changes: Any) -> Any:
    """Return a key of the sections that both modes write as in Tempo's configuration."""
    tempo = values(arguments(mode, **changes))["tempo"]
    if mode is DISTRIBUTED:
        return at(tempo["structuredConfig"], path)
    return at(tempo | {"query_frontend": tempo["queryFrontend"]}, path)


@BOTH
@sweep(
    ("changes", "path", "expected"),
    [
        ({}, "query_frontend.search.max_duration", "336h"),
        ({"retention_hours": 24}, "query_frontend.search.max_duration", "168h"),
        ({"max_search_hours": 20}, "query_frontend.search.max_duration", "20h"),
        ({}, "query_frontend.metrics.max_duration", "24h"),
        ({"max_metrics_hours": 72}, "query_frontend.metrics.max_duration", "72h"),
        ({}, "ingester.max_block_duration", "30m"),
        ({"blocks": {"max_minutes": 20}}, "ingester.max_block_duration", "20m"),
        ({"blocks": {"kept_minutes": 25}}, "ingester.complete_block_timeout", "25m"),
        ({"blocks": {"idle_seconds": 60}}, "ingester.trace_idle_period", "60s"),
        # Ingesters are searched for as long as they keep a block.
        ({}, "query_frontend.search.query_ingesters_until", "45m"),
        (
            {"blocks": {"max_minutes": 20, "kept_minutes": 20}},
            "query_frontend.search.query_ingesters_until",
            "40m",
        ),
        ({"slack_minutes": 90}, "storage.trace.wal.ingestion_time_range_slack", "90m"),
    ],
)
def test_queries_and_blocks_are_limited_as_set(
    mode: TempoMode, changes: dict[str, Any], path: str, expected: str
) -> None:
    assert configured(mode, path, **changes) == expected


def test_a_laptop_writes_blocks_sooner() -> None:
    assert configured(MONOLITHIC, "ingester.max_block_duration", size="xs") == "15m"


@sweep(
    ("mode", "path", "expected"),
    [
        (MONOLITHIC, "tempo.retention", "48h"),
        (DISTRIBUTED, "compactor.config.compaction.block_retention", "48h"),
        (MONOLITHIC, "tempo.streamOverHttpEnabled", True),
        (DISTRIBUTED, "streamOverHTTPEnabled", True),
        (MONOLITHIC, "tempo.reportingEnabled", False),
        (DISTRIBUTED, "reportingEnabled", False),
        (MONOLITHIC, "tempo.tag", "2.10.8"),
        (DISTRIBUTED, "tempo.image.tag", "2.10.8"),
        (MONOLITHIC, "tempo.multitenancyEnabled", False),
        (DISTRIBUTED, "multitenancyEnabled", False),
        (MONOLITHIC, "replicas", 1),
        (DISTRIBUTED, "ingester.config.replication_factor", 3),
        (MONOLITHIC, "persistence.enabled", True),
        (DISTRIBUTED, "ingester.persistence.enabled", True),
        (DISTRIBUTED, "metricsGenerator.persistence.enabled", True),
        (DISTRIBUTED, "gateway.enabled", False),
        (DISTRIBUTED, "minio.enabled", False),
    ],
)
def test_a_setting_stands_at_the_key_of_its_chart(
    mode: TempoMode, path: str, expected: object
) -> None:
    assert at(values(arguments(mode, retention_hours=48)), path) == expected


@pytest.mark.parametrize(
    ("mode", "path"),
    [
        (MONOLITHIC, "tempo.receivers.otlp.protocols.grpc.endpoint=0.0.0.0:4317"),
        (MONOLITHIC, "tempo.receivers.otlp.protocols.http.endpoint=0.0.0.0:4318"),
        (DISTRIBUTED, "traces.otlp.grpc.enabled=True"),
        (DISTRIBUTED, "traces.otlp.http.enabled=True"),
    ],
)
def test_otlp_is_taken(mode: TempoMode, path: str) -> None:
    key, expected = path.split("=")

    assert str(at(values(arguments(mode)), key)) == expected


@pytest.mark.parametrize("on", [False, True])
def test_jaeger_and_zipkin_are_taken_by_the_monolith_only_when_asked_for(on: bool) -> None:
    receivers = values(arguments(MONOLITHIC, jaeger=on, zipkin=on))["tempo"]["receivers"]

    ports = [p["endpoint"].rpartition(":")[2] for p in receivers["jaeger"]["protocols"].values()]
    assert ports == (["14250", "14268", "6831", "6832"] if on else ["", "", "", ""])
    assert ("zipkin" in receivers) is on


@pytest.mark.parametrize("on", [False, True])
def test_jaeger_and_zipkin_are_taken_by_distributors_only_when_asked_for(on: bool) -> None:
    traces = values(arguments(DISTRIBUTED, jaeger=on, zipkin=on))["traces"]

    assert {p["enabled"] for p in traces["jaeger"].values()} == {on}
    assert traces["zipkin"]["enabled"] is on


@UNHURRIED
@given(args=any_arguments(DISTRIBUTED))
def test_kafka_is_never_set(args: Any) -> None:
    assert "ingest" not in values(args)


@BOTH
@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_s3_is_named_by_region_and_host_and_without_keys(
    mode: TempoMode, region: str, host: str
) -> None:
    tree = values(arguments(mode, region=region))
    trace = at(tree, "tempo.storage.trace" if mode is MONOLITHIC else "storage.trace")

    assert trace["backend"] == "s3"
    assert trace["s3"] == {"bucket": "traces-dev", "region": region, "endpoint": host}
    assert "AWS_ACCESS_KEY_ID" not in str(tree)


@pytest.mark.parametrize(
    ("url", "host", "insecure"),
    [("http://moto:5000", "moto:5000", True), ("https://s3.lab", "s3.lab", False)],
)
def test_a_stand_in_for_s3_is_named_by_host_and_port(url: str, host: str, insecure: bool) -> None:
    s3 = config.s3(arguments(MONOLITHIC, storage_endpoint=url))

    assert (s3["endpoint"], s3["insecure"], s3["forcepathstyle"]) == (host, insecure, True)


@BOTH
def test_a_stand_in_for_s3_gets_keys_that_it_does_not_check(mode: TempoMode) -> None:
    tree = values(arguments(mode, storage_endpoint="http://moto:5000"))
    env = at(tree, "tempo.extraEnv" if mode is MONOLITHIC else "global.extraEnv")

    assert {"name": "AWS_ACCESS_KEY_ID", "value": "test"} in env
    assert {"name": "AWS_SECRET_ACCESS_KEY", "value": "test"} in env


@BOTH
def test_span_metrics_keep_their_contract(mode: TempoMode) -> None:
    section = generator(mode)

    assert section["registry"]["external_labels"] == {"source": "tempo", "cluster": "dev"}
    spans = section["processor"]["span_metrics"]
    assert spans["enable_target_info"] is True
    # Or series would multiply by pods and grow with each rollout.
    assert spans["enable_instance_label"] is False
    assert {0.512, 2.05} <= set(spans["histogram_buckets"])
    assert {"k8s.cluster.name", "k8s.namespace.name"} <= set(spans["dimensions"])
    graph = section["processor"]["service_graphs"]
    assert graph["enable_virtual_node_label"] is False
    assert graph["dimensions"] == ["k8s.cluster.name", "k8s.namespace.name"]


@BOTH
def test_the_latency_histogram_has_the_buckets_of_the_settings(mode: TempoMode) -> None:
    buckets = [0.512, 2.05, 10]
    its = arguments(mode).settings.model_copy(
        update={"span_metrics": TempoSpanMetricsSettings(buckets=buckets)}
    )
    section = generator(mode, settings=its)
    assert section["processor"]["span_metrics"]["histogram_buckets"] == buckets


@BOTH
def test_span_metrics_are_written_with_exemplars(mode: TempoMode) -> None:
    assert generator(mode)["storage"]["remote_write"] == [
        {"url": METRICS.remote_write_url, "send_exemplars": True}
    ]


@BOTH
@pytest.mark.parametrize(
    ("metrics", "traceql", "running"),
    [
        (METRICS, True, ["service-graphs", "span-metrics", "local-blocks"]),
        (METRICS, False, ["service-graphs", "span-metrics"]),
        (None, True, ["local-blocks"]),
    ],
)
def test_the_generator_runs_what_is_asked_for(
    mode: TempoMode, metrics: object, traceql: bool, running: list[str]
) -> None:
    changes = {"metrics": metrics, "traceql_metrics": traceql}

    assert defaults(mode, **changes)["metrics_generator"]["processors"] == running
    section = generator(mode, **changes)
    assert section["enabled"] is True
    assert set(section["processor"]) == {name.replace("-", "_") for name in running}
    assert bool(section["storage"]["remote_write"]) is (metrics is not None)


@BOTH
def test_the_generator_is_off_where_it_has_nothing_to_do(mode: TempoMode) -> None:
    changes = {"metrics": None, "traceql_metrics": False}

    assert generator(mode, **changes) == {"enabled": False}
    assert "metrics_generator" not in defaults(mode, **changes)


@BOTH
def test_the_password_of_the_metrics_backend_is_read_from_the_mounted_secret(
    mode: TempoMode,
) -> None:
    changes = {"metrics": METRICS_WITH_USER, "credentials_secret": "secret"}
    tree = values(arguments(mode, **changes))
    pod = tree["metricsGenerator"] if mode is DISTRIBUTED else tree | tree["tempo"]

    auth = generator(mode, **changes)["storage"]["remote_write"][0]["basic_auth"]
    folder, _, file = auth["password_file"].rpartition("/")
    assert auth["username"] == "writer"
    assert [mount["mountPath"] for mount in pod["extraVolumeMounts"]] == [folder]
    [volume] = pod["extraVolumes"]
    [source] = volume["projected"]["sources"]
    items = [{"key": "METRICS_PASSWORD", "path": file}]
    assert source == {"secret": {"name": "secret", "items": items}}


@BOTH
def test_a_user_without_a_secret_is_refused(mode: TempoMode) -> None:
    with pytest.raises(ValueError, match="credentials_secret"):
        values(arguments(mode, metrics=METRICS_WITH_USER))


@BOTH
def test_limits_stand_in_the_overrides(mode: TempoMode) -> None:
    section = defaults(
        mode,
        limits={
            "rate_limit_mib": 3,
            "burst_size_mib": 4,
            "max_live_traces": 500,
            "max_trace_mib": 2,
            "max_active_series": 6000,
            "max_attribute_bytes": 9000,
        },
    )

    assert section["ingestion"] == {
        "rate_strategy": "local" if mode is MONOLITHIC else "global",
        "rate_limit_bytes": 3 * 1024**2,
        "burst_size_bytes": 4 * 1024**2,
        "max_traces_per_user": 500,
        "max_attribute_bytes": 9000,
    }
    assert section["global"]["max_bytes_per_trace"] == 2 * 1024**2
    assert section["metrics_generator"]["max_active_series"] == 6000


@BOTH
def test_histograms_are_classic_unless_set_otherwise(mode: TempoMode) -> None:
    key = "generate_native_histograms"
    both = {"histograms": "both"}

    assert key not in defaults(mode)["metrics_generator"]
    assert defaults(mode, span_metrics=both)["metrics_generator"][key] == "both"
    assert key not in defaults(mode, span_metrics=both, metrics=None)["metrics_generator"]


@BOTH
def test_further_attributes_become_labels(mode: TempoMode) -> None:
    processor = generator(mode, span_metrics={"dimensions": ["team", "rpc.system"]})["processor"]

    assert processor["span_metrics"]["dimensions"][-2:] == ["team", "rpc.system"]
    assert "k8s.namespace.name" in processor["span_metrics"]["dimensions"]


@BOTH
@pytest.mark.parametrize(("max_trace_mib", "message_mib"), [(5, 16), (20, 40), (1000, 2000)])
def test_a_message_between_parts_holds_the_largest_trace(
    mode: TempoMode, max_trace_mib: int, message_mib: int
) -> None:
    tree = values(arguments(mode, limits={"max_trace_mib": max_trace_mib}))
    server = at(tree, "tempo.server" if mode is MONOLITHIC else "server")

    assert server["grpc_server_max_recv_msg_size"] == message_mib * 1024**2
    assert server["grpc_server_max_send_msg_size"] == message_mib * 1024**2


@BOTH
def test_a_tenant_turns_multitenancy_on(mode: TempoMode) -> None:
    tree = values(arguments(mode, tenant="team"))

    path = "tempo.multitenancyEnabled" if mode is MONOLITHIC else "multitenancyEnabled"
    assert at(tree, path) is True


def test_scaling_follows_the_largest_number_of_pods() -> None:
    tree = values(arguments(DISTRIBUTED, workloads={"querier": {"replicas": 4, "max_replicas": 9}}))

    assert tree["querier"]["autoscaling"] == {"enabled": True, "minReplicas": 4, "maxReplicas": 9}
    assert "autoscaling" not in tree["distributor"]


def test_a_brace_in_a_user_name_is_no_template() -> None:
    metrics = METRICS.model_copy(update={"username": "a{{b"})
    section = generator(DISTRIBUTED, metrics=metrics, credentials_secret="secret")

    auth = section["storage"]["remote_write"][0]["basic_auth"]
    assert auth["username"] == "a{{`{{`}}b"


@pytest.mark.parametrize(
    ("mode", "query", "otlp"),
    [
        (MONOLITHIC, "http://tempo.t.svc.cluster.local:3200", "tempo.t.svc.cluster.local:4317"),
        (
            DISTRIBUTED,
            "http://tempo-query-frontend.t.svc.cluster.local:3200",
            "tempo-distributor-discovery.t.svc.cluster.local:4317",
        ),
    ],
)
def test_endpoints(mode: TempoMode, query: str, otlp: str) -> None:
    assert endpoints.query_url(mode, "t") == query
    assert endpoints.otlp_endpoint(mode, "t") == otlp


def test_the_monolith_listens_on_every_address_of_the_family() -> None:
    def endpoint(**changes: Any) -> str:
        path = "tempo.receivers.otlp.protocols.grpc.endpoint"
        return at(values(arguments(MONOLITHIC, **changes)), path)

    assert endpoint() == "0.0.0.0:4317"
    assert endpoint(ip_family=IpFamily.IPV6) == endpoint(ip_family=IpFamily.DUAL) == "[::]:4317"


def test_parts_reach_each_other_by_the_addresses_that_they_have() -> None:
    def made(family: IpFamily) -> Any:
        return values(arguments(DISTRIBUTED, ip_family=family, jaeger=True))

    ipv4, ipv6, dual = (made(family) for family in IpFamily)
    assert at(ipv6, "tempo.structuredConfig.ingester.lifecycler.enable_inet6") is True
    for part in ("compactor", "distributor", "metrics_generator"):
        assert at(ipv6, f"tempo.structuredConfig.{part}.ring.enable_inet6") is True
    assert unknown_tempo_config(ipv6["tempo"]["structuredConfig"]) == []
    assert ipv6["memberlist"] == {"bind_addr": ["::"]}
    assert ipv6["tempo"]["service"] == {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}
    assert dual["tempo"]["service"]["ipFamilyPolicy"] == "PreferDualStack"
    for tree in (ipv6, dual):
        assert at(tree, "traces.otlp.http.receiverConfig.endpoint") == "[::]:4318"
        assert at(tree, "traces.jaeger.thriftCompact.receiverConfig.endpoint") == "[::]:6831"
        assert unknown_keys("tempo-distributed", DISTRIBUTED_CHART.version, tree) == []
    for tree in (ipv4, dual):
        assert "memberlist" not in tree
        assert "inet6" not in str(tree)
    assert "service" not in ipv4["tempo"]
