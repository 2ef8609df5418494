"""The policies as objects: what the engine sees, and what they select in the real charts."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components.core import helm
from components.core.helm import Chart
from components.core.names import OPERATOR_RELEASE, OPERATOR_WEBHOOK_PORT
from components.network import network_policies
from plan.recorder import record
from tests.helm import HELM, TEMPLATE
from tests.network.evaluator import selects
from tests.network.stacks import stack
from tests.tempo.rendering import needs_chart_of_kafka

CHARTS = os.environ.get("TRACING_TEST_CHARTS")

needs_charts = [
    pytest.mark.skipif(HELM is None, reason="helm is not on PATH"),
    pytest.mark.skipif(CHARTS is None, reason="TRACING_TEST_CHARTS names no folder of charts"),
]

#: Enough for every pod to be rendered; labels and ports do not follow from values.
DISTRIBUTED_VALUES = {
    "metricsGenerator": {"enabled": True},
    "traces": {
        "otlp": {"grpc": {"enabled": True}, "http": {"enabled": True}},
        "zipkin": {"enabled": True},
        "jaeger": {
            receiver: {"enabled": True}
            for receiver in ("grpc", "thriftHttp", "thriftCompact", "thriftBinary")
        },
    },
}


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("mode", ["monolithic", "distributed"])
def test_the_engine_gets_them_as_they_are(mode: str, preview: bool) -> None:
    made = network_policies(stack(mode))

    def program() -> None:
        for name, policy in made.items():
            NetworkPolicy(name, metadata=policy["metadata"], spec=policy["spec"])

    recording = record(program, preview=preview)
    resources = recording.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert [resource.name for resource in resources] == list(made)
    for resource in resources:
        assert resource.inputs["metadata"] == made[resource.name]["metadata"]
        assert resource.inputs["spec"] == made[resource.name]["spec"]


def test_names_are_the_objects_names() -> None:
    for name, policy in network_policies(stack("distributed", cluster={"nodes": 100})).items():
        assert policy["metadata"]["name"] == name
        assert set(policy["spec"]) <= {"podSelector", "policyTypes", "ingress", "egress"}


Pods = dict[str, tuple[dict[str, str], set[tuple[int, str]]]]


def rendered(chart: Chart, release: str, values: dict[str, Any], folder: Path) -> Pods:
    """Return labels and ports of the pods of a chart, by the name of their workload."""
    assert CHARTS
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    package = Path(CHARTS) / f"{chart.name}-{chart.version}.tgz"
    command = [*TEMPLATE, release, str(package), "-n", "x", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Pods = {}
    for item in yaml.safe_load_all(done.stdout):
        if item and item["kind"] in ("DaemonSet", "Deployment", "StatefulSet"):
            template = item["spec"]["template"]
            ports = {
                (port["containerPort"], port.get("protocol", "TCP"))
                for container in template["spec"]["containers"]
                for port in container.get("ports", [])
            }
            found[item["metadata"]["name"]] = (template["metadata"]["labels"], ports)
    return found


def selected(policy: str, pods: Pods, **groups: Any) -> set[str]:
    """Return the workloads that a policy selects."""
    mode = groups.pop("mode", "monolithic")
    selector = network_policies(stack(mode, **groups))[policy]["spec"]["podSelector"]
    return {name for name, (labels, _) in pods.items() if selects(selector, labels)}


class TestRenderedCharts:
    pytestmark = needs_charts

    def test_tempo(self, tmp_path: Path) -> None:
        pods = rendered(helm.TEMPO, "tempo", {}, tmp_path)
        for policy in ("tempo-receive", "tempo-query", "tempo-storage", "tempo-metrics"):
            assert selected(policy, pods) == {"tempo"}
        _, ports = pods["tempo"]
        assert {(3200, "TCP"), (4317, "TCP"), (9411, "TCP"), (14250, "TCP")} <= ports
        assert {(14268, "TCP"), (6831, "UDP"), (6832, "UDP")} <= ports

    def test_tempo_distributed(self, tmp_path: Path) -> None:
        pods = rendered(helm.TEMPO_DISTRIBUTED, "tempo", DISTRIBUTED_VALUES, tmp_path)
        chosen = {
            policy: selected(policy, pods, mode="distributed")
            for policy in ("tempo-receive", "tempo-storage", "tempo-metrics", "tempo-members")
        }
        assert chosen["tempo-receive"] == {"tempo-distributor"}
        assert chosen["tempo-metrics"] == {"tempo-metrics-generator"}
        assert chosen["tempo-members"] == set(pods)
        assert set(pods) - chosen["tempo-storage"] == {"tempo-distributor", "tempo-memcached"}
        _, ports = pods["tempo-distributor"]
        assert {(4317, "TCP"), (9411, "TCP"), (14250, "TCP"), (14268, "TCP")} <= ports
        assert {(6831, "UDP"), (6832, "UDP")} <= ports
        for name in chosen["tempo-storage"]:
            assert (3200, "TCP") in pods[name][1]

    @needs_chart_of_kafka
    def test_tempo_with_kafka(self, tmp_path: Path) -> None:
        address = {"address": "kafka.kafka.svc:9092"}
        values = {**DISTRIBUTED_VALUES, "ingest": {"kafka": address}}
        pods = rendered(helm.TEMPO_DISTRIBUTED_3, "tempo", values, tmp_path)
        tempo = {"version": 3, "kafka": address}

        def chosen(policy: str) -> set[str]:
            found = selected(policy, pods, mode="distributed", tempo=tempo)
            return {name.removeprefix("tempo-") for name in found}

        readers = {"block-builder", "live-store", "metrics-generator"}
        assert chosen("tempo-kafka") == {"distributor", *readers}
        stores = {"backend-scheduler", "backend-worker", "querier", "query-frontend"}
        assert chosen("tempo-storage") == {"block-builder", *stores}
        assert chosen("tempo-members") == {name.removeprefix("tempo-") for name in pods}
        [rule] = network_policies(stack("distributed", tempo=tempo))["tempo-kafka"]["spec"][
            "egress"
        ]
        assert str(rule["to"]).count("'kubernetes.io/metadata.name': 'kafka'") == 1

    def test_alloy(self, tmp_path: Path) -> None:
        pods = rendered(helm.ALLOY, "alloy", {}, tmp_path)
        assert selected("alloy", pods) == {"alloy"}
        assert (12345, "TCP") in pods["alloy"][1]

    def test_beyla(self, tmp_path: Path) -> None:
        pods = rendered(helm.BEYLA, "beyla", {"k8sCache": {"replicas": 1}}, tmp_path)
        many = {"nodes": 100}
        assert selected("beyla-agent", pods, cluster=many) == {"beyla"}
        assert selected("beyla-cache", pods, cluster=many) == {"beyla-k8s-cache"}
        assert (50055, "TCP") in pods["beyla-k8s-cache"][1]

    def test_operator(self, tmp_path: Path) -> None:
        found = {"admissionWebhooks": {"certManager": {"enabled": False}}}
        pods = rendered(helm.OPERATOR, OPERATOR_RELEASE, found, tmp_path)
        on = {"enabled": True}
        assert selected("operator", pods, operator=on) == {OPERATOR_RELEASE}
        assert (OPERATOR_WEBHOOK_PORT, "TCP") in pods[OPERATOR_RELEASE][1]
