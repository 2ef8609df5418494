"""Counts spans through rollouts and bad days: python -m tests.e2e.cluster.days [ROW ...].

Brings a stack up as the suite does, sends spans all the time, does one thing after the other, and
counts at the end what Tempo finds. Writes build/days/days.json and prints a table. `--list` lists
the rows.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.markdown import table
from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit, place
from tests.e2e.cluster.cluster import Json, is_ready
from tests.e2e.cluster.senders import LATE_SECONDS, Run, finished, start, stored
from tests.e2e.cluster.stack import Api, Stack, brought_up

OUT = place.ROOT / "build/days"
#: Seconds of quiet sending before a row's action.
_QUIET = 10
_ALLOY = "app.kubernetes.io/name=alloy"
_TEMPO = "app.kubernetes.io/name=tempo"
#: Longest time in seconds that a stack takes to be ready again.
_READY = 300


@dataclass(frozen=True)
class Row:
    """One thing that happens to a stack.

    Attributes:
        name: on the command line.
        what: in the table.
        do: does it, and comes back when it is over.
        after: seconds to go on sending afterwards.
        planned: whether an operator does it on purpose, so that nothing may be lost.
    """

    name: str
    what: str
    do: Callable[[Stack], None]
    after: float = 20
    planned: bool = False


@dataclass
class Result:
    """What came of a row; spans, and seconds."""

    name: str
    what: str
    planned: bool
    seconds: float
    sent: int = 0
    accepted: int = 0
    stored: int = 0
    longest_export: float = 0
    #: Alert, and seconds from the beginning of the action until it fired.
    alerts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def lost_by_senders(self) -> int:
        """Spans that no receiver acknowledged: the SDK dropped them."""
        return self.sent - self.accepted

    @property
    def lost_after(self) -> int:
        """Spans that Alloy acknowledged and Tempo does not find."""
        return self.accepted - self.stored


def _settled(stack: Stack) -> None:
    """Wait until every pod of the stack is ready."""

    def ready() -> bool:
        pods = stack.cluster.pods(stack.namespace)
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


def _away(workload: str, seconds: float, replicas: int = 1) -> Callable[[Stack], None]:
    def do(stack: Stack) -> None:
        _scale(stack, workload, 0)
        time.sleep(seconds)
        _scale(stack, workload, replicas)
        stack.cluster.rolled_out(stack.namespace, workload)

    return do


def _kill(selector: str) -> Callable[[Stack], None]:
    """Kill (-9) the processes of all containers of some pods, and wait until they are back."""

    def do(stack: Stack) -> None:
        pods = stack.cluster.pods(stack.namespace, selector)
        containers = [
            status["containerID"].split("//")[1]
            for pod in pods
            for status in pod["status"]["containerStatuses"]
        ]
        if not stack.tools(kit.NODE, "kill", *containers):
            raise RuntimeError("no process was killed")
        time.sleep(5)
        _settled(stack)

    return do


def _delete(selector: str, *options: str) -> Callable[[Stack], None]:
    def do(stack: Stack) -> None:
        stack.cluster.run("-n", stack.namespace, "delete", "pod", "-l", selector, *options)
        _settled(stack)

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
    _settled(stack)


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
        begun = time.monotonic()
        done = stack.up(ok=False)
        print(f"  up: status {done.returncode}, {time.monotonic() - begun:.0f} s", flush=True)
        if done.returncode:
            print("  " + "\n  ".join((done.stdout + done.stderr).splitlines()[-15:]), flush=True)
        time.sleep(10)
        stack.lab.write(stack.name, before)
        stack.replan()
        stack.up()
        _settled(stack)

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
    Row(
        "tempo-replaced",
        "Tempo's pod deleted",
        _delete(_TEMPO),
    ),
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
    Row("flood", "another sender floods Alloy", _flood, after=60),
)


def _delete_one(stack: Stack, selector: str) -> None:
    pod = stack.cluster.pods(stack.namespace, selector)[0]["metadata"]["name"]
    stack.cluster.run("-n", stack.namespace, "delete", "pod", pod)
    _settled(stack)


def measure(
    stack: Stack, row: Row, per_second: float, pods: int, spans: int
) -> tuple[Result, Run, list[Json]]:
    """Send spans, do what the row says, and return what the senders counted."""
    _settled(stack)
    # They stop when they are told to.
    run = start(stack, row.name, per_second=per_second, seconds=36_000, pods=pods, spans=spans)
    time.sleep(_QUIET)
    begun = time.time()
    try:
        row.do(stack)
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the other rows go on
        print(f"  {type(error).__name__}: {error}", flush=True)
    took = time.time() - begun
    time.sleep(row.after)
    for pod in range(pods):
        stop = "import os, signal; os.kill(1, signal.SIGUSR1); print(1)"
        stack.cluster.exec(kit.SHOP, run.pod_name(pod), stack.place.python, "-c", stop)
    told = finished(stack, run, 180, OUT)
    result = Result(row.name, row.what, row.planned, round(took))
    result.sent = sum(one["sent"] for one in told)
    result.accepted = sum(one["accepted"] for one in told)
    result.longest_export = max(one["longest"] for one in told)
    with stack.prometheus() as prometheus:
        result.alerts = _alerts(prometheus, begun, time.time())
    return result, run, told


def _alerts(prometheus: Api, begin: float, end: float) -> dict[str, int]:
    """Return the alerts that began to fire, with the seconds until they did."""
    answer: Json = prometheus.get(
        "/api/v1/query_range",
        query='count by (alertname) (ALERTS{alertstate="firing"})',
        start=begin - 60,
        end=end,
        step=5,
    ) or {"data": {"result": []}}
    found: dict[str, int] = {}
    for series in answer["data"]["result"]:
        first = float(series["values"][0][0])
        if first >= begin:
            found[series["metric"]["alertname"]] = round(first - begin)
    return found


def report(results: Iterable[Result]) -> str:
    """Return the table."""
    head = (
        "what happens",
        "duration, s",
        "sent",
        "accepted",
        "stored",
        "lost before Alloy",
        "lost after",
        "alerts, s after the start",
    )
    rows = [
        (
            r.what,
            f"{r.seconds:.0f}",
            f"{r.sent:,}",
            f"{r.accepted:,}",
            f"{r.stored:,}",
            f"{r.lost_by_senders:,}",
            f"{r.lost_after:,}",
            ", ".join(f"{k} {v}" for k, v in sorted(r.alerts.items(), key=lambda a: a[1])) or "-",
        )
        for r in results
    ]
    return table([head, *rows], aligned=True)


def _count(stack: Stack, done: Sequence[tuple[Result, Run, list[Json]]], file: Path) -> None:
    """Count what Tempo finds of runs that are not complete, and write the results."""
    for result, run, told in done:
        if result.stored < result.accepted:
            result.stored = stored(stack, run, told)
            print(f"{result.what}: {result.stored} of {result.sent} stored", flush=True)
    file.write_text(json.dumps([asdict(r) for r, _, _ in done], indent=1))


def main(given: Sequence[str] | None = None) -> int:
    """Measure rows; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.e2e.cluster.days", description=__doc__)
    parser.add_argument("rows", nargs="*", help="names of rows; all of them if none is given")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--per-second", type=float, default=500, help="spans of all senders")
    parser.add_argument("--pods", type=int, default=5, help="senders")
    parser.add_argument("--spans", type=int, default=10, help="spans of each trace")
    parser.add_argument("--set", default="{}", help="further settings as JSON, by group")
    parser.add_argument("--name", default="days", help="name of the file with the results")
    options = parser.parse_args(given)
    if options.list:
        print("\n".join(f"{row.name:20} {row.what}" for row in ROWS))
        return 0
    if reason := place.missing():
        print(f"no cluster with real pods: {reason}")
        return 2
    known = {row.name: row for row in ROWS}
    chosen = [known[name] for name in options.rows] or list(ROWS)
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / f"{options.name}.json"
    done: list[tuple[Result, Run, list[Json]]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        brought_up(Path(folder), place.Place.find(), **json.loads(options.set)) as stack,
    ):
        for row in chosen:
            print(f"{time.strftime('%H:%M:%S')} {row.what}", flush=True)
            found = measure(stack, row, options.per_second, options.pods, options.spans)
            done.append(found)
            r = found[0]
            print(f"  {r.sent} sent, {r.accepted} accepted, {r.alerts}", flush=True)
            # What is too new, or what Tempo did not find, is counted once more at the end.
            late = time.time() - LATE_SECONDS
            _count(stack, [one for one in done if one[2][0]["last"] < late], file)
        _settled(stack)
        _count(stack, done, file)
    print(report(result for result, _, _ in done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
