"""Operation: one span name of a service."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label
from ...telemetry.promql import OPERATION, REQUEST_SPANS, quantile, traceql
from .. import units
from ..layout import Dashboard, dashboard, line, section
from ..links import Link, dashboard_url, traces_url
from ..panels import Legend, promql, timeseries_panel
from ..tables import traces_panel
from ..uids import Uid
from ..variables import filters, operation
from .red import durations, graphs, numbers

#: The chosen operation in TraceQL: a span name may hold any character, so it is quoted.
_NAMED = "name = ${operation:doublequote}"
#: The same in an address, where a span name must hold no quotes of any kind.
_NAMED_IN_LINK = "name = `${operation:percentencode}`"


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    recent = traces_panel(
        context,
        "Recent traces",
        "The newest traces with this operation. Click an id for the trace.",
        traceql(_NAMED, REQUEST_SPANS),
    )
    failing = traces_panel(
        context,
        "Failing traces",
        "The newest traces in which this operation failed. Empty is good news.",
        traceql(_NAMED, REQUEST_SPANS, "status = error"),
    )
    versions = timeseries_panel(
        context,
        "Duration by version, p95",
        "95 of 100 calls are faster, for each service.version: to see what a release changed.",
        promql(
            context,
            quantile(0.95, OPERATION, by=[Label.SERVICE_VERSION]),
            "{{service_version}}",
            exemplars=True,
        ),
        unit=units.SECONDS,
    )
    return dashboard(
        Uid.OPERATION,
        "Operation",
        "How one operation of a service does, and its traces.",
        section(
            "How it does",
            numbers(context, OPERATION),
            graphs(context, OPERATION, legend=Legend.LIST),
        ),
        section("Durations", durations(context, OPERATION)),
        section("Versions", line(versions)),
        section("Traces", line(recent, failing)),
        variables=[*filters(context), operation(context)],
        links=[
            Link(title="Service", url=dashboard_url(Uid.SERVICE)),
            Link(
                title="Traces in Explore",
                url=traces_url(context, traceql(_NAMED_IN_LINK, REQUEST_SPANS, escaped=False)),
            ),
        ],
    )
