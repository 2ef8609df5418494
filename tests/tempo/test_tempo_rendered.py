"""What the charts make of the values."""

from pathlib import Path
from typing import Any

import pytest

from components.core.names import (
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    TEMPO_HTTP_PORT,
    TEMPO_SERVICE_ACCOUNT,
)
from components.core.settings import PlacementSettings, ServiceMonitorSettings
from components.tempo import endpoints, sizes
from components.tempo.component import Tempo, TempoArgs
from components.tempo.settings import TempoMode
from plan.recorder import record
from tests.contracts.check import unknown_tempo_config
from tests.tempo.cases import METRICS_WITH_USER, SIZES, arguments
from tests.tempo.rendering import needs_charts, of_kind, pod_specs, render, tempo_config

pytestmark = needs_charts

MONOLITHIC = TempoMode.MONOLITHIC
DISTRIBUTED = TempoMode.DISTRIBUTED
BOTH = pytest.mark.parametrize("mode", TempoMode)

EVERYTHING: dict[str, Any] = {
    "tenant": "team",
    "jaeger": True,
    "zipkin": True,
    "storage_class": "gp3",
    "placement": PlacementSettings(priority_class="high"),
    "image_registry": "registry.example:5000/mirror",
    "storage_endpoint": "http://moto:5000",
    "irsa_role_arn": "arn:aws:iam::123456789012:role/tempo",
    "metrics": METRICS_WITH_USER,
    "credentials_secret": "secret",
}
VARIANTS: list[dict[str, Any]] = [
    {},
    EVERYTHING,
    {"metrics": None},
    {"metrics": None, "traceql_metrics": False},
]
CASES = [
    pytest.param(arguments(mode, size=size, **variant), id=f"{mode}-{size}-{number}")
    for mode in TempoMode
    for size in SIZES[mode]
    for number, variant in enumerate(VARIANTS)
]


def ports(service: dict[str, Any]) -> set[int]:
    return {port["port"] for port in service["spec"]["ports"]}


@BOTH
def test_services_have_the_names_and_ports_that_others_use(mode: TempoMode, tmp_path: Path) -> None:
    services = of_kind(render(arguments(mode), tmp_path), "Service")

    assert TEMPO_HTTP_PORT in ports(services[endpoints.query_service(mode)])
    assert {OTLP_GRPC_PORT, OTLP_HTTP_PORT} <= ports(services[endpoints.otlp_service(mode)])


