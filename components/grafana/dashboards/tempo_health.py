"""Tempo: does it take spans in, keep them, find them, and make metrics of them.

The series are the same in both modes: where one process of a monolithic Tempo says all of them,
the parts of a distributed one say each their own.
"""

from ...alerting.context import AlertContext
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import ClusterMetric, ProcessMetric, TempoMetric
from ...telemetry.promql import GRAPH, ONCE, ratio
from .. import units
from ..layout import Dashboard, Line, Section, dashboard, line, section
from ..links import Link, dashboard_url
from ..panels import ERROR_STEPS
from ..uids import Uid
from .collectors import ALL_STEPS, ANY_STEPS
from .red import stat
from .scraped import (
    LOSS_STEPS,
    added,
    graph,
    once,
    programs,
    quantile_of,
)
from .tempo_parts import API, answering, making_metrics, storing


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    ours = programs(context)
    return dashboard(
        Uid.TEMPO,
        "Tempo",
        f"How Tempo is, deployed as {context.mode}: what it takes in, loses, stores and answers.",
        section("State", _state(context, ours)),
        _ingest(context, ours),
        storing(context, ours),
        answering(context, ours),
        making_metrics(context, ours),
        _pods(context, ours),
        links=[
            Link(title="Alloy and Beyla", url=dashboard_url(Uid.COLLECTORS, keep=[])),
            Link(title="Capacity", url=dashboard_url(Uid.CAPACITY, keep=[])),
        ],
    )


def _state(context: DashboardContext, ours: AlertContext) -> Line:
    up = ours.tempo(ClusterMetric.UP)
    loaded = ours.tempo(TempoMetric.CONFIG_LOADED)
    received = added(ours.tempo(TempoMetric.SPANS_RECEIVED), window=ONCE)
    discarded = added(ours.tempo(TempoMetric.SPANS_DISCARDED), window=ONCE)
    asked = added(ours.tempo(TempoMetric.REQUESTS, route=API), window=ONCE)
    failed = added(ours.tempo(TempoMetric.REQUESTS, route=API, status_code='=~"5.."'), window=ONCE)
    return line(
        stat(
            context,
            "Pods that answer",
            "Share of Tempo's pods that answer the scrape.",
            f"sum({up}) / count({up})",
            units.USED,
            ALL_STEPS,
        ),
        stat(context, "Received", "Spans per second that Tempo takes in.", received, units.SPANS),
        stat(
            context,
            "Discarded",
            "For each span that Tempo keeps, how many it discards over a limit; they are lost.",
            ratio(discarded, received),
            units.FAILED,
            LOSS_STEPS,
        ),
        stat(
            context,
            "Failed queries",
            "Share of queries that Tempo could not answer; 5 % is red. No data: nobody asked.",
            ratio(failed, asked),
            units.FAILED,
            ERROR_STEPS,
        ),
        stat(
            context,
            "Old overrides",
            "Pods that could not load the overrides and run on with those before.",
            f"count({once(loaded)} == 0) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        height=4,
    )


def _ingest(context: DashboardContext, ours: AlertContext) -> Section:
    push = ours.tempo(TempoMetric.PUSH_BUCKET)
    discarded = added(ours.tempo(TempoMetric.SPANS_DISCARDED), by=["reason"])
    return section(
        "Receiving spans",
        line(
            graph(
                context,
                "Spans received",
                "Spans per second that Tempo takes in, by tenant.",
                {"{{tenant}}": added(ours.tempo(TempoMetric.SPANS_RECEIVED), by=["tenant"])},
                units.SPANS,
            ),
            graph(
                context,
                "Bytes received",
                "Bytes per second that Tempo takes in, by tenant.",
                {"{{tenant}}": added(ours.tempo(TempoMetric.BYTES_RECEIVED), by=["tenant"])},
                units.BYTES_PER_SECOND,
            ),
            graph(
                context,
                "Spans discarded",
                "Spans per second that are lost, by reason: rate_limited is the ingestion limit, "
                "live_traces_exceeded the limit of traces, trace_too_large that of one trace.",
                {"{{reason}}": discarded},
                units.SPANS,
                colour="red",
            ),
        ),
        line(
            graph(
                context,
                "Duration of a push",
                "How long it takes to hand a message of spans on to the ingesters. Above a second "
                "Alloy's queue grows.",
                {f"p{v * 100:g}": quantile_of(v, push) for v in (0.5, 0.99)},
                units.SECONDS,
            ),
            graph(
                context,
                "Live traces",
                "Traces that are still open in each ingester's memory.",
                {"{{pod}}": f"sum by (pod) ({once(ours.tempo(TempoMetric.LIVE_TRACES))})"},
                units.MANY,
            ),
            graph(
                context,
                "Members of the rings",
                "Instances that others hand work to, by ring and state. Anything but ACTIVE should "
                "pass within minutes.",
                {
                    "{{name}} {{state}}": "max by (name, state) "
                    f"({ours.tempo(TempoMetric.RING_MEMBERS)}) > 0"
                },
                units.COUNT,
            ),
        ),
    )


def _pods(context: DashboardContext, ours: AlertContext) -> Section:
    return section(
        "Pods",
        line(
            graph(
                context,
                "Memory",
                "Resident memory by pod.",
                {"{{pod}}": f"max by (pod) ({ours.tempo(ProcessMetric.MEMORY)})"},
                units.BYTES,
            ),
            graph(
                context,
                "CPU",
                "CPU cores in use by pod.",
                {"{{pod}}": f"max by (pod) (rate({ours.tempo(ProcessMetric.CPU)}[{GRAPH}]))"},
                units.CORES,
            ),
        ),
    )
