"""What the real chart makes of our values; needs helm and the packaged charts."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.beyla.component import BeylaArgs
from components.beyla.config import config
from components.beyla.settings import BeylaSettings, ContextPropagation
from components.beyla.values import CACHE_PORT, CACHE_SERVICE, values
from components.core.helm import BEYLA
from components.core.settings import ServiceMonitorSettings
from tests.beyla.rendering import Objects, rendered
from tests.helm import HELM

CHARTS = os.environ.get("TRACING_TEST_CHARTS")

pytestmark = [
    pytest.mark.skipif(HELM is None, reason="helm is not on PATH"),
    pytest.mark.skipif(CHARTS is None, reason="TRACING_TEST_CHARTS names no folder of charts"),
]


def beyla(
    *,
    propagation: ContextPropagation = ContextPropagation.DISABLED,
    nodes: int = 3,
    monitor: bool = False,
    registry: str | None = None,
) -> BeylaArgs:
    return BeylaArgs(
        settings=BeylaSettings(
            namespaces=["shop"], context_propagation=propagation, metrics_port=9400
        ),
        namespace="tracing-beyla",
        chart=BEYLA,
        atomic=False,
        image_registry=registry,
        nodes=nodes,
        cluster_name="dev",
        otlp_endpoint="http://alloy.tracing.svc.cluster.local:4317",
        excluded_namespaces=["tracing", "tracing-beyla"],
        excluded_annotations=[],
        ignored_paths=["/healthz"],
        service_monitor=ServiceMonitorSettings(enabled=monitor, labels={"release": "prom"}),
    )


def render(args: BeylaArgs, folder: Path) -> Objects:
    return rendered(values(args), Path(CHARTS or ""), folder)


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def test_the_mounted_configuration_is_ours(tmp_path: Path) -> None:
    args = beyla()
    text = render(args, tmp_path)["ConfigMap", "beyla"]["data"]["beyla-config.yml"]
    mounted = yaml.safe_load(text)
    assert {key: mounted[key] for key in config(args)} == config(args)
    # All that the chart adds by itself.
    assert mounted.keys() - config(args).keys() == {"filter"}


def test_capabilities_by_name_and_no_host_network(tmp_path: Path) -> None:
    spec = pod(render(beyla(), tmp_path)["DaemonSet", "beyla"])
    context = spec["containers"][0]["securityContext"]
    assert "privileged" not in context
    assert context["capabilities"]["drop"] == ["ALL"]
    assert {"BPF", "SYS_PTRACE", "PERFMON"} <= set(context["capabilities"]["add"])
    assert "NET_ADMIN" not in context["capabilities"]["add"]
    assert "hostNetwork" not in spec
    assert spec["hostPID"] is True


def test_context_propagation_brings_what_it_needs(tmp_path: Path) -> None:
    args = beyla(propagation=ContextPropagation.HEADERS)
    spec = pod(render(args, tmp_path)["DaemonSet", "beyla"])
    container = spec["containers"][0]
    assert spec["hostNetwork"] is True
    assert spec["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert "NET_ADMIN" in container["securityContext"]["capabilities"]["add"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/sys/fs/cgroup", "/sys/kernel/tracing", "/sys/kernel/security"} <= mounted
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in spec["volumes"]
    }


def test_the_cluster_role_allows_what_the_charts_own_does(tmp_path: Path) -> None:
    ours = values(beyla())
    own: dict[str, Any] = {**ours, "rbac": {"create": True}, "extraObjects": []}

    def allowed(made: dict[str, Any]) -> list[tuple[list[str], list[str], set[str]]]:
        objects = rendered(made, Path(CHARTS or ""), tmp_path)
        [role] = [o for (kind, _), o in objects.items() if kind == "ClusterRole"]
        return [(r["apiGroups"], r["resources"], set(r["verbs"])) for r in role["rules"]]

    assert allowed(ours) == allowed(own)


def test_one_metrics_port(tmp_path: Path) -> None:
    objects = render(beyla(monitor=True), tmp_path)
    container = pod(objects["DaemonSet", "beyla"])["containers"][0]
    assert [port["containerPort"] for port in container["ports"]] == [9400]
    assert [port["targetPort"] for port in objects["Service", "beyla"]["spec"]["ports"]] == [9400]


def test_the_service_monitor_keeps_beylas_labels(tmp_path: Path) -> None:
    monitor = render(beyla(monitor=True), tmp_path)["ServiceMonitor", "beyla"]
    assert [end["honorLabels"] for end in monitor["spec"]["endpoints"]] == [True]
    assert monitor["metadata"]["labels"]["release"] == "prom"


def test_without_a_monitor_there_is_no_service(tmp_path: Path) -> None:
    assert not {"Service", "ServiceMonitor"} & {kind for kind, _ in render(beyla(), tmp_path)}


def test_agents_ask_the_cache_of_a_large_cluster(tmp_path: Path) -> None:
    objects = render(beyla(nodes=120), tmp_path)
    cache = objects["Deployment", CACHE_SERVICE]
    assert cache["spec"]["replicas"] == 2
    assert pod(cache)["containers"][0]["resources"]["limits"]["memory"] == "512Mi"
    env = {
        e["name"]: e["value"] for e in pod(objects["DaemonSet", "beyla"])["containers"][0]["env"]
    }
    assert env["BEYLA_KUBE_META_CACHE_ADDRESS"] == f"{CACHE_SERVICE}:{CACHE_PORT}"
    assert env["GOMEMLIMIT"] == "418MiB"


def test_both_images_come_from_the_mirror(tmp_path: Path) -> None:
    objects = render(beyla(nodes=50, registry="mirror.example.com/hub"), tmp_path)
    for key in (("DaemonSet", "beyla"), ("Deployment", CACHE_SERVICE)):
        image = pod(objects[key])["containers"][0]["image"]
        assert image.startswith("mirror.example.com/hub/grafana/beyla")


def test_pods_run_on_tainted_nodes_but_not_on_fargate(tmp_path: Path) -> None:
    spec = pod(render(beyla(), tmp_path)["DaemonSet", "beyla"])
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert "fargate" in str(spec["affinity"]["nodeAffinity"])


def test_the_pods_may_ask_the_api_server(tmp_path: Path) -> None:
    objects = render(beyla(), tmp_path)
    assert objects["ServiceAccount", "beyla"]["automountServiceAccountToken"] is True
    assert pod(objects["DaemonSet", "beyla"])["serviceAccountName"] == "beyla"


def test_a_tenth_of_the_nodes_is_updated_at_a_time(tmp_path: Path) -> None:
    strategy = render(beyla(), tmp_path)["DaemonSet", "beyla"]["spec"]["updateStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}
