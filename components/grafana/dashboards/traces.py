"""Tracing overview: find a trace by service, duration or failure."""

from ...telemetry.promql import ANSWERED, service_map, spans, traceql
from ..layout import Dashboard, Line, Section, dashboard
from ..links import Uid
from ..panels import Legend, Panels
from ..variables import choice, filters
from .requests import SERVICE_LINK, bar_links, graphs


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    recent = show.traces(
        "Recent traces",
        "The newest traces with a span of the chosen services. Click an id to open the trace.",
        traceql(),
    )
    slow = show.traces(
        "Slow traces",
        "The newest traces that took longer than the filter «Slower than», slowest first. Empty "
        "is good.",
        traceql("trace:duration > $slower"),
        sort_by="Duration",
    )
    failing = show.traces(
        "Failing traces",
        "The newest traces in which a span of the chosen services failed. Empty is good.",
        traceql("status = error"),
    )
    calls = show.service_map(
        "Who calls whom",
        "The red part of a service's ring is the share of its failed requests. Click a service "
        "for its traces.",
        service_map(),
    )
    slower = choice(
        "slower", "Slower than", "Traces that count as slow", "500ms", "100ms", "1s", "2s", "5s"
    )
    return dashboard(
        Uid.TRACES,
        "Recent, slow and failing traces of the chosen services, with their rate, errors and "
        "duration, and who calls whom.",
        Section(
            "Rate, errors and duration",
            graphs(
                show,
                spans(ANSWERED, native=show.stack.native),
                legend=Legend.TABLE,
                height=10,
                links=(SERVICE_LINK,),
            ),
        ),
        Section("Traces", Line(recent), Line(slow, failing)),
        Section("Service graph", Line(calls, height=14)),
        variables=[*filters(show.stack), slower],
        links=bar_links(show),
    )
