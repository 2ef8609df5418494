"""What the chart is told, and that chart and program know every word of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.beyla.component import BeylaArgs
from components.beyla.config import config
from components.beyla.settings import (
    BeylaPodSettings,
    BeylaServiceSettings,
    BeylaSettings,
    ContextPropagation,
)
from components.beyla.sizes import cache_replicas, workloads
from components.beyla.values import values
from components.core.helm import BEYLA
from components.core.settings import PlacementSettings, ServiceMonitorSettings
from tests.contracts.check import contract, unknown_keys
from tests.sweep import sweep

CONTRACTS = Path(__file__).parents[1] / "contracts"
SCHEMA: dict[str, Any] = json.loads(
    (CONTRACTS / "beyla-config-3.32.0.schema.json").read_text(encoding="utf-8")
)
VALIDATOR: Any = jsonschema.Draft202012Validator(SCHEMA)


def beyla(
    of: BeylaSettings | None = None,
    *,
    nodes: int = 3,
    image_registry: str | None = None,
    monitor: ServiceMonitorSettings | None = None,
    ignored_paths: tuple[str, ...] = ("/healthz",),
    annotations: tuple[str, ...] = (),
) -> BeylaArgs:
    return BeylaArgs(
        settings=of or BeylaSettings(namespaces=["shop"]),
        namespace="tracing-beyla",
        chart=BEYLA,
        atomic=False,
        image_registry=image_registry,
        nodes=nodes,
        cluster_name="dev",
        otlp_endpoint="http://alloy.tracing.svc.cluster.local:4317",
        excluded_namespaces=["tracing", "tracing-beyla"],
        excluded_annotations=list(annotations),
        ignored_paths=list(ignored_paths),
        service_monitor=monitor or ServiceMonitorSettings(),
    )


def unknown_to_schema(value: object, schema: dict[str, Any], path: str = "") -> list[str]:
    """Return the keys of Beyla's configuration that its schema does not name.

    The schema itself lets any key pass, and Beyla ignores what it does not know.
    """
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    found: list[str] = []
    if isinstance(value, dict):
        for key, below in cast("dict[str, object]", value).items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            where = f"{path}.{key}".lstrip(".")
            found += unknown_to_schema(below, inner, where) if inner else [where]
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            found += unknown_to_schema(item, schema.get("items", {}), path)
    return found


def deprecated_keys(data: dict[str, Any]) -> list[str]:
    """Return the keys of `discovery` that the schema calls deprecated."""
    properties = SCHEMA["$defs"]["BeylaDiscoveryConfig"]["properties"]
    return [key for key in data["discovery"] if properties[key].get("deprecated")]


namespaces = st.lists(
    st.from_regex(r"[a-z]([-a-z0-9*]{0,10}[a-z0-9*])?", fullmatch=True), min_size=1, max_size=4
)
some_settings = st.builds(
    BeylaSettings,
    namespaces=namespaces,
    services=st.lists(
        st.builds(
            BeylaServiceSettings,
            namespace=st.none() | st.just("shop"),
            workload=st.just("cart-*"),
            labels=st.dictionaries(st.just("team"), st.just("a")),
        ),
        max_size=2,
    ),
    sample_ratio=st.floats(0, 1),
    excluded_namespaces=namespaces,
    enrich_logs=namespaces,
    context_propagation=st.sampled_from(ContextPropagation),
    metrics_port=st.integers(1024, 65_535),
    workload=st.builds(BeylaPodSettings, memory_limit_mib=st.none() | st.integers(416, 4_194_304)),
    placement=st.builds(
        PlacementSettings, priority_class=st.none() | st.just("system-node-critical")
    ),
)
some_args = st.builds(
    beyla,
    some_settings,
    nodes=st.integers(1, 10_000),
    image_registry=st.none() | st.just("mirror.example.com/images"),
    monitor=st.builds(
        ServiceMonitorSettings,
        enabled=st.booleans(),
        labels=st.just({"release": "kube-prometheus-stack"}),
    ),
    ignored_paths=st.sampled_from([(), ("/healthz", "/metrics")]),
)


@settings(deadline=None)
@given(args=some_args)
def test_the_chart_and_the_program_know_every_key(args: BeylaArgs) -> None:
    built = values(args)
    assert unknown_keys("beyla", BEYLA.version, built) == []
    data = built["config"]["data"]
    VALIDATOR.validate(data)
    assert unknown_to_schema(data, SCHEMA) == []
    assert deprecated_keys(data) == []


#: Beyla's own (pkg/config/env_replacer.go), applied to its whole file.
_VARIABLE = re.compile(r"\$?\$\{(?:env:)?([a-zA-Z_][a-zA-Z0-9_]*)(?::-([^}]*))?\}")


def replace_env(text: str) -> str:
    """Replace environment variables as Beyla does; none is set."""
    return _VARIABLE.sub(
        lambda found: found[0].replace("$$", "$") if found[0][:2] == "$$" else found[2] or "",
        text,
    )


@pytest.mark.parametrize(
    "paths",
    [
        ["/a/${HOME}", "/b/$HOME$$", "/c/${env:HOME}", "/d/$${HOME}", "/e/$$${HOME}"],
        ["/a/${HOME:-x}", "/{id}/${1}/${}", "/b/${A:-", "/c}"],
    ],
)
def test_beyla_reads_settings_as_they_are_written(paths: list[str]) -> None:
    data = config(replace(beyla(ignored_paths=tuple(paths)), cluster_name="${HOME}"))

    read = yaml.safe_load(replace_env(yaml.safe_dump(data)))
    assert read["routes"]["ignored_patterns"] == paths
    assert read["attributes"]["kubernetes"]["cluster_name"] == "${HOME}"


@given(args=some_args)
def test_values_are_plain_and_the_same_each_time(args: BeylaArgs) -> None:
    assert json.dumps(values(args)) == json.dumps(values(args))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"discovery": {"instruments": []}}, "discovery.instruments"),
        (
            {"discovery": {"instrument": [{"k8s_namespaces": "x"}]}},
            "discovery.instrument.k8s_namespaces",
        ),
        ({"prometheus_export": {"prot": 1}}, "prometheus_export.prot"),
    ],
)
def test_the_check_itself_refuses_a_misspelt_key(data: dict[str, Any], where: str) -> None:
    VALIDATOR.validate(data)  # The schema alone would let it pass.
    assert unknown_to_schema(data, SCHEMA) == [where]


def test_the_contract_is_that_of_the_chart_in_use() -> None:
    recorded = contract(f"beyla-{BEYLA.version}")
    assert (CONTRACTS / f"beyla-config-{recorded['appVersion']}.schema.json").exists()


def test_only_chosen_namespaces_are_looked_at() -> None:
    chosen = BeylaSettings(namespaces=["shop", "team-*"], excluded_namespaces=["team-x"])
    discovery = config(beyla(chosen))["discovery"]
    assert [entry["k8s_namespace"] for entry in discovery["instrument"]] == ["shop", "team-*"]
    found = discovery["exclude_instrument"]
    excluded = [each["k8s_namespace"] for each in found if "k8s_namespace" in each]
    assert excluded == ["kube-*", "tracing", "tracing-beyla", "team-x"]


def test_services_are_selected_by_workload_and_labels() -> None:
    both = BeylaServiceSettings(namespace="shop", workload="cart-*", labels={"team": "a"})
    chosen = BeylaSettings(
        namespaces=["pay"], services=[both, BeylaServiceSettings(labels={"trace": "yes"})]
    )
    # The criteria of one entry must all match, and one entry is enough.
    assert config(beyla(chosen))["discovery"]["instrument"] == [
        {"k8s_namespace": "pay"},
        {"k8s_namespace": "shop", "k8s_owner_name": "cart-*", "k8s_pod_labels": {"team": "a"}},
        {"k8s_pod_labels": {"trace": "yes"}},
    ]


def containers(of: BeylaSettings | None = None) -> list[str]:
    found = config(beyla(of))["discovery"]["exclude_instrument"]
    return [each["k8s_container_name"] for each in found if "k8s_container_name" in each]


def test_proxies_of_a_mesh_are_left_alone_unless_set_otherwise() -> None:
    assert {"istio-proxy", "linkerd-proxy"} <= {*containers()}
    own = BeylaSettings(namespaces=["shop"], excluded_containers=["sidecar-*"])
    assert containers(own) == ["sidecar-*"]


def test_traces_are_sampled_where_they_start() -> None:
    def exported(ratio: float) -> Any:
        return config(beyla(BeylaSettings(namespaces=["a"], sample_ratio=ratio)))[
            "otel_traces_export"
        ].get("sampler")

    assert exported(1) is None
    assert exported(0.05) == {"name": "parentbased_traceidratio", "arg": "0.05"}
    assert exported(0) == {"name": "parentbased_traceidratio", "arg": "0"}


def test_services_with_an_sdk_are_left_alone_in_traces_and_span_metrics() -> None:
    discovery = config(beyla())["discovery"]
    assert discovery["exclude_otel_instrumented_services"] is True
    assert discovery["exclude_otel_instrumented_services_span_metrics"] is True


def test_pods_with_an_agent_of_the_operator_are_left_alone() -> None:
    """Go's agent sends for another process: Beyla would not see that the program is traced."""
    discovery = config(beyla(annotations=("example.com/a", "example.com/b")))["discovery"]
    found = [each for each in discovery["exclude_instrument"] if "k8s_pod_annotations" in each]

    # One entry each: the annotations of one entry would all have to be there.
    assert found == [
        {"k8s_pod_annotations": {"example.com/a": "*/*"}},
        {"k8s_pod_annotations": {"example.com/b": "*/*"}},
    ]
    assert unknown_to_schema(discovery, SCHEMA["properties"]["discovery"]) == []


