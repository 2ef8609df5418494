"""Every pod of the stack: its rights, its probes, and a clean restart."""

import time

import pytest

from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit
from tests.e2e.cluster.cluster import Json, is_ready, restarts
from tests.e2e.cluster.stack import Stack


def _containers(pod: Json) -> list[Json]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def test_every_pod_is_ready_and_was_never_restarted(stack: Stack) -> None:
    pods = stack.cluster.pods(stack.namespace)
    assert pods
    assert [pod["metadata"]["name"] for pod in pods if not is_ready(pod)] == []
    assert {p["metadata"]["name"]: restarts(p) for p in pods if restarts(p)} == {}


def test_the_namespace_admits_what_it_says_and_the_pods_hold_to_it(stack: Stack) -> None:
    """A dry run of the namespace's own label tells what the API server thinks of running pods."""
    found = stack.cluster.get("namespace", stack.namespace)
    assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    said = stack.cluster.run(
        *("label", "--dry-run=server", "--overwrite", "namespace", stack.namespace),
        "pod-security.kubernetes.io/enforce=restricted",
        ok=False,
    )
    assert "Warning" not in said


def test_every_container_has_a_read_only_root(stack: Stack) -> None:
    writable = {
        container["name"]
        for pod in stack.cluster.pods(stack.namespace)
        for container in _containers(pod)
        if not container.get("securityContext", {}).get("readOnlyRootFilesystem")
    }
    assert writable == set()


def test_no_pod_has_a_needless_token(stack: Stack) -> None:
    with_token = {
        pod["metadata"]["labels"].get("app.kubernetes.io/name")
        for pod in stack.cluster.pods(stack.namespace)
        if any(
            source.get("serviceAccountToken", {}).get("audience") is None
            for volume in pod["spec"].get("volumes", [])
            if volume["name"].startswith("kube-api-access")
            for source in volume["projected"]["sources"]
            if "serviceAccountToken" in source
        )
    }
    assert with_token <= {"alloy"}, "only Alloy asks the API server"


@pytest.mark.parametrize("workload", ["deployment/alloy", "statefulset/tempo"])
def test_a_restart_is_clean(ours: Stack, workload: str) -> None:
    """The new pods become ready, none crashes, and none is killed by its liveness probe."""
    cluster, namespace = ours.cluster, ours.namespace
    if not cluster.run("-n", namespace, "get", workload, "--ignore-not-found"):
        pytest.skip(f"the stack has no {workload}")
    before = {pod["metadata"]["uid"] for pod in cluster.pods(namespace)}
    begun = time.time()
    cluster.run("-n", namespace, "rollout", "restart", workload)
    cluster.rolled_out(namespace, workload)
    after = cluster.pods(namespace)
    assert {pod["metadata"]["uid"] for pod in after} != before
    assert {p["metadata"]["name"]: restarts(p) for p in after if restarts(p)} == {}
    killed = [
        event["message"]
        for event in cluster.items("events", "-n", namespace)
        if event["reason"] in ("BackOff", "Killing")
        and "probe" in event.get("message", "")
        and _time(event) > begun
    ]
    assert killed == []


def test_a_hanging_tempo_is_taken_out_of_its_service(ours: Stack) -> None:
    """A process that does not answer must not get queries: the readiness probe fails."""
    cluster, namespace = ours.cluster, ours.namespace
    selector = "app.kubernetes.io/name=tempo"
    [pod, *_] = cluster.pods(namespace, selector)
    name = pod["metadata"]["name"]
    container = pod["status"]["containerStatuses"][0]["containerID"].split("//")[1]
    assert ours.tools(kit.NODE, "stop", container), "no process was stopped"

    def ready() -> bool:
        return is_ready(cluster.get("pod", name, "-n", namespace))

    try:
        wait_for("failing readiness probe", lambda: not ready() or None, 90)
    finally:
        ours.tools(kit.NODE, "continue", container)
    wait_for("ready Tempo", lambda: ready() or None, 120)


def _time(event: Json) -> float:
    stamp = event.get("lastTimestamp") or event.get("eventTime") or "1970-01-01T00:00:00Z"
    return time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
