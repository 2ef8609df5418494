"""One rehearsal: a stack's collectors, traffic through them, and what came of it."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from components.alloy.clean.replay import Cleaning
from plan.rehearse import collectors, metrics, otlp, storing
from plan.rehearse.collectors import Collector, Destinations, Tier
from plan.rehearse.compare import Comparison, compare
from plan.rehearse.otlp import Trace
from plan.rehearse.programs import wait_for
from plan.rehearse.replay import Replay, Sent
from plan.rehearse.sinks import TraceSink, http_sink, trace_sink
from plan.rehearse.storing import Stored

#: Times in a configuration after which data moves on: a decision, or an interval of metrics.
_WAITS = re.compile(r'\b(decision_wait|metrics_flush_interval)\s*= "(\d+)(ms|s|m)"')
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60}
#: Seconds without anything new after which everything has arrived.
_QUIET_SECONDS = 6
#: Longest time in seconds to wait for what is still under way.
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What is replayed.

    Attributes:
        name: where it comes from, for the report.
        traces: its traces, by start.
        per_second: spans per second at which it is sent.
        recorded_per_second: spans per second at which it was recorded; None for made-up traffic.
        marker: a string in every secret; empty if not known.
        notes: what a reader of the report must know about it.
    """

    name: str
    traces: Sequence[Trace]
    per_second: float
    recorded_per_second: float | None = None
    marker: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one pod of a tier used after its start; 0 where the machine has no /proc."""

    name: str
    cpu_seconds: float
    peak_mib: int
    limit_mib: int | None


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Traces that matched a policy of a sampler, and those that it did not keep."""

    kept: int
    not_kept: int


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What came of a rehearsal.

    Attributes:
        sent: what the senders saw.
        compared: sent spans against those that left the last tier.
        rules: spans that each component dropped, by its name.
        policies: decisions by policy of the sampler, and of all together under an empty name.
        too_early: traces that the sampler decided before it wanted to, because it was full.
        failed: spans that exporters gave up, by component.
        series: number of series written, by metric.
        usage: what each pod used.
        stored: what Tempo stored; None if it did not run.
        not_run: why something did not run.
    """

    sent: Sent
    compared: Comparison
    rules: Mapping[str, int]
    policies: Mapping[str, Decisions]
    too_early: int
    failed: Mapping[str, int]
    series: Mapping[str, int]
    usage: Sequence[Usage]
    stored: Stored | None = None
    not_run: Sequence[str] = ()
    samples: Mapping[metrics.Series, float] = field(default_factory=dict[metrics.Series, float])


def rehearse(
    tiers: Sequence[Tier],
    traffic: Traffic,
    tempo: storing.Tempo | str,
    cleaning: Cleaning | None = None,
) -> Rehearsal:
    """Replay traffic through the tiers of a stack.

    Args:
        tiers: the tiers, in the order in which spans pass them.
        traffic: what to send.
        tempo: the stack's Tempo, or why it can't run.
        cleaning: settings whose rules explain changes of attributes.

    Raises:
        ProgramError: a program does not start or does not end.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored: Stored | None = None
        with (
            trace_sink(TraceSink()) as sink,
            trace_sink(TraceSink()) as other,
            http_sink() as http,
        ):
            to = Destinations(otlp=sink.endpoint, other=other.endpoint, http=http.url)
            with collectors.running(tiers, to, folder) as started:
                its = [each for pods in started.values() for each in pods]
                for each in its:
                    each.check()
                before = {each.name: each.program.cpu_seconds for each in its}
                sent = Replay(its[0].otlp_grpc).run(traffic.traces, traffic.per_second)
                settle(its, sink)
                exposed = [each.metrics() for each in its]
                usage = [_usage(each, before[each.name]) for each in its]
            if not isinstance(tempo, str):
                stored = storing.store(tempo, sink.requests, folder, http.url)
        samples = metrics.written(http.requests)
        compared = compare(traffic.traces, otlp.arrived(sink.requests), traffic.marker, cleaning)
    compared.wire_bytes = sum(map(len, sink.requests))
    return Rehearsal(
        sent=sent,
        compared=compared,
        rules=dict(_dropped(exposed)),
        policies=dict(_policies(exposed)),
        too_early=round(sum(metrics.total(text, _TOO_EARLY) for text in exposed)),
        failed=dict(_failed(exposed)),
        series=Counter(dict(labels)["__name__"] for labels in samples),
        usage=usage,
        stored=stored,
        not_run=[tempo] if isinstance(tempo, str) else [],
        samples=samples,
    )


