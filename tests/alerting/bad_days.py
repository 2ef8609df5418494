"""Bad days and good ones, at the planned peak of each stack: which alert fires after how long.

The rules are those of the plan; promtool evaluates them on series that a small model of the
pipeline makes. docs/figures.md has the table: `python -m tests.alerting.bad_days` writes it, a test
compares it.
"""

import json
import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.alerting.alert import INTERVAL
from components.alloy import sizes as alloy_sizes
from components.load import capacity
from components.settings import TracingSettings
from components.telemetry.context import stack_context
from components.telemetry.metrics import (
    RATE_LIMITED,
    AlloyMetric,
    BeylaMetric,
    ClusterMetric,
    RemoteWriteMetric,
    TempoMetric,
)
from components.tempo.settings import TempoMode
from config.schema import with_section
from plan.run import run
from plan.write import files
from tests.golden import ROOT

#: Stacks that deliver alerts.
STACKS = ("dev", "staging", "prod")
DOCUMENT = ROOT / "docs" / "figures.md"
BEGIN = "<!-- bad days: python -m tests.alerting.bad_days writes it -->"
END = "<!-- end of bad days -->"
#: Minutes of order before trouble begins, and of trouble.
BEFORE, TROUBLE = 20, 45

Values = Callable[[float], float | None]


@dataclass(frozen=True)
class Series:
    """One series: its name, its labels, and its value at a second after the trouble began."""

    name: str
    labels: Mapping[str, str]
    value: Values


@dataclass
class Day:
    """The series of a system in order; a scenario changes some of them.

    Attributes:
        settings: settings of the stack.
        spans: spans per second at the planned peak.
    """

    settings: TracingSettings
    spans: float
    series: dict[str, Series] = field(default_factory=dict[str, Series])

    @property
    def shared(self) -> Mapping[str, str]:
        """Labels that this cluster's series have in a backend that clusters share."""
        return self.settings.alerts.series_labels or {"cluster": self.settings.cluster.name}

    def add(self, key: str, name: str, value: Values, **labels: str) -> None:
        """Add a series, or replace the one of that key."""
        self.series[key] = Series(
            str(name), {**self.settings.alerts.series_labels, **labels}, value
        )

    def change(self, prefix: str, value: Values) -> None:
        """Give all series whose keys begin so another value."""
        found = [key for key in self.series if key.startswith(prefix)]
        assert found, prefix
        for key in found:
            old = self.series[key]
            self.series[key] = Series(old.name, old.labels, value)


def grows(rate: float, t: float) -> float:
    """Return what a counter has come to that grows by so many a second."""
    return 1e6 + rate * (t + BEFORE * 60)


def steady(rate: float) -> Values:
    """Return a counter that grows by so many a second, trouble or not."""
    return lambda t: grows(rate, t)


def stops(rate: float) -> Values:
    """Return a counter that stands still from the trouble on."""
    return lambda t: grows(rate, min(t, 0))


def starts(rate: float, after: float = 0) -> Values:
    """Return a counter that begins to grow so long after the trouble, and is 0 before."""
    return lambda t: rate * max(0, t - after)


def comes(rate: float, after: float = 0) -> Values:
    """Return a counter whose series begins with its first event."""
    return lambda t: rate * (t - after) if t > after else None


def gauge(well: float, sick: float | None) -> Values:
    """Return a gauge that changes with the trouble."""
    return lambda t: well if t <= 0 else sick


def away(seconds: float) -> Values:
    """Return an `up` that is 0 for so long."""
    return lambda t: 0 if 0 < t <= seconds else 1


