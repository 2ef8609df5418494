"""One run: the programs, the shop, and every query."""

import contextlib
import os
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.telemetry.metrics import Label, ServiceGraphMetric, SpanMetric
from plan.rehearse.programs import HOST, free_ports, get, wait_for
from plan.rehearse.replay import Replay
from plan.rehearse.shop import NAMESPACES, VERSIONS, Shop
from tests.e2e.answers import questions, servers
from tests.e2e.answers.asking import Backends
from tests.e2e.answers.backends import Prometheus, RefusedError, Tempo
from tests.e2e.answers.beside import (
    ask_span_menu,
    check_detection,
    compare_counts,
    follow_exemplars,
    look_at_rules,
)
from tests.e2e.answers.grafana import time_range
from tests.e2e.answers.known import Absent
from tests.e2e.answers.planned import Planned, plan
from tests.e2e.answers.questions import Json, Setting
from tests.e2e.answers.report import Board, Report
from tests.e2e.answers.servers import Running

#: The shop is open at least this long before anything is asked, in seconds.
OPEN_SECONDS = 60
#: Longest time in seconds that a query may find nothing before it counts as empty.
PATIENCE_SECONDS = 45
#: Load of the shop, of many shops together, and requests after which they close.
_SPANS_PER_SECOND, _OF_MANY, _VISITS = 60, 300, 2000
_NEEDED = ("tempo", "prometheus", "promtool", "helm")
#: Values that filters are set to where they offer them: a service with all kinds of neighbours.
_PREFERRED = {
    "namespace": ["orders", "shop"],
    "service": ["checkout", "catalogue"],
    "operation": ["POST /checkout", "process orders"],
    "slo": ["checkout-availability", "checkout-latency"],
}


def reason_to_skip(needed: Sequence[str] = _NEEDED) -> str:
    """Return what is missing here; nothing if all is there.

    Args:
        needed: programs that must be on PATH.
    """
    missing = [program for program in needed if not shutil.which(program)]
    if missing:
        return f"needs {', '.join(missing)} on PATH"
    if not os.environ.get("TRACING_TEST_CHARTS"):
        return "needs TRACING_TEST_CHARTS, a folder of packed charts"
    return ""


def run(stack: str) -> Report:
    """Run a stack's programs and the shop, and ask every query.

    Args:
        stack: name of a stack file.

    Returns:
        What came of it.
    """
    report = Report(stack)
    with tempfile.TemporaryDirectory() as name, programs(stack, Path(name)) as (planned, running):
        groups = planned.groups()
        if wrong := servers.check_rules(groups, Path(name)):
            report.problems.append(f"promtool: {wrong}")
        rules = sum(len(group["rules"]) for group in groups)
        report.notes.append(f"{rules} rules in {len(groups)} groups, taken by promtool")
        with open_shop(planned, running) as shop:
            _ask(planned, running, report)
            report.notes.append(f"{shop.requests} requests to the shop")
    return report