def test_spans_reach_distributors_through_a_headless_service(tmp_path: Path) -> None:
    services = of_kind(render(arguments(DISTRIBUTED), tmp_path), "Service")

    assert services[endpoints.otlp_service(DISTRIBUTED)]["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize("args", CASES)
def test_all_pods_run_as_the_one_service_account_without_a_token(
    args: TempoArgs, tmp_path: Path
) -> None:
    objects = render(args, tmp_path)

    accounts = of_kind(objects, "ServiceAccount")
    assert list(accounts) == [TEMPO_SERVICE_ACCOUNT]
    assert accounts[TEMPO_SERVICE_ACCOUNT]["automountServiceAccountToken"] is False
    for _, pod in pod_specs(objects):
        assert pod["serviceAccountName"] == TEMPO_SERVICE_ACCOUNT


@BOTH
def test_the_role_for_irsa_stands_on_the_service_account(mode: TempoMode, tmp_path: Path) -> None:
    with_role = render(arguments(mode, irsa_role_arn="arn:role"), tmp_path)
    without = render(arguments(mode), tmp_path)

    account = of_kind(with_role, "ServiceAccount")[TEMPO_SERVICE_ACCOUNT]
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:role"}
    assert (
        "annotations" not in of_kind(without, "ServiceAccount")[TEMPO_SERVICE_ACCOUNT]["metadata"]
    )


@pytest.mark.parametrize("args", CASES)
def test_pods_fit_the_level_restricted(args: TempoArgs, tmp_path: Path) -> None:
    for name, pod in pod_specs(render(args, tmp_path)):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not pod.get("initContainers"), name
        for volume in pod.get("volumes", []):
            assert volume.keys() & {"configMap", "emptyDir", "projected", "secret"}, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["runAsUser"] != 0, name
            assert not any("hostPort" in port for port in container["ports"]), name


@pytest.mark.parametrize("args", CASES)
def test_every_container_has_requests_and_limits(args: TempoArgs, tmp_path: Path) -> None:
    for name, pod in pod_specs(render(args, tmp_path)):
        for container in pod["containers"]:
            for kind in ("requests", "limits"):
                assert container["resources"][kind].keys() == {"cpu", "memory"}, name


@BOTH
def test_workloads_have_the_sizes_that_the_plan_counts(mode: TempoMode, tmp_path: Path) -> None:
    args = arguments(mode)
    objects = render(args, tmp_path)

    for name, size in sizes.workloads(args.settings).items():
        rendered = "tempo" if name == "monolithic" else f"tempo-{name.replace('_', '-')}"
        [workload] = [
            found[rendered]
            for kind in ("Deployment", "StatefulSet")
            if rendered in (found := of_kind(objects, kind))
        ]
        assert workload["spec"]["replicas"] == size.replicas
        [container] = workload["spec"]["template"]["spec"]["containers"]
        assert container["resources"] == size.resources()
        claims = [
            claim["spec"]["resources"]["requests"]["storage"]
            for claim in workload["spec"].get("volumeClaimTemplates", [])
        ]
        assert claims == ([f"{size.volume_gib}Gi"] if size.volume_gib else [])


def test_nothing_runs_that_has_no_size(tmp_path: Path) -> None:
    args = arguments(DISTRIBUTED)

    running = {name for name, _ in pod_specs(render(args, tmp_path))}
    assert running == {f"tempo-{n.replace('_', '-')}" for n in sizes.workloads(args.settings)}


@BOTH
def test_images_come_from_the_mirror(mode: TempoMode, tmp_path: Path) -> None:
    for _, pod in pod_specs(render(arguments(mode, image_registry="mirror:5000/m"), tmp_path)):
        for container in pod["containers"]:
            assert container["image"].startswith("mirror:5000/m/")


@BOTH
def test_tempo_runs_in_the_version_that_is_set(mode: TempoMode, tmp_path: Path) -> None:
    images = {
        container["image"]
        for name, pod in pod_specs(render(arguments(mode, image_tag="2.10.99"), tmp_path))
        for container in pod["containers"]
        if name != "tempo-memcached"
    }

    assert images == {"docker.io/grafana/tempo:2.10.99"}


@BOTH
def test_priority_and_storage_classes_reach_every_pod_and_volume(
    mode: TempoMode, tmp_path: Path
) -> None:
    objects = render(arguments(mode, **EVERYTHING), tmp_path)

    assert {pod["priorityClassName"] for _, pod in pod_specs(objects)} == {"high"}
    classes = {
        claim["spec"]["storageClassName"]
        for o in of_kind(objects, "StatefulSet").values()
        for claim in o["spec"].get("volumeClaimTemplates", [])
    }
    assert classes == {"gp3"}


@BOTH
def test_a_failed_upgrade_can_be_rolled_back(mode: TempoMode, tmp_path: Path) -> None:
    """Kubernetes replaces a pod that never became ready in a parallel StatefulSet only.

    The one of memcached isn't, and holds no spans.
    """
    sets = of_kind(render(arguments(mode), tmp_path), "StatefulSet").values()
    with_volumes = [o["spec"] for o in sets if o["spec"].get("volumeClaimTemplates")]
    kept = any(spec.get("podManagementPolicy") != "Parallel" for spec in with_volumes)
    assert with_volumes
    recorded = record(lambda: Tempo("tempo", arguments(mode)), preview=True)

    assert recorded.one("kubernetes:helm.sh/v3:Release").inputs.get("recreatePods", False) is kept


@BOTH
def test_volumes_use_the_default_class_where_none_is_set(mode: TempoMode, tmp_path: Path) -> None:
    for o in of_kind(render(arguments(mode), tmp_path), "StatefulSet").values():
        for claim in o["spec"].get("volumeClaimTemplates", []):
            # An empty string would turn provisioning off.
            assert claim["spec"].get("storageClassName") is None


def test_a_drain_takes_one_pod_of_a_kind_at_a_time(tmp_path: Path) -> None:
    args = arguments(DISTRIBUTED, size="l")
    budgets = of_kind(render(args, tmp_path), "PodDisruptionBudget")

    assert budgets.keys() == {
        f"tempo-{name.replace('_', '-')}" for name in sizes.workloads(args.settings)
    }
    assert {b["spec"]["maxUnavailable"] for b in budgets.values()} == {1}


def test_placement_selects_the_pods_that_it_places(tmp_path: Path) -> None:
    for o in render(arguments(DISTRIBUTED), tmp_path):
        if o["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        template = o["spec"]["template"]
        labels = template["metadata"]["labels"].items()
        affinity = template["spec"]["affinity"]["podAntiAffinity"]
        preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
        assert preferred
        for term in (each["podAffinityTerm"] for each in preferred):
            assert term["labelSelector"]["matchLabels"].items() <= labels
        assert "requiredDuringSchedulingIgnoredDuringExecution" not in affinity
        for constraint in template["spec"].get("topologySpreadConstraints", []):
            assert constraint["labelSelector"]["matchLabels"].items() <= labels


def test_ingesters_must_spread_over_nodes(tmp_path: Path) -> None:
    ingester = of_kind(render(arguments(DISTRIBUTED), tmp_path), "StatefulSet")["tempo-ingester"]

    constraints = ingester["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [(c["topologyKey"], c["whenUnsatisfiable"]) for c in constraints] == [
        ("kubernetes.io/hostname", "DoNotSchedule"),
        ("topology.kubernetes.io/zone", "ScheduleAnyway"),
    ]


@BOTH
@pytest.mark.parametrize("enabled", [False, True])
def test_service_monitors_are_made_when_asked_for(
    mode: TempoMode, enabled: bool, tmp_path: Path
) -> None:
    args = arguments(
        mode,
        service_monitor=ServiceMonitorSettings(enabled=enabled, labels={"release": "prometheus"}),
    )
    monitors = of_kind(render(args, tmp_path), "ServiceMonitor")

    assert bool(monitors) is enabled
    for monitor in monitors.values():
        assert monitor["metadata"]["labels"]["release"] == "prometheus"


@pytest.mark.parametrize("args", CASES)
def test_the_rendered_configuration_has_only_keys_that_tempo_knows(
    args: TempoArgs, tmp_path: Path
) -> None:
    assert unknown_tempo_config(tempo_config(render(args, tmp_path))) == []


@BOTH
@pytest.mark.parametrize("on", [False, True])
def test_receivers_that_nobody_asked_for_are_not_configured(
    mode: TempoMode, on: bool, tmp_path: Path
) -> None:
    tempo = tempo_config(render(arguments(mode, jaeger=on, zipkin=on), tmp_path))

    receivers = tempo["distributor"]["receivers"]
    assert receivers.keys() == ({"otlp", "jaeger", "zipkin"} if on else {"otlp"})
    for protocol in receivers["otlp"]["protocols"].values():
        assert protocol["endpoint"].startswith("0.0.0.0:")


@BOTH
def test_the_rendered_configuration_keeps_what_was_set(mode: TempoMode, tmp_path: Path) -> None:
    tempo = tempo_config(render(arguments(mode, retention_hours=48, tenant="team"), tmp_path))

    assert tempo["compactor"]["compaction"]["block_retention"] == "48h"
    assert tempo["compactor"]["compaction"]["max_block_bytes"] == 5 * 1024**3
    assert tempo["stream_over_http_enabled"] is True
    assert tempo["multitenancy_enabled"] is True
    assert tempo["usage_report"]["reporting_enabled"] is False
    assert tempo["storage"]["trace"]["s3"]["bucket"] == "traces-dev"
    assert tempo["metrics_generator"]["storage"]["remote_write_add_org_id_header"] is False


def test_a_user_name_comes_out_as_it_went_in(tmp_path: Path) -> None:
    name = 'a{{b}}$c: "d"'
    metrics = METRICS_WITH_USER.model_copy(update={"username": name})
    for mode in TempoMode:
        args = arguments(mode, metrics=metrics, credentials_secret="secret")
        generator = tempo_config(render(args, tmp_path))["metrics_generator"]

        assert generator["storage"]["remote_write"][0]["basic_auth"]["username"] == name


def test_a_cluster_name_comes_out_as_it_went_in(tmp_path: Path) -> None:
    for mode in TempoMode:
        args = arguments(mode, cluster_name="a{{b}}$c")
        registry = tempo_config(render(args, tmp_path))["metrics_generator"]["registry"]

        assert registry["external_labels"]["cluster"] == "a{{b}}$c"


@BOTH
def test_tempo_expands_nothing_in_its_configuration(mode: TempoMode, tmp_path: Path) -> None:
    """With `-config.expand-env` a `$` in a user name or URL would start a variable."""
    for _, pod in pod_specs(render(arguments(mode), tmp_path)):
        arguments_of_all = [a for c in pod["containers"] for a in c.get("args", [])]
        assert arguments_of_all
        assert not [a for a in arguments_of_all if "expand-env" in a]


@BOTH
def test_the_generator_writes_to_no_one_without_a_metrics_backend(
    mode: TempoMode, tmp_path: Path
) -> None:
    generator = tempo_config(render(arguments(mode, metrics=None), tmp_path))["metrics_generator"]

    assert not generator["storage"].get("remote_write")


def test_distributors_write_to_ingesters_and_not_to_kafka(tmp_path: Path) -> None:
    tempo = tempo_config(render(arguments(DISTRIBUTED), tmp_path))

    assert "ingest" not in tempo
    assert "kafka_write_path_enabled" not in tempo["distributor"]
    assert tempo["ingester"]["lifecycler"]["ring"]["replication_factor"] == 3


@BOTH
def test_a_replay_of_the_wal_does_not_kill_the_pod(mode: TempoMode, tmp_path: Path) -> None:
    for name, pod in pod_specs(render(arguments(mode), tmp_path)):
        for container in pod["containers"]:
            if name != "tempo-memcached":
                assert container["livenessProbe"]["httpGet"]["path"] != "/ready"
                assert container["readinessProbe"]["httpGet"]["path"] == "/ready"


@BOTH
def test_a_pod_that_is_ready_gets_traffic_soon(mode: TempoMode, tmp_path: Path) -> None:
    """With 30 s before the first probe, two new distributors left 40 s without an endpoint."""
    for name, pod in pod_specs(render(arguments(mode), tmp_path)):
        for container in pod["containers"]:
            if name != "tempo-memcached":
                assert container["readinessProbe"]["initialDelaySeconds"] <= 5
                assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
