"""What the real chart makes of our values; needs helm and the packaged charts."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alloy.component import AlloyArgs
from components.alloy.pipeline import config
from components.alloy.settings import AlloySettings
from components.alloy.values import values
from components.core.helm import ALLOY
from components.core.settings import PlacementSettings, ServiceMonitorSettings, Size
from tests.alloy.cases import arguments, variants
from tests.helm import HELM, TEMPLATE

CHARTS = os.environ.get("TRACING_TEST_CHARTS")
VARIANTS = variants()

pytestmark = [
    pytest.mark.skipif(HELM is None, reason="helm is not on PATH"),
    pytest.mark.skipif(CHARTS is None, reason="TRACING_TEST_CHARTS names no folder of charts"),
]

each_variant = pytest.mark.parametrize("args", VARIANTS.values(), ids=VARIANTS.keys())

Objects = dict[tuple[str, str], dict[str, Any]]


def render(args: AlloyArgs, folder: Path) -> Objects:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values(args)), encoding="utf-8")
    chart = Path(CHARTS or "") / f"{ALLOY.name}-{ALLOY.version}.tgz"
    done = subprocess.run(
        [
            *(*TEMPLATE, "alloy", chart, "--namespace", args.namespace),
            *("--values", file, "--api-versions", "monitoring.coreos.com/v1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    objects = [document for document in yaml.safe_load_all(done.stdout) if document]
    return {(o["kind"], o["metadata"]["name"]): o for o in objects}


def pod(objects: Objects) -> dict[str, Any]:
    return objects["Deployment", "alloy"]["spec"]["template"]["spec"]


@each_variant
def test_the_configuration_arrives_as_it_was_written(args: AlloyArgs, tmp_path: Path) -> None:
    [text] = render(args, tmp_path)["ConfigMap", "alloy"]["data"].values()

    assert text == config(args).rstrip("\n")


def test_the_service_has_the_name_and_ports_of_the_endpoints(tmp_path: Path) -> None:
    objects = render(arguments(), tmp_path)
    ports = {p["name"]: p for p in objects["Service", "alloy"]["spec"]["ports"]}

    assert {name: (p["port"], p["targetPort"]) for name, p in ports.items()} == {
        "http-metrics": (12345, 12345),
        "otlp-grpc": (4317, 4317),
        "otlp-http": (4318, 4318),
    }
    assert objects["Service", "alloy"]["spec"]["selector"] == {
        "app.kubernetes.io/name": "alloy",
        "app.kubernetes.io/instance": "alloy",
    }


def test_the_cluster_role_reads_pods_only(tmp_path: Path) -> None:
    objects = render(VARIANTS["all-signed"], tmp_path)
    roles = [o for (kind, _), o in objects.items() if kind in {"ClusterRole", "Role"}]

    assert [role["rules"] for role in roles] == [
        [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    ]
    assert pod(objects)["serviceAccountName"] == "alloy"
    assert ("ServiceAccount", "alloy") in objects


def test_no_other_kinds_are_rendered(tmp_path: Path) -> None:
    assert {kind for kind, _ in render(arguments(), tmp_path)} == {
        "ServiceAccount",
        "ConfigMap",
        "ClusterRole",
        "ClusterRoleBinding",
        "Service",
        "Deployment",
        "PodDisruptionBudget",
    }


def test_the_pods_fit_the_restricted_level(tmp_path: Path) -> None:
    spec = pod(render(arguments(), tmp_path))

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any(spec.get(host) for host in ("hostNetwork", "hostPID", "hostIPC"))
    assert {k for v in spec["volumes"] for k in v if k != "name"} == {"configMap", "emptyDir"}
    assert [c["name"] for c in spec["containers"]] == ["alloy", "config-reloader"]
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["runAsUser"] > 0
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_what_alloy_writes_goes_to_a_volume(tmp_path: Path) -> None:
    alloy = pod(render(arguments(), tmp_path))["containers"][0]
    mounts = {m["mountPath"]: m["name"] for m in alloy["volumeMounts"]}

    assert f"--storage.path={next(p for p, n in mounts.items() if n == 'storage')}" in alloy["args"]
    assert "--disable-reporting" in alloy["args"]
    assert "--stability.level=generally-available" in alloy["args"]


@pytest.mark.parametrize("size", Size)
def test_scaling_and_budget_follow_the_size(size: Size, tmp_path: Path) -> None:
    objects = render(arguments(settings=AlloySettings(size=size)), tmp_path)

    scales = size in {Size.M, Size.L}
    assert (("HorizontalPodAutoscaler", "alloy") in objects) is scales
    # With both, every upgrade would reset the number of pods.
    assert ("replicas" in objects["Deployment", "alloy"]["spec"]) is not scales
    budget = objects.get(("PodDisruptionBudget", "alloy"))
    assert (budget["spec"]["maxUnavailable"] if budget else None) == (
        None if size is Size.XS else 1
    )


def test_autoscaling_looks_at_cpu_and_memory(tmp_path: Path) -> None:
    objects = render(arguments(settings=AlloySettings(size=Size.L)), tmp_path)
    scaler = objects["HorizontalPodAutoscaler", "alloy"]["spec"]

    assert {m["resource"]["name"] for m in scaler["metrics"]} == {"cpu", "memory"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 12)


def test_a_mirror_serves_both_images(tmp_path: Path) -> None:
    spec = pod(render(arguments(image_registry="mirror.example:5000/x"), tmp_path))

    images = [container["image"] for container in spec["containers"]]
    assert images[0] == "mirror.example:5000/x/grafana/alloy:v1.18.1"
    assert images[1].startswith("mirror.example:5000/x/prometheus-operator/")


def test_secrets_priority_and_grace_reach_the_pod(tmp_path: Path) -> None:
    base = VARIANTS["all-signed"]
    args = arguments(
        settings=AlloySettings(placement=PlacementSettings(priority_class="high")),
        metrics=base.metrics,
        credentials_secret="credentials",
    )
    spec = pod(render(args, tmp_path))

    [volume] = [v for v in spec["volumes"] if v["name"] == "backend-credentials"]
    assert volume["projected"]["sources"][0]["secret"]["name"] == "credentials"
    assert volume["name"] in {m["name"] for m in spec["containers"][0]["volumeMounts"]}
    assert spec["priorityClassName"] == "high"
    assert spec["terminationGracePeriodSeconds"] == 120
    assert spec["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 60}}


def test_a_service_monitor_only_where_asked(tmp_path: Path) -> None:
    monitor = ServiceMonitorSettings(enabled=True, labels={"release": "prometheus"})
    objects = render(arguments(service_monitor=monitor), tmp_path)

    labels = objects["ServiceMonitor", "alloy"]["metadata"]["labels"]
    assert labels["release"] == "prometheus"


def test_queues_on_a_volume_make_a_stateful_set(tmp_path: Path) -> None:
    objects = render(VARIANTS["queues on a volume"], tmp_path)
    made = objects["StatefulSet", "alloy"]["spec"]
    [claim] = made["volumeClaimTemplates"]
    [alloy] = [c for c in made["template"]["spec"]["containers"] if c["name"] == "alloy"]

    assert ("Deployment", "alloy") not in objects
    assert {m["name"]: m["mountPath"] for m in alloy["volumeMounts"]}[
        claim["metadata"]["name"]
    ] == ("/var/lib/alloy-queue")
    assert "--stability.level=public-preview" in alloy["args"]
