"""Alloy takes a changed configuration, and a broken one is noticed before it bites."""

from collections.abc import Generator

import pytest
import yaml

from components.core.names import ALLOY_RELEASE
from plan.rehearse.programs import wait_for
from tests.e2e.cluster.cluster import restarts
from tests.e2e.cluster.senders import finished, start
from tests.e2e.cluster.stack import Stack

_SELECTOR = "app.kubernetes.io/name=alloy"
_RELOADED = "alloy_config_last_load_successful"
#: Seconds until a changed ConfigMap is in the pod (the kubelet looks about once a minute).
_SYNCED = 150


@pytest.fixture
def restored(ours: Stack) -> Generator[Stack]:
    """Put Alloy's ConfigMap back as it was."""
    cluster, namespace = ours.cluster, ours.namespace
    found = cluster.get("configmap", ALLOY_RELEASE, "-n", namespace)
    yield ours
    patch = yaml.safe_dump({"data": found["data"]})
    cluster.run("-n", namespace, "patch", "configmap", ALLOY_RELEASE, "--patch", patch)


def _write(stack: Stack, text: str) -> None:
    patch = yaml.safe_dump({"data": {"config.alloy": text}})
    stack.cluster.run("-n", stack.namespace, "patch", "configmap", ALLOY_RELEASE, "--patch", patch)


def _read(stack: Stack) -> str:
    found = stack.cluster.get("configmap", ALLOY_RELEASE, "-n", stack.namespace)
    return found["data"]["config.alloy"]


def _pods(stack: Stack) -> dict[str, int]:
    pods = stack.cluster.pods(stack.namespace, _SELECTOR)
    return {pod["metadata"]["name"]: restarts(pod) for pod in pods}


def _metric(stack: Stack, name: str) -> list[float]:
    with stack.prometheus() as prometheus:
        found = prometheus.query(f'{name}{{namespace="{stack.namespace}"}}')
    return [float(series["value"][1]) for series in found]


def test_a_changed_configuration_is_taken_without_a_restart(restored: Stack) -> None:
    if not restored.settings.grafana.service_monitor.enabled:
        pytest.skip("without ServiceMonitors nothing tells whether Alloy loaded its configuration")
    before = _pods(restored)
    _write(restored, _read(restored) + '\notelcol.processor.batch "e2e" { output { } }\n')

    def loaded() -> bool:
        name = "alloy_component_controller_running_components"
        with restored.prometheus() as prometheus:
            return bool(prometheus.query(f"changes({name}[5m]) > 0"))

    wait_for("new component in Alloy", lambda: loaded() or None, _SYNCED)
    assert _pods(restored) == before, "Alloy restarted"
    run = start(restored, "reloaded", per_second=10, seconds=2)
    [told] = finished(restored, run, 60)
    assert told["accepted"] == told["sent"]


def test_a_broken_configuration_is_noticed_and_does_no_harm(restored: Stack) -> None:
    if not restored.settings.grafana.service_monitor.enabled:
        pytest.skip("without ServiceMonitors nothing tells whether Alloy loaded its configuration")
    before = _pods(restored)
    _write(restored, _read(restored) + "\nthis is no configuration\n")
    wait_for(f"{_RELOADED} of 0", lambda: 0.0 in _metric(restored, _RELOADED) or None, _SYNCED, 5)
    assert _pods(restored) == before, "Alloy restarted"
    run = start(restored, "broken", per_second=10, seconds=2)
    [told] = finished(restored, run, 60)
    assert told["accepted"] == told["sent"], "Alloy stopped receiving"
    with restored.prometheus() as prometheus:
        alert = 'ALERTS{alertname="AlloyConfigNotLoaded"}'
        wait_for("pending or firing alert", lambda: prometheus.query(alert), 120, 5)