@contextlib.contextmanager
def programs(
    stack: str,
    folder: Path,
    *,
    without: Sequence[str] = (),
    more: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Generator[tuple[Planned, Running]]:
    """Plan a stack, and run its programs with the planned configuration.

    Args:
        stack: name of a stack file.
        folder: an empty folder.
        without: backends that the plan leaves out.
        more: settings that it adds, by section.
    """
    [port] = free_ports(1)
    url = f"http://{HOST}:{port}"
    planned = plan(stack, f"{url}/api/v1/write", folder, without, more)
    with _programs(planned, folder, port) as running:
        namespace = planned.settings.namespaces.tracing
        servers.configure(folder, running.scraped, namespace, planned.groups())
        urllib.request.urlopen(f"{url}/-/reload", b"").close()  # noqa: S310
        yield planned, running


@contextlib.contextmanager
def open_shop(
    planned: Planned,
    running: Running,
    *,
    seconds: float = OPEN_SECONDS,
    visits: int = _VISITS,
    shops: int = 1,
) -> Generator[Shop]:
    """Open the shop, and yield it once all that it does can be seen.

    Args:
        planned: the plan.
        running: the programs.
        seconds: time that the shop is open before.
        visits: requests after which it closes by itself.
        shops: number of shops, whose services have names of their own.
    """
    with _shop(planned, running, visits, shops) as shop:
        _wait(running, time.monotonic() + seconds, seconds)
        yield shop


@contextlib.contextmanager
def _programs(planned: Planned, folder: Path, port: int) -> Generator[Running]:
    charts = Path(os.environ["TRACING_TEST_CHARTS"])
    running = Running(prometheus=f"http://{HOST}:{port}")
    with contextlib.ExitStack() as stack:
        stack.enter_context(servers.prometheus(port, folder))
        stack.enter_context(servers.tempos(planned, charts, folder, running))
        if shutil.which("alloy"):
            stack.enter_context(servers.alloy(planned, folder, running))
        yield running


@contextlib.contextmanager
def _shop(planned: Planned, running: Running, count: int, number: int) -> Generator[Shop]:
    its = planned.settings
    origin = {
        "k8s.cluster.name": its.cluster.name,
        "deployment.environment.name": its.environment.name,
    }
    shops = [Shop(origin)]
    shops += [Shop(origin, seed=7 + n, suffix=f"-{n:02}") for n in range(1, number)]
    replay = Replay(running.otlp.removeprefix("http://"))
    visits = (shops[n % number].visit() for n in range(count))
    rate = _SPANS_PER_SECOND if number == 1 else _OF_MANY
    thread = threading.Thread(target=replay.run, args=(visits, rate), daemon=True)
    thread.start()
    try:
        yield shops[0]
    finally:
        replay.close()
        thread.join(30)


def _wait(running: Running, opened: float, seconds: float) -> None:
    """Wait until all that the shop does can be seen, and rules have been evaluated."""
    prometheus = Prometheus(running.prometheus)

    def counts(expr: str, least: int) -> bool:
        found = prometheus.instant(f"count({expr})", time.time())
        return bool(found) and int(found[0]["value"][1]) >= least

    versions = sum(len(its) for its in VERSIONS.values())
    calls = f"rate({SpanMetric.CALLS}[1m]) > 0"
    edges = f"rate({ServiceGraphMetric.REQUESTS}[1m]) > 0"
    by = f"{Label.SERVICE}, {Label.SERVICE_VERSION}"
    wait_for("all services", lambda: counts(f"count by ({by}) ({calls})", versions) or None, 120)
    kinds = f"count by ({Label.CLIENT}, {Label.SERVER}, {Label.CONNECTION_TYPE}) ({edges})"
    wait_for("edges", lambda: counts(kinds, len(NAMESPACES)) or None, 90)
    wait_for("rules", lambda: all(r["health"] != "unknown" for r in prometheus.rules()) or None)
    for ingester in running.ingesters:
        get(f"{ingester}/flush")
    tempo = Tempo(running.tempo)
    wait_for("load", lambda: _read(tempo) or time.monotonic() > opened or None, seconds + 10)


def _ask(planned: Planned, running: Running, report: Report) -> None:
    backends = Backends(
        Prometheus(running.prometheus),
        Tempo(running.tempo),
        Absent(alloy=not shutil.which("alloy"), beyla_namespace=planned.settings.namespaces.beyla),
    )
    report.boards = [_board(dashboard, backends) for dashboard in planned.dashboards()]
    report.boards.sort(key=lambda one: one.uid)
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and any(board.wrong for board in report.boards):
        time.sleep(3)
        _read(backends.tempo)
        for dashboard in planned.dashboards():
            [at] = [i for i, one in enumerate(report.boards) if one.uid == dashboard["uid"]]
            if report.boards[at].wrong:
                report.boards[at] = _board(dashboard, backends)
    check_detection(backends, report)
    ask_span_menu(planned, backends, report)
    follow_exemplars(backends, report)
    compare_counts(backends, report)
    look_at_rules(backends, report)


def _read(tempo: Tempo) -> None:
    """Search as somebody would who looks at traces: Tempo's dashboard shows that too."""
    tempo.ask("{ }", 1, time_range("now-5m", time.time()))


def _board(dashboard: Json, backends: Backends) -> Board:
    """Ask what a dashboard asks, with each setting of its filters."""
    board = Board(dashboard["uid"], len(list(questions.panels(dashboard))))
    filters: Json = dashboard.get("templating") or {}
    for setting in Setting if filters.get("list") else [Setting.ALL]:
        within = time_range(dashboard["time"]["from"], time.time())
        try:
            values, missing = questions.choices(
                dashboard, setting, _PREFERRED, backends.prometheus, backends.tempo, within
            )
            asked = questions.links(dashboard, values, within)
        except RefusedError as error:
            board.problems.append(f"{board.uid}, filters: {setting}: {error}")
            continue
        asked += [q for p in questions.panels(dashboard) for q in questions.questions(dashboard, p)]
        board.answers += [backends.answer(one, setting, values, within) for one in asked]
        board.problems += [
            f"{board.uid}, filters: {setting}: nothing is offered by {one}"
            for one in missing
            if not backends.absent.program(one)
        ]
    return board