def ordinary(settings: TracingSettings) -> Day:
    """Return a day on which all is well, at the planned peak."""
    load = settings.load
    assert load.spans_per_second
    day = Day(settings, load.spans_per_second * load.peak_factor)
    namespace = settings.namespaces.tracing
    alloy = {"namespace": namespace, "job": "alloy", "pod": "alloy-1"}
    filtered = {"component_path": "/drop_noise.default", "otel_signal": "traces"}
    day.add("alloy up", ClusterMetric.UP, gauge(1, 1), **alloy)
    day.add("accepted", AlloyMetric.SPANS_ACCEPTED, steady(day.spans), **alloy, transport="grpc")
    day.add("refused", AlloyMetric.SPANS_REFUSED, lambda t: 0, **alloy, transport="grpc")
    day.add("wanted", AlloyMetric.ITEMS_PROCESSED, steady(day.spans), **alloy, **filtered)
    queue = {"component_path": "/send_to_tempo.default", "data_type": "traces"}
    held = float(alloy_sizes.queue_bytes(settings.alloy))
    day.add("queue", AlloyMetric.QUEUE_SIZE, gauge(held / 100, held / 100), **alloy, **queue)
    day.add("capacity", AlloyMetric.QUEUE_CAPACITY, gauge(held, held), **alloy, **queue)
    day.add("loaded", AlloyMetric.CONFIG_LOADED, gauge(1, 1), **alloy)
    day.add("started", AlloyMetric.STARTED, gauge(1e6, 1e6), **alloy)
    beyla = {"namespace": settings.namespaces.beyla, "job": "beyla", "pod": "beyla-1"}
    day.add("beyla up", ClusterMetric.UP, gauge(1, 1), **beyla)
    day.add("processes", BeylaMetric.PROCESSES, gauge(4, 4), **beyla)
    for job in stack_context(settings).tempo_jobs:
        part = {"namespace": namespace, "job": job, "pod": f"{job.rpartition('/')[2]}-0"}
        day.add(f"up {job}", ClusterMetric.UP, gauge(1, 1), **part)
    whole = settings.tempo.mode is TempoMode.MONOLITHIC

    def part_of(name: str) -> dict[str, str]:
        job, pod = ("tempo", "tempo-0") if whole else (f"{namespace}/{name}", f"{name}-0")
        return {"namespace": namespace, "job": job, "pod": pod}

    tenant = {"tenant": "single-tenant"}
    distributor, ingester = part_of("distributor"), part_of("ingester")
    compactor, generator = part_of("compactor"), part_of("metrics-generator")
    day.add("received", TempoMetric.SPANS_RECEIVED, steady(day.spans), **distributor, **tenant)
    day.add("flushed", TempoMetric.BLOCKS_FLUSHED, steady(1 / 600), **ingester)
    ok = {"operation": "PUT", "status_code": "200"}
    read = {"operation": "GET", "status_code": "206"}
    day.add("s3 ingester", TempoMetric.STORAGE_REQUESTS, steady(0.2), **ingester, **ok)
    day.add("s3 compactor", TempoMetric.STORAGE_REQUESTS, steady(1), **compactor, **read)
    day.add("retention", TempoMetric.RETENTION_RUNS, steady(1 / 300), **compactor)
    day.add("blocks", TempoMetric.BLOCKS, gauge(20, 20), **compactor, **tenant)
    day.add("generator", TempoMetric.GENERATOR_SPANS, steady(day.spans), **generator, **tenant)
    url = {"url": "http://metrics/push", "remote_name": "a1"}
    newest = RemoteWriteMetric.HIGHEST
    day.add("made", newest, lambda t: 1e4 + t, **generator, **tenant, **url)
    sent = RemoteWriteMetric.HIGHEST_SENT
    day.add("sent", sent, lambda t: 1e4 + t - 5, **generator, **tenant, **url)
    return day


def _tempo_away(day: Day, seconds: float = math.inf) -> None:
    """Tempo answers nobody: spans wait in Alloy, then they are refused."""
    if day.settings.tempo.mode is TempoMode.MONOLITHIC:
        day.change("up ", away(seconds))
    else:
        day.change(f"up {day.settings.namespaces.tracing}/distributor", away(seconds))
    lasts = (capacity.queue_minutes(day.settings) or 0) * 60
    held = float(alloy_sizes.queue_bytes(day.settings.alloy))

    def received(t: float) -> float:
        # What waited goes through at once when Tempo is back.
        return grows(day.spans, min(t, 0) if t < seconds else t)

    day.change("received", received)
    if seconds is math.inf:
        day.change("generator", stops(day.spans))
    day.change("queue", lambda t: held * min(1, max(0.01, t / lasts if t < seconds else 0)))
    if seconds > lasts:
        day.change("accepted", lambda t: grows(day.spans, min(t, lasts)))
        day.change("refused", starts(day.spans, lasts))
        exporter = day.series["queue"].labels
        day.add("not queued", AlloyMetric.SPANS_NOT_QUEUED, comes(day.spans, lasts), **exporter)


