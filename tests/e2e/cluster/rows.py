"""What happens to a stack while spans are sent: the rows of the table of lost spans."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit, place
from tests.e2e.cluster.cluster import is_ready
from tests.e2e.cluster.senders import finished, start
from tests.e2e.cluster.stack import Stack
from tests.engine import lab as engine

_ALLOY = "app.kubernetes.io/name=alloy"
_TEMPO = "app.kubernetes.io/name=tempo"
#: Longest time in seconds that a stack takes to be ready again.
_READY = 300
#: A version of Tempo that has no image, so that an upgrade to it fails.
_NO_IMAGE = "2.10.99"
#: Queues that the planned load of 500 bytes a span fills in two minutes.
_SURVIVE: dict[str, Any] = {
    "alloy": {"size": "s", "surviveMinutes": 2},
    "load": {"spansPerSecond": 500, "peakFactor": 1},
}
#: Queues that a change of where Alloy sends to does not end.
_ON_VOLUME: dict[str, Any] = {"alloy": {"size": "s", "queue": "volume"}}
#: Requests that all pods of a distributed Tempo fit on one node with.
_LOW = {"cpuRequestMillicores": 20, "memoryRequestMib": 256}
_DISTRIBUTED: dict[str, Any] = {
    "mode": "distributed",
    # By default, a search finds spans of the last 15 minutes in ingesters only: not yet those that
    # the earlier Tempo wrote to S3.
    "config": {"query_frontend": {"search": {"query_backend_after": "1s"}}},
    "size": "s",
    "retentionHours": 24,
    "workloads": {
        **dict.fromkeys(
            (
                "distributor",
                "querier",
                "queryFrontend",
                "compactor",
                "metricsGenerator",
            ),
            _LOW,
        ),
        "memcached": {"cpuRequestMillicores": 20},
        "ingester": {"replicas": 3, **_LOW},
    },
}
#: All parts of Tempo 3 in mode distributed.
_KAFKA: dict[str, Any] = {
    "tempo": {
        "version": 3,
        "mode": "distributed",
        "kafka": {"address": kit.KAFKA_ADDRESS},
        "size": "s",
        "retentionHours": 24,
        "workloads": dict.fromkeys(
            (
                *("distributor", "liveStore", "blockBuilder", "querier", "queryFrontend"),
                *("backendScheduler", "backendWorker", "metricsGenerator"),
            ),
            _LOW,
        )
        | {"memcached": {"cpuRequestMillicores": 20}},
    }
}


@dataclass(frozen=True)
class Row:
    """One thing that happens to a stack.

    Attributes:
        name: on the command line.
        what: in the table.
        do: does it, and comes back when it is over.
        after: seconds to go on sending afterwards.
        before: does what the row needs, before spans are sent.
        planned: whether an operator does it on purpose, so that nothing may be lost.
        settings: other settings of the stack, by group; rows with the same ones share a stack.
        size: bytes of an attribute in each span, which has about 100 bytes besides.
    """

    name: str
    what: str
    do: Callable[[Stack], None]
    after: float = 20
    before: Callable[[Stack], None] | None = None
    planned: bool = False
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    size: int = 100


def settled(stack: Stack, namespace: str = "") -> None:
    """Wait until every pod of the stack, or of another namespace, is ready."""

    def ready() -> bool:
        pods = stack.cluster.pods(namespace or stack.namespace)
        return bool(pods) and all(map(is_ready, pods))

    wait_for("ready pods", lambda: ready() or None, _READY, 2)


def _restart(workload: str) -> Callable[[Stack], None]:
    def do(stack: Stack) -> None:
        stack.cluster.run("-n", stack.namespace, "rollout", "restart", workload)
        stack.cluster.rolled_out(stack.namespace, workload)

    return do


def _scale(stack: Stack, workload: str, replicas: int) -> None:
    stack.cluster.run("-n", stack.namespace, "scale", workload, f"--replicas={replicas}")


def _scale_gateway(stack: Stack) -> None:
    for replicas in (4, 2):
        _scale(stack, "deployment/alloy", replicas)
        stack.cluster.rolled_out(stack.namespace, "deployment/alloy")
        time.sleep(10)


def _away(workload: str, seconds: float) -> Callable[[Stack], None]:
    def do(stack: Stack) -> None:
        _scale(stack, workload, 0)
        time.sleep(seconds)
        _scale(stack, workload, 1)
        stack.cluster.rolled_out(stack.namespace, workload)

    return do


def _restart_parts(stack: Stack) -> None:
    for kind in ("deployments", "statefulsets"):
        for workload in stack.cluster.items(kind, "-n", stack.namespace, "-l", _TEMPO):
            _restart(f"{kind}/{workload['metadata']['name']}")(stack)


def _kill(selector: str, namespace: str = "") -> Callable[[Stack], None]:
    """Kill (-9) the processes of all containers of some pods, and wait until they are back."""

    def do(stack: Stack) -> None:
        if not stack.tools(kit.NODE, "kill", *_containers(stack, selector, namespace=namespace)):
            raise RuntimeError("no process was killed")
        time.sleep(5)
        settled(stack, namespace)

    return do


def _delete(selector: str) -> Callable[[Stack], None]:
    def do(stack: Stack) -> None:
        stack.cluster.run("-n", stack.namespace, "delete", "pod", "-l", selector)
        settled(stack)

    return do


def _evict(stack: Stack) -> None:
    """Evict every pod, one after the other and under disruption budgets, as a drain does."""
    for pod in stack.cluster.pods(stack.namespace):
        name = pod["metadata"]["name"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": stack.namespace},
        }
        path = f"/api/v1/namespaces/{stack.namespace}/pods/{name}/eviction"

        def evicted(path: str = path, body: str = json.dumps(eviction)) -> bool:
            said = stack.cluster.run("create", "--raw", path, "-f", "-", text=body, ok=False)
            return "Cannot evict" not in said and "TooManyRequests" not in said

        wait_for("eviction", lambda: evicted() or None, _READY, 5)
        time.sleep(3)
    settled(stack)


def _gate(mode: str, seconds: float) -> Callable[[Stack], None]:
    """Let S3 refuse or be slow; Tempo is asked to flush, so that it writes to S3 meanwhile."""

    def do(stack: Stack) -> None:
        _shut(stack, mode)
        try:
            with stack.tempo() as tempo:
                tempo.get("/flush")
            time.sleep(seconds)
        finally:
            _shut(stack, "open")

    return do


def _shut(stack: Stack, mode: str) -> None:
    code = (
        "import urllib.request as u; "
        f"u.urlopen('{kit.GATE_URL}/gate?mode={mode}', b'').read(); print('1')"
    )
    stack.cluster.exec(kit.S3, "deployment/gate", stack.place.python, "-c", code)


def _without_service(namespace: str, name: str, seconds: float) -> Callable[[Stack], None]:
    """Take the pods of a Service out of it for a while; they go on running."""

    def do(stack: Stack) -> None:
        def select(app: str) -> None:
            patch = json.dumps({"spec": {"selector": {"app": app}}})
            stack.cluster.run("-n", namespace, "patch", "service", name, "--patch", patch)

        select("nothing")
        try:
            time.sleep(seconds)
        finally:
            select(name)

    return do


def _dns_away(stack: Stack) -> None:
    found = stack.cluster.items("deployments", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    found = found or [stack.cluster.get("deployment", "coredns", "-n", "kube-system")]
    name, replicas = found[0]["metadata"]["name"], found[0]["spec"]["replicas"]
    dns = ("-n", "kube-system", "scale", f"deployment/{name}")
    stack.cluster.run(*dns, "--replicas=0")
    try:
        time.sleep(60)
    finally:
        stack.cluster.run(*dns, f"--replicas={replicas}")
        stack.cluster.rolled_out("kube-system", f"deployment/{name}")


def _flood(stack: Stack) -> None:
    """One more application sends far more than planned, with large spans."""
    run = start(stack, "flood", per_second=4000, seconds=60, pods=2, size=2000)
    told = finished(stack, run, 240)
    sent, accepted = (sum(one[key] for one in told) for key in ("sent", "accepted"))
    print(f"  the flood: {sent} sent, {accepted} accepted", flush=True)


def _up(**changes: dict[str, Any]) -> Callable[[Stack], None]:
    """Change settings and run `pulumi up`, then put them back with another one."""

    def do(stack: Stack) -> None:
        assert stack.lab is not None
        before = stack.lab.read(stack.name)
        for group, values in changes.items():
            stack.change(group, **values)
        _up_once(stack)
        time.sleep(10)
        stack.lab.write(stack.name, before)
        stack.replan()
        stack.up()
        settled(stack)

    return do


def _delete_one(stack: Stack, selector: str) -> None:
    pod = stack.cluster.pods(stack.namespace, selector)[0]["metadata"]["name"]
    stack.cluster.run("-n", stack.namespace, "delete", "pod", pod)
    settled(stack)


def _helm(stack: Stack, *arguments: str) -> str:
    options = [one for one in stack.cluster.kubectl[1:] if "kubeconfig" in one]
    options += [
        one.replace("--context", "--kube-context")
        for one in stack.cluster.kubectl[1:]
        if one.startswith("--context")
    ]
    command = ["helm", *options, "--namespace", stack.namespace, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def _change_and_up(stack: Stack, group: str, **values: Any) -> bool:
    stack.change(group, **values)
    return _up_once(stack)


def _up_once(stack: Stack) -> bool:
    """Run `pulumi up`, print how it ended, and return whether it succeeded."""
    begun = time.monotonic()
    done = stack.up(ok=False)
    print(f"  up: status {done.returncode}, {time.monotonic() - begun:.0f} s", flush=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        print("    " + "\n    ".join(lines[-12:]), flush=True)
    return done.returncode == 0


def _interrupted(kill: bool) -> Callable[[Stack], None]:
    """Interrupt an `up` while Tempo's pod is replaced, then do what docs/recovery.md says.

    Args:
        kill: whether all processes are killed, as with a lost machine; else Ctrl-C.
    """

    def do(stack: Stack) -> None:
        lab = stack.lab
        assert lab is not None
        tempo = ("statefulset", "tempo", "-n", stack.namespace)
        before = stack.cluster.get(*tempo)["metadata"]["generation"]
        stack.change("tempo", retentionHours=25)
        command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack.name]
        log = lab.folder / "interrupted.log"
        with (
            log.open("w") as output,
            subprocess.Popen(
                [*command, "--non-interactive"],
                cwd=lab.project,
                env=lab.env,
                stdout=output,
                stderr=output,
                start_new_session=True,
            ) as up,
        ):
            wait_for(
                "upgrade of Tempo",
                lambda: stack.cluster.get(*tempo)["metadata"]["generation"] != before,
                _READY,
                0.5,
            )
            if kill:
                engine.kill(up.pid)
            else:
                up.send_signal(signal.SIGINT)
            print(f"  interrupted: status {up.wait()}", flush=True)
        print("    " + "\n    ".join(log.read_text().splitlines()[-8:]), flush=True)
        print("  " + _helm(stack, "history", "tempo").replace("\n", "\n    "), flush=True)
        if kill:
            lab.pulumi("cancel", "--yes", "--stack", stack.name)
        if not _up_once(stack):
            print("  " + _helm(stack, "rollback", "tempo"), flush=True)
            assert _up_once(stack), "the stack does not come up again"
        settled(stack)
        # Back to what it was.
        _change_and_up(stack, "tempo", retentionHours=24)
        settled(stack)

    return do


def _failed_upgrade(*, atomic: bool) -> Callable[[Stack], None]:
    """Upgrade to an image that is not there, with a shorter timeout; then put the setting back."""

    def do(stack: Stack) -> None:
        lab = stack.lab
        assert lab is not None
        _shorten(stack, 120)
        stack.change("charts", atomic=atomic)
        before = lab.read(stack.name)
        _change_and_up(stack, "tempo", imageTag=_NO_IMAGE)
        print("  " + _helm(stack, "history", "tempo").replace("\n", "\n    "), flush=True)
        print(f"  {_pods(stack)}", flush=True)
        lab.write(stack.name, before)
        stack.replan()
        if not _up_once(stack):
            print(f"  {_pods(stack)}", flush=True)
            # By docs/recovery.md this is not needed, but the next rows need a stack that works.
            stack.cluster.run("-n", stack.namespace, "delete", "pod", "tempo-0")
            settled(stack)
            assert _up_once(stack), "the stack does not come up again"
        settled(stack)

    return do


def _shorten(stack: Stack, seconds: int) -> None:
    """Give the project a copy of the components in which Helm waits for a shorter time."""
    assert stack.lab is not None
    components = stack.lab.project / "components"
    if not components.is_symlink():
        return
    components.unlink()
    shutil.copytree(place.ROOT / "components", components)
    helm = components / "core/helm.py"
    text = helm.read_text()
    shorter = text.replace("MIN_TIMEOUT_SECONDS = 600", f"MIN_TIMEOUT_SECONDS = {seconds}")
    assert shorter != text, "the constant has another name or value"
    helm.write_text(shorter)


def _pods(stack: Stack) -> str:
    lines = stack.cluster.run("-n", stack.namespace, "get", "pods", "--no-headers").splitlines()
    return "; ".join(" ".join(line.split()[:4]) for line in lines)


def _pause(stack: Stack, process: str, seconds: float) -> None:
    """Stop all processes of a name for a while, and wait until they run on."""
    if not stack.tools(kit.NODE, "pause", process, str(seconds)):
        raise RuntimeError(f"there is no process {process} on this node")
    time.sleep(seconds + 5)


def _kafka_hangs(stack: Stack) -> None:
    _pause(stack, "java", 60)
    settled(stack)


def _without_api_server(seconds: float) -> Callable[[Stack], None]:
    """Stop the process of the API server for a while."""

    def do(stack: Stack) -> None:
        _pause(stack, "kube-apiserver", seconds)
        answers = ("get", "--raw", "/readyz")
        wait_for(
            "answer of the API server",
            lambda: stack.cluster.run(*answers, ok=False).endswith("ok"),
            120,
            2,
        )
        time.sleep(10)
        settled(stack)

    return do


def _resized(stack: Stack) -> None:
    """Change Tempo's size, as docs/changes.md says for its volume."""
    stack.change("tempo", size="m")
    patch = {"spec": {"resources": {"requests": {"storage": "25Gi"}}}}
    stack.cluster.run(
        *("-n", stack.namespace, "patch", "pvc", "storage-tempo-0", "--patch", json.dumps(patch))
    )
    delete = ("delete", "statefulset", "tempo", "--cascade=orphan")
    stack.cluster.run("-n", stack.namespace, *delete)
    assert _up_once(stack)
    settled(stack)