@pytest.mark.parametrize("mode", list(ContextPropagation))
def test_chart_and_program_agree_on_context_propagation(mode: ContextPropagation) -> None:
    chosen = BeylaSettings(namespaces=["shop"], context_propagation=mode)
    built = values(beyla(chosen))
    asked = mode is not ContextPropagation.DISABLED
    assert built["contextPropagation"]["enabled"] is asked
    assert built["config"]["data"]["ebpf"]["context_propagation"] == mode.value
    assert ("volumeMounts" in built) is asked
    # Otherwise no code runs in the processes of applications. The signal for it needs a capability.
    assert built["config"]["data"]["nodejs"] == {"enabled": asked}
    assert built.get("extraCapabilities", []) == (["KILL"] if asked else [])


def test_log_lines_are_extended_only_where_that_is_set() -> None:
    plain = values(beyla(BeylaSettings(namespaces=["shop"])))
    built = values(beyla(BeylaSettings(namespaces=["shop", "web"], enrich_logs=["web"])))

    assert "log_enricher" not in plain["config"]["data"]["ebpf"]
    assert "extraCapabilities" not in plain
    assert "volumes" not in plain
    assert built["config"]["data"]["ebpf"]["log_enricher"] == {
        "services": [{"service": [{"k8s_namespace": "web"}]}]
    }
    assert built["extraCapabilities"] == ["DAC_OVERRIDE"]
    assert [v["hostPath"]["path"] for v in built["volumes"]] == [
        "/sys/kernel/security",
        "/sys/fs/bpf",
    ]
    assert unknown_to_schema(built["config"]["data"], SCHEMA) == []


