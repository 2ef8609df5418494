"""What the rendered charts say of a rolling update, against the timeout of their release."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from components.core.helm import MIN_TIMEOUT_SECONDS
from plan.stackfile import read
from tests.rendered.objects import Object, needs_charts, objects_of, of_kind
from tests.stack.variants import CLUSTER, PROGRAMS, ROOT, STACKS, VARIANTS, recorded, releases

pytestmark = needs_charts

#: Seconds to schedule a pod, attach its volume and pull its image.
_START = 60
_MANY: dict[str, int] = {"replicas": 200}
_SCALED: dict[str, int] = {"replicas": 200, "maxReplicas": 500}
#: The largest numbers of pods that settings allow.
LARGEST: dict[str, Any] = {
    "environment": {"name": "qa"},
    "cluster": {**CLUSTER, "nodes": 10_000},
    "tempo": {
        "mode": "distributed",
        "size": "l",
        "workloads": {
            "distributor": _SCALED,
            "ingester": _MANY,
            "querier": _SCALED,
            "queryFrontend": _MANY,
            "compactor": _MANY,
            "metricsGenerator": _MANY,
            "memcached": _MANY,
        },
    },
    "alloy": {"workload": _SCALED},
    "beyla": {"namespaces": ["shop"]},
    "operator": {"enabled": True, "workload": _MANY},
}


@pytest.mark.parametrize("name", [*PROGRAMS, "largest"])
def test_every_workload_rolls_within_the_timeout_of_its_release(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "largest", LARGEST)
    timeouts = {r.inputs["name"]: r.inputs["timeout"] for r in releases(recorded(name))}
    objects = objects_of(name)
    most = {
        hpa["spec"]["scaleTargetRef"]["name"]: hpa["spec"]["maxReplicas"]
        for hpa in of_kind(objects, "HorizontalPodAutoscaler")
    }

    taken = list(_rolling(objects, most, nodes=_nodes(name)))

    assert {release for release, *_ in taken} == set(timeouts)
    assert [
        (release, workload, seconds)
        for release, workload, seconds in taken
        if seconds > timeouts[release]
    ] == []
    if name == "largest":
        assert timeouts["tempo"] > 10 * MIN_TIMEOUT_SECONDS


def _nodes(name: str) -> int:
    if name in STACKS:
        cluster: Object = json.loads(read(ROOT, name).values["tracing:cluster"])
    else:
        cluster = VARIANTS[name]["cluster"]
    return cluster.get("nodes", 3)


def _rolling(
    objects: list[Object], most: dict[str, int], *, nodes: int
) -> Iterator[tuple[str, str, int]]:
    """Yield release, workload and seconds of each workload."""
    for o in of_kind(objects, "Deployment", "StatefulSet", "DaemonSet"):
        name, spec = o["metadata"]["name"], o["spec"]
        template = spec["template"]["spec"]
        replicas: int = most.get(name) or spec.get("replicas") or 1
        pods = nodes if o["kind"] == "DaemonSet" else replicas
        probe = template["containers"][0].get("readinessProbe", {})
        each = (
            template.get("terminationGracePeriodSeconds", 30)
            + _START
            + probe.get("initialDelaySeconds", 0)
            + spec.get("minReadySeconds", 0)
        )
        waves = math.ceil(pods / _at_once(o, pods))
        yield o["metadata"]["labels"]["app.kubernetes.io/instance"], name, waves * each


def _at_once(o: Object, pods: int) -> int:
    """Return how many pods Kubernetes replaces at the same time."""
    if o["kind"] == "StatefulSet":
        return 1
    strategy: Object = o["spec"].get("strategy") or o["spec"].get("updateStrategy") or {}
    rolling: Object = strategy.get("rollingUpdate", {})
    least = 1 if o["kind"] == "DaemonSet" else "25%"
    gone = _count(rolling.get("maxUnavailable", least), pods, math.floor)
    extra = 0
    if o["kind"] == "Deployment":
        extra = _count(rolling.get("maxSurge", "25%"), pods, math.ceil)
    return max(1, gone, extra)


def _count(value: Any, pods: int, rounded: Any) -> int:
    if isinstance(value, str):
        return rounded(pods * int(value.removesuffix("%")) / 100)
    return int(value)