def _s3_refuses(day: Day) -> None:
    day.change("s3 ", stops(1))
    denied = {"operation": "PUT", "status_code": "403"}
    part = day.series["s3 ingester"].labels
    day.add("denied", TempoMetric.STORAGE_REQUESTS, comes(0.5), **{**part, **denied})
    day.add("flush failed", TempoMetric.FAILED_FLUSHES, comes(0.02), **day.series["flushed"].labels)
    day.change("flushed", stops(1 / 600))


def _s3_away(day: Day) -> None:
    day.change("s3 ", stops(1))
    # Tempo lists the bucket every five minutes.
    polls = day.series["blocks"].labels
    day.add("not listed", TempoMetric.POLL_ERRORS, lambda t: t // 300 or None, **polls)
    day.change("flushed", stops(1 / 600))
    day.add("flush failed", TempoMetric.FAILED_FLUSHES, comes(0.02), **day.series["flushed"].labels)


def _gateway_gone(day: Day) -> None:
    day.change("alloy up", gauge(1, 0))
    for key in ("accepted", "refused", "wanted", "queue", "capacity", "loaded"):
        before = day.series[key].value
        day.change(key, lambda t, before=before: before(t) if t <= 0 else None)
    for key in ("received", "generator"):
        day.change(key, stops(day.spans))


def _gateway_killed(day: Day) -> None:
    """A container is killed for memory while a third of its queue is filled."""
    held = float(alloy_sizes.queue_bytes(day.settings.alloy))
    day.change("queue", gauge(held / 3, 0))
    day.change("started", gauge(1e6, 2e6))
    for key, rate in (("accepted", day.spans), ("wanted", day.spans)):
        before = day.series[key].value
        after = starts(rate)
        day.change(key, lambda t, b=before, a=after: b(t) if t <= 0 else a(t))


def _gateway_refuses(day: Day) -> None:
    day.change("refused", starts(day.spans / 10))


def _spans_refused_by_tempo(day: Day) -> None:
    alloy = day.series["alloy up"].labels
    day.add("lost", AlloyMetric.SPANS_LOST, comes(day.spans / 10), **alloy, error_type="Internal")


def _discards(reason: str) -> Callable[[Day], None]:
    def change(day: Day) -> None:
        labels = {**day.series["received"].labels, "reason": reason}
        day.add("discarded", TempoMetric.SPANS_DISCARDED, comes(day.spans / 3), **labels)

    return change


def _metrics_backend_away(day: Day) -> None:
    day.change("sent", lambda t: 1e4 + min(t, 0) - 5)


def _generator_stops(day: Day) -> None:
    day.change("generator", stops(day.spans))


def _late_spans(day: Day) -> None:
    labels = {**day.series["generator"].labels, "reason": "outside_metrics_ingestion_slack"}
    day.add("late", TempoMetric.GENERATOR_DISCARDED, comes(day.spans / 20), **labels)


def _beyla_down(day: Day) -> None:
    day.change("beyla up", gauge(1, 0))


def _restart(day: Day) -> None:
    """A rollout: Tempo's only pod, or one of several, is away for two minutes."""
    if day.settings.tempo.mode is TempoMode.MONOLITHIC:
        _tempo_away(day, 120)
    else:
        ingester = f"up {day.settings.namespaces.tracing}/ingester"
        labels = day.series[ingester].labels
        day.add(f"{ingester} b", ClusterMetric.UP, away(120), **{**labels, "pod": "ingester-1"})


def _gateway_rollout(day: Day) -> None:
    """One pod after the other is replaced; counters of the new ones begin at 0."""
    for key, rate in (("accepted", day.spans), ("wanted", day.spans), ("refused", 0)):
        old = day.series[key]
        new = {**old.labels, "pod": "alloy-2"}
        day.add(f"{key} new", old.name, comes(rate, 30), **new)
        day.change(key, lambda t, v=old.value: v(t) if t <= 45 else None)
    up = day.series["alloy up"]
    day.add("alloy up new", up.name, lambda t: 1 if t > 30 else None, **{**up.labels, "pod": "b"})
    day.series["alloy up"] = Series(up.name, up.labels, lambda t: 1 if t <= 45 else None)


def _night(day: Day) -> None:
    for key in ("accepted", "wanted", "received", "generator"):
        day.change(key, stops(day.spans))
    # Some services are scaled to zero as well.
    del day.series["processes"]


def _new_cluster(day: Day) -> None:
    """Everything runs and nobody sends; counters are 0 or not there yet."""
    for key in ("accepted", "refused", "wanted", "received", "generator", "blocks", "processes"):
        del day.series[key]
    # Tempo deletes by tenant, of which there are none yet.
    for key in ("made", "sent", "retention", "flushed"):
        day.change(key, lambda t: 0)


def _another_cluster(day: Day) -> None:
    """All is lost, but in another cluster whose series are in the same backend."""
    for key, old in list(day.series.items()):
        day.series[key] = Series(old.name, {**old.labels, **day.shared}, old.value)
        labels = {**old.labels, **dict.fromkeys(day.shared, "another")}
        value: Values = gauge(1, 0) if old.name == "up" else stops(1)
        day.series[f"another {key}"] = Series(old.name, labels, value)
    for key, value in {
        "refused": starts(1e6),
        "queue": gauge(0, 1e12),
        "started": steady(1),
    }.items():
        old = day.series[f"another {key}"]
        day.series[f"another {key}"] = Series(old.name, old.labels, value)


def well_elsewhere(day: Day) -> None:
    """Tempo is away, and another cluster in the same backend is well."""
    for key, old in list(day.series.items()):
        labels = {**old.labels, **dict.fromkeys(day.shared, "another")}
        day.series[f"another {key}"] = Series(old.name, labels, old.value)
    ours = Day(day.settings, day.spans, {k: v for k, v in day.series.items() if "another" not in k})
    _tempo_away(ours)
    for key, series in ours.series.items():
        day.series[key] = Series(series.name, {**series.labels, **day.shared}, series.value)


#: Minutes of good days that last longer than the others.
LONG = {"nobody sends at night": 3 * 60, "a new cluster is empty": 3 * 60}
#: Days on which something must be said, and those on which nothing may be.
BAD: Mapping[str, Callable[[Day], None]] = {
    "Tempo is away": _tempo_away,
    "the gateway is away": _gateway_gone,
    "the gateway is killed": _gateway_killed,
    "the gateway refuses a tenth": _gateway_refuses,
    "Tempo rejects a tenth for good": _spans_refused_by_tempo,
    "a quarter is over Tempo's limit of traces": _discards("live_traces_exceeded"),
    "a quarter is over Tempo's rate limit": _discards(RATE_LIMITED),
    "S3 denies access": _s3_refuses,
    "S3 is away": _s3_away,
    "the metrics backend is away": _metrics_backend_away,
    "no span metrics are made": _generator_stops,
    "a twentieth is late for span metrics": _late_spans,
    "Beyla is down on a node": _beyla_down,
}
GOOD: Mapping[str, Callable[[Day], None]] = {
    "ordinary": lambda day: None,
    "Tempo restarts": _restart,
    "Alloy is rolled out": _gateway_rollout,
    "nobody sends at night": _night,
    "a new cluster is empty": _new_cluster,
    "another cluster is down": _another_cluster,
}


@cache
def planned(stack: str) -> tuple[TracingSettings, list[dict[str, Any]]]:
    """Return the settings of a stack and the groups of alerts in its plan."""
    plan = run(stack, ROOT)
    text = files(plan)["rules/tracing-alerts.yaml"]
    return plan.settings, yaml.safe_load(text)["groups"]


def input_series(
    day: Day, scrape: int, *, native: bool = False, trouble: int = TROUBLE
) -> Iterator[dict[str, str]]:
    """Yield the series as promtool reads them, a sample for each scrape.

    Args:
        day: the day.
        scrape: seconds between scrapes.
        native: histograms are scraped as native ones, without series of counts.
        trouble: minutes of trouble.
    """
    for one in day.series.values():
        labels = ",".join(f'{k}="{v}"' for k, v in one.labels.items())
        times = range(-BEFORE * 60, trouble * 60 + 1, scrape)
        values = [one.value(float(t)) for t in times]
        if native and one.name.endswith("_count"):
            name = one.name.removesuffix("_count")
            samples = ["_" if v is None else f"{{{{count:{v:.0f} sum:1}}}}" for v in values]
        else:
            name = one.name
            samples = ["_" if v is None else f"{v:.6f}" for v in values]
            # A series that ends is marked stale once, as Prometheus does.
            for at in range(1, len(samples)):
                if samples[at] == "_" and samples[at - 1] not in ("_", "stale"):
                    samples[at] = "stale"
        yield {"series": f"{name}{{{labels}}}", "values": " ".join(samples)}


@cache
def firing(
    promtool: str,
    stack: str,
    change: Callable[[Day], None],
    scrape: int,
    *,
    native: bool = False,
    trouble: int = TROUBLE,
) -> dict[tuple[str, str], float]:
    """Return after how many minutes of trouble each alert fires, by name and severity.

    An alert that fires before the trouble has a negative time.
    """
    settings, groups = planned(stack)
    day = ordinary(settings)
    change(day)
    end = BEFORE + trouble
    fired = 'timestamp(ALERTS{alertstate="firing"})'
    test: dict[str, Any] = {
        "interval": f"{scrape}s",
        "input_series": list(input_series(day, scrape, native=native, trouble=trouble)),
        "promql_expr_test": [
            # Nothing is expected, so that promtool prints what there is.
            {
                "expr": f"min by (alertname, severity) (min_over_time({fired}[{end}m:{INTERVAL}]))",
                "eval_time": f"{end}m",
                "exp_samples": [],
            }
        ],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # JSON is YAML, and written in a moment.
        (folder / "rules.yaml").write_text(json.dumps({"groups": groups}))
        content: dict[str, Any] = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": INTERVAL,
            "tests": [test],
        }
        (folder / "tests.yaml").write_text(json.dumps(content))
        command = [promtool, "test", "rules", str(folder / "tests.yaml")]
        done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert "SUCCESS" in said or "exp:" in said, said[:2000]
    pattern = r'alertname=\\?"(\w+)\\?", severity=\\?"(\w+)\\?"\}[^\d]*([\d.E+]+)'
    found = re.findall(pattern, said)
    return {(name, severity): float(n) / 60 - BEFORE for name, severity, n in found}


def table(promtool: str) -> str:
    """Return the table of docs/figures.md."""
    rows = ["| what happens | dev | staging | prod |", "|---|---|---|---|"]
    for what, change in BAD.items():
        cells = [_cell(firing(promtool, stack, change, 60)) for stack in STACKS]
        rows.append(f"| {what} | {' | '.join(cells)} |")
    lasts = [f"{capacity.queue_minutes(planned(stack)[0]):.1f} min" for stack in STACKS]
    rows.append(f"| *Alloy's queue lasts* | {' | '.join(lasts)} |")
    return "\n".join(rows)


def _cell(found: Mapping[tuple[str, str], float]) -> str:
    shown = sorted((minutes, severity, name) for (name, severity), minutes in found.items())
    return "<br>".join(
        f"{'**' if severity == 'critical' else ''}{name}{'**' if severity == 'critical' else ''}"
        f" {math.ceil(minutes)} min"
        for minutes, severity, name in shown
    )


def document(promtool: str) -> str:
    """Return docs/figures.md with the table as it is now."""
    return with_section(DOCUMENT.read_text(encoding="utf-8"), BEGIN, END, table(promtool))


if __name__ == "__main__":
    program = shutil.which("promtool")
    if program is None:
        raise SystemExit("error: promtool is not on PATH")
    DOCUMENT.write_text(document(program), encoding="utf-8")