def test_tempos_series_are_not_written_twice() -> None:
    assert config(beyla())["metrics"] == {"features": ["application"]}


def test_probes_make_neither_traces_nor_metrics() -> None:
    routes = config(beyla(ignored_paths=("/healthz", "/ready")))["routes"]
    assert routes["ignored_patterns"] == ["/healthz", "/ready"]
    assert routes["ignore_mode"] == "all"
    assert routes["unmatched"] == "heuristic"


def test_spans_go_to_alloy_and_carry_the_cluster() -> None:
    data = config(beyla())
    assert data["otel_traces_export"] == {
        "endpoint": "http://alloy.tracing.svc.cluster.local:4317",
        "protocol": "grpc",
    }
    assert data["attributes"]["kubernetes"]["cluster_name"] == "dev"


def test_no_privileged_container() -> None:
    assert values(beyla())["privileged"] is False


@sweep(("nodes", "replicas"), [(1, 0), (24, 0), (25, 1), (50, 1), (74, 1), (75, 2), (500, 10)])
def test_the_cache_grows_with_the_cluster(nodes: int, replicas: int) -> None:
    assert cache_replicas(nodes) == replicas
    assert values(beyla(nodes=nodes))["k8sCache"]["replicas"] == replicas
    assert ("k8s-cache" in workloads(BeylaSettings(), nodes)) is (replicas > 0)


def test_a_pod_on_each_node() -> None:
    assert workloads(BeylaSettings(), 7)["beyla"].replicas == 7


def test_single_values_of_the_size_can_be_replaced() -> None:
    chosen = BeylaSettings(namespaces=["shop"], workload=BeylaPodSettings(memory_limit_mib=1000))
    built = values(beyla(chosen))
    assert built["resources"]["limits"] == {"cpu": "500m", "memory": "1000Mi"}
    # The rest is for eBPF maps.
    assert built["env"]["GOMEMLIMIT"] == "650MiB"


def test_a_mirror_serves_both_images() -> None:
    built = values(beyla(image_registry="mirror.example.com"))
    assert built["global"]["image"]["registry"] == "mirror.example.com"
    assert "global" not in values(beyla())


def test_a_service_monitor_comes_with_its_service() -> None:
    monitor = ServiceMonitorSettings(enabled=True, labels={"release": "prometheus"})
    built = values(beyla(monitor=monitor))
    assert built["service"] == {"enabled": True}
    assert built["serviceMonitor"]["additionalLabels"] == {"release": "prometheus"}
    assert not {"service", "serviceMonitor"} & values(beyla()).keys()


def test_one_scrape_shows_services_and_beyla_itself() -> None:
    data = config(beyla(BeylaSettings(namespaces=["shop"], metrics_port=9400)))
    assert data["prometheus_export"] == {"port": 9400, "path": "/metrics"}
    assert data["internal_metrics"]["exporter"] == "prometheus"
    assert data["internal_metrics"]["prometheus"] == data["prometheus_export"]


def test_the_priority_class_is_the_chosen_one() -> None:
    placement = PlacementSettings(priority_class="system-node-critical")
    chosen = BeylaSettings(namespaces=["shop"], placement=placement)
    assert values(beyla(chosen))["priorityClassName"] == "system-node-critical"
    assert "priorityClassName" not in values(beyla())
