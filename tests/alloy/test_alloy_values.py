"""Helm values of the gateway."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.alloy.component import AlloyArgs
from components.alloy.endpoints import otlp_grpc_endpoint, otlp_http_endpoint
from components.alloy.pipeline import config
from components.alloy.settings import AlloySettings
from components.alloy.sizes import PRESETS
from components.alloy.values import values
from components.core.helm import ALLOY
from components.core.settings import (
    IpFamily,
    PlacementSettings,
    ScalableWorkloadSettings,
    ServiceMonitorSettings,
    Size,
)
from tests.alloy.cases import LOGS, METRICS, arguments, variants
from tests.contracts.check import unknown_keys

VARIANTS = variants()

each_variant = pytest.mark.parametrize("args", VARIANTS.values(), ids=VARIANTS.keys())
each_size = pytest.mark.parametrize("size", Size)


def sized(size: Size, **workload: int) -> dict[str, Any]:
    settings = AlloySettings(size=size, workload=ScalableWorkloadSettings(**workload))
    return values(arguments(settings=settings))


def unknown(made: dict[str, Any]) -> list[str]:
    return unknown_keys(ALLOY.name, ALLOY.version, made)


@each_variant
def test_the_chart_knows_every_key(args: AlloyArgs) -> None:
    assert unknown(values(args)) == []


@each_size
def test_the_chart_knows_every_key_of_every_size(size: Size) -> None:
    monitor = ServiceMonitorSettings(enabled=True, labels={"release": "prometheus"})
    settings = AlloySettings(size=size, placement=PlacementSettings(priority_class="high"))

    args = arguments(settings=settings, image_registry="mirror:5000/x", service_monitor=monitor)
    assert unknown(values(args)) == []


def test_the_contract_finds_a_misspelt_key() -> None:
    assert unknown({**values(arguments()), "contoller": {}}) == ["contoller"]


def test_the_chart_mounts_the_configuration() -> None:
    args = VARIANTS["all-signed"]

    assert values(args)["alloy"]["configMap"] == {"create": True, "content": config(args)}


def test_the_service_account_reads_pods_and_nothing_else() -> None:
    made = values(VARIANTS["all-signed"])
    role, binding = made["extraObjects"]

    # The chart's own role reads Secrets too.
    assert made["rbac"] == {"create": False}
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "alloy", "namespace": arguments().namespace}
    ]


def test_the_otlp_ports_are_exposed_under_the_names_of_the_endpoints() -> None:
    made = values(arguments())
    ports = {p["name"]: p for p in made["alloy"]["extraPorts"]}

    assert made["fullnameOverride"] == "alloy"
    assert otlp_grpc_endpoint("tracing") == "http://alloy.tracing.svc.cluster.local:4317"
    assert otlp_http_endpoint("tracing") == "http://alloy.tracing.svc.cluster.local:4318"
    for name, port in {"otlp-grpc": 4317, "otlp-http": 4318}.items():
        assert (ports[name]["port"], ports[name]["targetPort"]) == (port, port)


@given(
    size=st.sampled_from(Size),
    replicas=st.integers(1, 50),
    max_replicas=st.integers(1, 50),
    memory=st.integers(64, 4096),
)
def test_pods_scale_within_their_bounds(
    size: Size, replicas: int, max_replicas: int, memory: int
) -> None:
    # Kubernetes refuses a request above the limit.
    assume(memory <= PRESETS[size].workload.memory_limit_mib)
    made = sized(size, replicas=replicas, max_replicas=max_replicas, memory_request_mib=memory)
    controller = made["controller"]
    scaling = controller["autoscaling"]["horizontal"]

    assert controller["replicas"] == replicas
    assert scaling["enabled"] is (max_replicas > replicas)
    assert controller["podDisruptionBudget"]["enabled"] is (replicas > 1)
    if scaling["enabled"]:
        assert (scaling["minReplicas"], scaling["maxReplicas"]) == (replicas, max_replicas)
        assert scaling["targetCPUUtilizationPercentage"] > 0
        # A pod is added before the limiter refuses data, at 65 % of the limit.
        limit = int(made["alloy"]["resources"]["limits"]["memory"].removesuffix("Mi"))
        target = scaling["targetMemoryUtilizationPercentage"] * memory / 100
        assert 0.55 * limit < target < 0.65 * limit


@each_size
def test_memory_is_always_limited(size: Size) -> None:
    made = sized(size)

    assert made["alloy"]["resources"]["limits"]["memory"]
    assert made["configReloader"]["resources"]["limits"]["memory"]


def test_an_update_takes_no_pod_away_first() -> None:
    strategy = values(arguments())["controller"]["updateStrategy"]

    assert strategy["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": 0}


def test_pods_go_to_different_nodes_where_possible() -> None:
    controller = values(arguments())["controller"]
    [spread] = controller["topologySpreadConstraints"]
    [rule] = controller["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]

    labels = {"app.kubernetes.io/name": "alloy", "app.kubernetes.io/instance": "alloy"}
    assert spread["labelSelector"]["matchLabels"] == labels
    assert rule["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels


def test_the_pod_stops_within_its_grace_period() -> None:
    made = values(arguments())
    drain = made["alloy"]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert drain < made["controller"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("registry", [None, "mirror.example:5000/images"])
def test_a_mirror_serves_all_images(registry: str | None) -> None:
    made = values(arguments(image_registry=registry))

    # The chart puts global.image.registry before the registry of both images.
    assert made["global"].get("image") == ({"registry": registry} if registry else None)


def test_nothing_is_reported_and_no_kinds_are_installed() -> None:
    made = values(arguments())

    assert made["alloy"]["enableReporting"] is False
    assert made["crds"] == {"create": False}
    assert made["alloy"]["stabilityLevel"] == "generally-available"


@pytest.mark.parametrize("backend", ["metrics", "logs"])
def test_a_username_without_a_secret_is_refused(backend: str) -> None:
    settings = {"metrics": METRICS, "logs": LOGS}[backend]
    signed = settings.model_copy(update={"username": "writer"})

    with pytest.raises(ValueError, match="credentials_secret"):
        arguments(**{backend: signed})


def test_the_service_monitor_carries_its_labels() -> None:
    monitor = ServiceMonitorSettings(enabled=True, labels={"release": "prometheus"})

    assert values(arguments(service_monitor=monitor))["serviceMonitor"] == {
        "enabled": True,
        "additionalLabels": {"release": "prometheus"},
    }
    assert values(arguments())["serviceMonitor"]["enabled"] is False


def test_another_configuration_is_a_rollout() -> None:
    """A bad one fails the upgrade instead of the next restart of a pod."""
    annotations = [
        values(arguments(cluster_name=name))["controller"]["podAnnotations"]
        for name in ("a", "a", "b")
    ]

    assert annotations[0] == annotations[1] != annotations[2]
    assert set(annotations[0]) == {"checksum/config"}


@pytest.mark.parametrize("family", [IpFamily.IPV6, IpFamily.DUAL])
def test_alloy_listens_on_every_address_of_the_family(family: IpFamily) -> None:
    args = arguments(ip_family=family)

    assert values(args)["alloy"]["listenAddr"] == "[::]"
    assert {'"[::]:4317"', '"[::]:4318"'} <= set(config(args).split())
    assert unknown_keys("alloy", ALLOY.version, values(args)) == []
    assert "listenAddr" not in values(arguments())["alloy"]
