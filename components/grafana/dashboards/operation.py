"""Operation: one span name of a service."""

from ...telemetry.metrics import Label
from ...telemetry.promql import ANSWERED, REQUEST_SPANS, spans, traceql
from .. import units
from ..layout import Dashboard, Line, Section, dashboard
from ..links import Link, Uid, dashboard_url, traces_url
from ..panels import Legend, Panels
from ..variables import filters, operation
from .requests import durations, graphs, numbers

#: The chosen operation in TraceQL: a span name may hold any character, so it is quoted.
_NAMED = "name = ${operation:doublequote}"
#: The same in an address, which must hold no quotes of any kind.
_NAMED_IN_LINK = "name = `${operation:percentencode}`"


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    # A single value: Grafana escapes its quotes and no more.
    requests = spans(f'{Label.SPAN_NAME}="$operation"', ANSWERED, native=show.stack.native)
    recent = show.traces(
        "Recent traces",
        "The newest traces with this operation. Click an id to open the trace.",
        traceql(_NAMED, REQUEST_SPANS),
    )
    failing = show.traces(
        "Failing traces",
        "The newest traces in which this operation failed. Empty is good.",
        traceql(_NAMED, REQUEST_SPANS, "status = error"),
    )
    version = f"{{{{{Label.SERVICE_VERSION}}}}}"
    versions = show.graph(
        "Duration by version, p95",
        "95 of 100 calls are faster, for each service.version. Shows what a release changed.",
        {version: requests.quantile(0.95, [Label.SERVICE_VERSION])},
        units.SECONDS,
        exemplars=version,
    )
    in_explore = traceql(_NAMED_IN_LINK, REQUEST_SPANS, escaped=False)
    return dashboard(
        Uid.OPERATION,
        "One operation of a service: its rate, errors and durations, and its traces.",
        Section("Overview", numbers(show, requests), graphs(show, requests, legend=Legend.LIST)),
        Section("Durations", durations(show, requests)),
        Section("Versions", Line(versions)),
        Section("Traces", Line(recent, failing)),
        variables=[*filters(show.stack), operation(show.stack)],
        links=[
            Link("Service overview", dashboard_url(Uid.SERVICES)),
            Link("Traces in Explore", traces_url(show.stack, in_explore)),
        ],
    )