def _ingesters(stack: Stack) -> None:
    """One more ingester, and one less again, of a stack that is distributed already."""
    workloads = stack.settings.tempo.workloads.model_dump(
        by_alias=True, exclude_unset=True, mode="json"
    )
    for replicas in (4, 3):
        workloads["ingester"]["replicas"] = replicas
        assert _change_and_up(stack, "tempo", workloads=workloads)
        settled(stack)
        time.sleep(30)


def _to_distributed(stack: Stack) -> None:
    """Change Tempo's mode as docs/changes.md says."""
    assert _change_and_up(stack, "tempo", config={"ingester": {"flush_all_on_shutdown": True}})
    settled(stack)
    with stack.tempo() as tempo:
        tempo.get("/flush")
    time.sleep(60)
    assert _change_and_up(stack, "tempo", **_DISTRIBUTED)
    settled(stack)


def _on_small_volumes(stack: Stack, workload: str, claims: Mapping[str, int]) -> None:
    """Let the pods of a workload write to small file systems, in MiB, in place of their volumes."""
    _scale(stack, workload, 0)
    selector = {"statefulset/tempo": _TEMPO}.get(workload, _ALLOY)
    wait_for(
        "end of the pods",
        lambda: not stack.cluster.items("pods", "-n", stack.namespace, "-l", selector),
        _READY,
        1,
    )
    paths: list[str] = []
    for claim, mebibytes in claims.items():
        bound = stack.cluster.get("pvc", claim, "-n", stack.namespace)["spec"]["volumeName"]
        spec = stack.cluster.get("pv", bound)["spec"]
        path = (spec.get("local") or spec["hostPath"])["path"]
        stack.tools(kit.NODE, "mount", path, str(mebibytes))
        paths.append(path)
    _scale(stack, workload, len(claims))
    stack.cluster.rolled_out(stack.namespace, workload)
    for path in paths:
        # The pods keep it; the next ones have the volume again.
        stack.tools(kit.NODE, "unmount", path)


