"""Counts spans through rollouts and bad days: python -m tests.e2e.cluster.days [ROW ...].

Brings a stack up as the suite does, sends spans all the time, does one thing after the other, and
counts at the end what Tempo finds. Rows that need other settings get a stack of their own. Writes
build/days/days.json and prints a table. `--list` lists the rows.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from config.markdown import table
from tests.e2e.cluster import kit, place
from tests.e2e.cluster.cluster import Json
from tests.e2e.cluster.rows import ROWS, Row, settled
from tests.e2e.cluster.senders import LATE_SECONDS, Run, finished, start, stored
from tests.e2e.cluster.stack import Api, Stack, brought_up
from tests.engine.lab import free_volumes

OUT = place.ROOT / "build/days"
#: Seconds of quiet sending before a row's action.
_QUIET = 10
#: Seconds between two points of an alert's series.
_STEP = 5


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
    #: Containers that ended, by workload and reason.
    ended: dict[str, int] = field(default_factory=dict[str, int])
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


_Measured = tuple[Result, Run, list[Json]]


def measure(stack: Stack, row: Row, per_second: float, pods: int, spans: int) -> _Measured:
    """Send spans, do what the row says, and return what the senders counted."""
    settled(stack)
    if row.before:
        row.before(stack)
    # They stop when they are told to.
    run = start(
        stack,
        row.name,
        per_second=per_second,
        seconds=36_000,
        pods=pods,
        spans=spans,
        size=row.size,
    )
    time.sleep(_QUIET)
    before = _ended(stack)
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
    result.ended = dict(_ended(stack) - before)
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
        step=_STEP,
    ) or {"data": {"result": []}}
    found: dict[str, int] = {}
    for series in answer["data"]["result"]:
        times = [float(moment) for moment, _ in series["values"]]
        # It fired before, if the point before is one of its own.
        began = [
            moment
            for earlier, moment in itertools.pairwise([0.0, *times])
            if moment >= begin and moment - earlier > _STEP
        ]
        if began:
            found[series["metric"]["alertname"]] = round(began[0] - begin)
    return found


def _ended(stack: Stack) -> Counter[str]:
    """Return how often containers of the stack's pods were restarted, and why for the last time."""
    found: Counter[str] = Counter()
    for pod in stack.cluster.items("pods", "-n", stack.namespace):
        for status in pod["status"].get("containerStatuses", []):
            reason = status.get("lastState", {}).get("terminated", {}).get("reason", "")
            found[f"{pod['metadata']['name']} {status['name']} {reason}"] = status["restartCount"]
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


def _count(stack: Stack, done: Iterable[_Measured]) -> None:
    """Count what Tempo finds of runs that are not complete."""
    for result, run, told in done:
        if result.stored < result.accepted:
            result.stored = stored(stack, run, told)
            print(f"{result.what}: {result.stored} of {result.sent} stored", flush=True)


def main(given: Sequence[str] | None = None) -> int:
    """Measure rows; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.e2e.cluster.days", description=__doc__)
    parser.add_argument("rows", nargs="*", help="names of rows; all of them if none is given")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--per-second", type=float, default=500, help="spans of all senders")
    parser.add_argument("--pods", type=int, default=5, help="senders")
    parser.add_argument("--spans", type=int, default=10, help="spans of each trace")
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
    everything: list[Result] = []
    here = place.Place.find()
    for settings, rows in itertools.groupby(
        sorted(chosen, key=lambda row: json.dumps(row.settings)), lambda row: row.settings
    ):
        with (
            tempfile.TemporaryDirectory() as folder,
            brought_up(Path(folder), here, **settings) as stack,
        ):
            if here.emulated:
                # Nothing else frees them where there is no provisioner.
                free_volumes()
            done: list[_Measured] = []
            for row in rows:
                if row.before:
                    # It may take away what Tempo keeps.
                    _count(stack, done)
                print(f"{time.strftime('%H:%M:%S')} {row.what}", flush=True)
                found = measure(stack, row, options.per_second, options.pods, options.spans)
                done.append(found)
                everything.append(found[0])
                r = found[0]
                print(f"  {r.sent} sent, {r.accepted} accepted, {r.alerts}, {r.ended}", flush=True)
                # What is too new, or what Tempo did not find, is counted once more at the end.
                late = time.time() - LATE_SECONDS
                _count(stack, [one for one in done if one[2][0]["last"] < late])
            settled(stack)
            _count(stack, done)
        file = OUT / f"{options.name}.json"
        file.write_text(json.dumps([asdict(r) for r in everything], indent=1))
    print(report(everything))
    return 0


if __name__ == "__main__":
    sys.exit(main())
