"""The flows of docs/network.md are let through under the enforced policies, and others refused."""

from collections.abc import Generator
from typing import Any

import pytest

from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit
from tests.e2e.cluster.cluster import Cluster, is_ready
from tests.e2e.cluster.stack import Stack

_TEMPO = {"app.kubernetes.io/name": "tempo", "app.kubernetes.io/instance": "tempo"}
_ALLOY = {"app.kubernetes.io/name": "alloy", "app.kubernetes.io/instance": "alloy"}
_OTHER = {"app": "e2e-other"}


def _address(cluster: Cluster, namespace: str, selector: str) -> str:
    [pod, *_] = filter(is_ready, cluster.pods(namespace, selector))
    return str(pod["status"]["podIP"])


@pytest.fixture(scope="module")
def enforced(ours: Stack) -> Stack:
    """Return the stack if the cluster enforces policies: a shut port must not answer."""
    if not ours.settings.namespaces.network_policies:
        pytest.skip("the stack has no network policies")
    tempo = _address(ours.cluster, ours.namespace, "app.kubernetes.io/name=tempo")
    if "open" in ours.tools(kit.SHOP, "connect", f"{tempo}:3200").values():
        pytest.skip("the cluster's network does not enforce NetworkPolicies")
    return ours


@pytest.fixture(scope="module")
def inside(enforced: Stack) -> Generator[Stack]:
    """Start pods in the stack's namespace that have Tempo's, Alloy's and other labels.

    They are never ready, so that no Service leads to them.
    """
    cluster, namespace = enforced.cluster, enforced.namespace
    spec = kit.pod_spec(enforced.place, "tools.py", "wait")
    spec["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 9}}
    pods = {"e2e-tempo": _TEMPO, "e2e-alloy": _ALLOY, "e2e-other": _OTHER}
    cluster.apply(
        [kit.programs(namespace)]
        + [kit.pod(name, namespace, spec, labels) for name, labels in pods.items()]
    )

    def running() -> bool:
        found = [cluster.get("pod", name, "-n", namespace) for name in pods]
        return all(pod["status"].get("phase") == "Running" for pod in found)

    try:
        wait_for("running pods", lambda: running() or None, 60)
        yield enforced
    finally:
        cluster.run("-n", namespace, "delete", "pod", *pods, "--ignore-not-found")
        cluster.run("-n", namespace, "delete", "configmap", "programs", "--ignore-not-found")


#: From the tools of a namespace, to (workload, port), whether it is let through.
_FLOWS: list[tuple[str, str, int, bool]] = [
    (kit.SHOP, "alloy", 4317, True),
    (kit.SHOP, "alloy", 4318, True),
    (kit.MONITORING, "alloy", 4317, True),
    (kit.MONITORING, "alloy", 12345, True),
    (kit.MONITORING, "tempo", 3200, True),
    (kit.SHOP, "alloy", 12345, False),
    (kit.SHOP, "tempo", 3200, False),
    (kit.SHOP, "tempo", 4317, False),
    (kit.SHOP, "tempo", 4318, False),
    (kit.MONITORING, "tempo", 4317, False),
]
_INSIDE: list[tuple[str, str, bool]] = [
    ("e2e-alloy", "tempo:4317", True),
    ("e2e-alloy", "sink:3100", True),
    ("e2e-alloy", "kubernetes:443", True),
    ("e2e-alloy", "tempo:3200", False),
    ("e2e-alloy", "gate:5000", False),
    ("e2e-tempo", "gate:5000", True),
    ("e2e-tempo", "prometheus:9090", True),
    ("e2e-tempo", "shop:8080", False),
    ("e2e-other", "tempo:4317", False),
    ("e2e-other", "gate:5000", False),
    ("e2e-other", "kubernetes:443", False),
]


def test_flows_from_other_namespaces(enforced: Stack) -> None:
    addresses = {
        name: _address(enforced.cluster, enforced.namespace, f"app.kubernetes.io/name={name}")
        for name in ("tempo", "alloy")
    }
    wrong: list[str] = []
    for namespace, target, port, open_ in _FLOWS:
        pair = f"{addresses[target]}:{port}"
        found = enforced.tools(namespace, "connect", pair)[pair]
        if (found == "open") is not open_:
            wanted = "let through" if open_ else "refused"
            wrong.append(f"{namespace} to {target}:{port} must be {wanted}, but: {found}")
    assert wrong == []


def test_flows_of_the_stacks_own_pods(inside: Stack, shop: Stack) -> None:
    cluster = inside.cluster
    hosts: dict[str, Any] = {
        "tempo": _address(cluster, inside.namespace, "app.kubernetes.io/name=tempo"),
        "kubernetes": "kubernetes.default.svc.cluster.local",
        # Something must listen there: a port that nobody has is never open.
        "shop": _address(shop.cluster, "shop", "app=front"),
        "gate": f"gate.{kit.S3}.svc.cluster.local",
        "sink": f"sink.{kit.MONITORING}.svc.cluster.local",
        "prometheus": f"{kit.PROMETHEUS}.{kit.MONITORING}.svc.cluster.local",
    }
    wrong: list[str] = []
    for pod, target, open_ in _INSIDE:
        name, _, port = target.partition(":")
        pair = f"{hosts[name]}:{port}"
        found = inside.tools(inside.namespace, "connect", pair, pod=pod)[pair]
        if (found == "open") is not open_:
            wanted = "let through" if open_ else "refused"
            wrong.append(f"{pod} to {target} must be {wanted}, but: {found}")
    assert wrong == []