def _containers(stack: Stack, selector: str, name: str = "", *, namespace: str = "") -> list[str]:
    """Return the ids of the containers of some pods: of all, or of those with a name."""
    return [
        status["containerID"].split("//")[1]
        for pod in stack.cluster.pods(namespace or stack.namespace, selector)
        for status in pod["status"]["containerStatuses"]
        if name in ("", status["name"])
    ]


def _full(selector: str, container: str, folder: str, seconds: float) -> Callable[[Stack], None]:
    """Fill the volumes of some pods for a while."""

    def do(stack: Stack) -> None:
        containers = _containers(stack, selector, container)
        for one in containers:
            print(f"  filled {stack.tools(kit.NODE, 'fill', one, folder)}", flush=True)
        time.sleep(seconds)
        print(f"  {_pods(stack)}", flush=True)
        for one in _containers(stack, selector, container):
            stack.tools(kit.NODE, "empty", one, folder)
        settled(stack)

    return do


ROWS: tuple[Row, ...] = (
    Row("nothing", "nothing", lambda _: time.sleep(30), planned=True),
    Row("alloy-restart", "Alloy: rolling restart", _restart("deployment/alloy"), planned=True),
    Row("alloy-scale", "Alloy: 2 → 4 → 2 replicas", _scale_gateway, planned=True),
    Row("tempo-restart", "Tempo: rolling restart", _restart("statefulset/tempo"), planned=True),
    Row("evict", "node drained: every pod evicted in turn", _evict, planned=True),
    Row(
        "up-tempo",
        "`up`: a changed value of Tempo's chart, and back",
        _up(tempo={"retentionHours": 25}),
        planned=True,
    ),
    Row(
        "up-alloy",
        "`up`: changed size of Alloy, and back",
        _up(alloy={"size": "m"}),
        planned=True,
    ),
    Row("tempo-replaced", "Tempo's pod deleted", _delete(_TEMPO)),
    Row("tempo-killed", "Tempo killed (-9)", _kill(_TEMPO)),
    Row("alloy-one-deleted", "one Alloy pod deleted", lambda s: _delete_one(s, _ALLOY)),
    Row("alloy-killed", "every Alloy killed (-9)", _kill(_ALLOY)),
    Row("tempo-60s", "Tempo away for 60 s", _away("statefulset/tempo", 60)),
    Row("tempo-180s", "Tempo away for 3 min", _away("statefulset/tempo", 180)),
    Row("tempo-600s", "Tempo away for 10 min", _away("statefulset/tempo", 600), after=90),
    Row("s3-refuses", "S3 refuses for 120 s", _gate("refuse", 120)),
    Row("s3-slow", "S3 takes 10 s for each request, for 120 s", _gate("slow", 120)),
    Row(
        "metrics-away",
        "metrics backend away for 120 s",
        _without_service(kit.MONITORING, kit.PROMETHEUS, 120),
    ),
    Row("dns-away", "DNS away for 60 s", _dns_away),
    Row("api-away", "API server away for 120 s", _without_api_server(120)),
    Row(
        "up-stopped",
        "`up` stopped with Ctrl-C while Tempo restarts, and repeated",
        _interrupted(kill=False),
    ),
    Row(
        "up-killed", "`up` killed (-9) while Tempo restarts, and repeated", _interrupted(kill=True)
    ),
    Row("flood", "another sender floods Alloy", _flood, after=60),
    Row(
        "failed",
        "`up` to an image that does not exist, without `atomic`",
        _failed_upgrade(atomic=False),
    ),
    Row(
        "failed-atomic",
        "`up` to an image that does not exist, `atomic`",
        _failed_upgrade(atomic=True),
    ),
    Row(
        "tempo-disk-full",
        "Tempo's volume full for 120 s",
        _full(_TEMPO, "tempo", "/var/tempo", 120),
        before=lambda s: _on_small_volumes(s, "statefulset/tempo", {"storage-tempo-0": 200}),
        after=60,
    ),
    Row(
        "distributed",
        "Tempo: monolithic → distributed",
        _to_distributed,
        after=60,
        planned=True,
        settings=_ON_VOLUME,
    ),
    Row(
        "ingesters",
        "Tempo distributed: 3 → 4 → 3 ingesters",
        _ingesters,
        planned=True,
        settings=_ON_VOLUME,
    ),
    Row(
        "survive",
        "Tempo away for 4 min with `surviveMinutes: 2`",
        _away("statefulset/tempo", 240),
        after=90,
        settings=_SURVIVE,
        size=400,
    ),
    Row(
        "size-m",
        "Tempo: size `s` → `m` with its volume",
        _resized,
        planned=True,
        settings=_SURVIVE,
    ),
    Row(
        "queue-disk-full",
        "volumes of Alloy's queues full for 60 s",
        _full(_ALLOY, "alloy", "/var/lib/alloy-queue", 60),
        before=lambda s: _on_small_volumes(
            s, "statefulset/alloy", {"queue-alloy-0": 100, "queue-alloy-1": 100}
        ),
        after=60,
        settings=_ON_VOLUME,
    ),
    Row(
        "kafka-parts",
        "Tempo 3 with Kafka: rolling restart of each part in turn",
        _restart_parts,
        planned=True,
        settings=_KAFKA,
    ),
    Row(
        "kafka-live-stores",
        "Tempo 3 with Kafka: every live store killed (-9)",
        _kill(f"{_TEMPO},app.kubernetes.io/component=live-store"),
        settings=_KAFKA,
    ),
    Row(
        "kafka-block-builders",
        "Tempo 3 with Kafka: every block builder killed (-9)",
        _kill(f"{_TEMPO},app.kubernetes.io/component=block-builder"),
        settings=_KAFKA,
    ),
    Row(
        "kafka-killed",
        "Tempo 3 with Kafka: the only broker killed (-9)",
        _kill("app=kafka", kit.KAFKA),
        after=60,
        settings=_KAFKA,
    ),
    Row(
        "kafka-hangs",
        "Tempo 3 with Kafka: the only broker does not answer for 60 s",
        _kafka_hangs,
        after=60,
        settings=_KAFKA,
    ),
    Row(
        "tempo-memory",
        "Tempo with a limit of 160 MiB of memory",
        lambda _: time.sleep(120),
        settings={
            "tempo": {
                "size": "s",
                "retentionHours": 24,
                "workloads": {"monolithic": {"memoryLimitMib": 160, "memoryRequestMib": 160}},
            }
        },
    ),
)