def waits(its: Sequence[Collector]) -> float:
    """Return for how many seconds data may wait in some collectors before it moves on."""
    # Metrics of what is kept come after the decision, and remote write has a deadline of 5 s.
    longest: dict[str, float] = {}
    for name, number, unit in (w for each in its for w in _WAITS.findall(each.tier.config)):
        longest[name] = max(longest.get(name, 0), float(number) * _UNITS[unit])
    return sum(longest.values())


def settle(its: Sequence[Collector], sink: TraceSink) -> None:
    """Wait until everything that is under way has arrived."""
    time.sleep(waits(its))
    last, since = -1, time.monotonic()

    def quiet() -> bool | None:
        nonlocal last, since
        for each in its:
            each.check()
        # Not metrics: these are written for as long as a collector runs.
        now = len(sink.requests)
        queued = sum(metrics.total(each.metrics(), _QUEUED) for each in its)
        if now != last or queued:
            last, since = now, time.monotonic()
        return time.monotonic() - since > _QUIET_SECONDS or None

    wait_for("end of the traffic", quiet, _PATIENCE_SECONDS)


_COMPONENT = re.compile(r"^\S*otelcol\.processor\.tail_sampling\.\w+\.")
_QUEUED = "otelcol_exporter_queue_size"
_TOO_EARLY = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total"
_BY_POLICY = "otelcol_processor_tail_sampling_count_traces_sampled_total"
_OF_ALL = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
_INCOMING = "otelcol_processor_incoming_items_total"
_OUTGOING = "otelcol_processor_outgoing_items_total"
_FAILED = (
    "otelcol_exporter_send_failed_spans_total",
    "otelcol_exporter_enqueue_failed_spans_total",
)


def _usage(of: Collector, at_start: float) -> Usage:
    program = of.program
    return Usage(
        name=of.name,
        cpu_seconds=program.cpu_seconds - at_start,
        peak_mib=program.peak_mib,
        limit_mib=of.tier.memory_mib,
    )


def component(labels: Mapping[str, str]) -> str:
    """Return the name of a component: that of its module, and its label if it is no default."""
    module = labels.get("component_path", "").strip("/").removesuffix(".default")
    own = labels.get("component_id", "").removesuffix(".default")
    return module.replace("/", ".") or own


def _dropped(exposed: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield the spans that processors took in and did not let out."""
    balance: Counter[str] = Counter()
    for text in exposed:
        for name, sign in ((_INCOMING, 1), (_OUTGOING, -1)):
            for labels, value in metrics.samples(text, name):
                if labels.get("otel_signal") == "traces":
                    balance[component(labels)] += sign * round(value)
    yield from ((name, count) for name, count in balance.items() if count > 0)


def _policies(exposed: Iterable[str]) -> Iterator[tuple[str, Decisions]]:
    counts: dict[str, Counter[bool]] = {}
    for text in exposed:
        for name in (_BY_POLICY, _OF_ALL):
            for labels, value in metrics.samples(text, name):
                # Alloy puts the name of its component in front.
                policy = _COMPONENT.sub("", labels.get("policy", ""))
                by_decision = counts.setdefault(policy, Counter())
                by_decision[labels.get("sampled") == "true"] += round(value)
    for policy, by_decision in counts.items():
        yield policy, Decisions(kept=by_decision[True], not_kept=by_decision[False])


def _failed(exposed: Iterable[str]) -> Iterator[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for text in exposed:
        for name in _FAILED:
            for labels, value in metrics.samples(text, name):
                counts[component(labels)] += round(value)
    yield from ((name, count) for name, count in counts.items() if count)
