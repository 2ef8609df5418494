"""Tracing: find the trace, by what it belongs to, how long it took and whether it failed."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label
from ...telemetry.promql import REQUESTS, logql, service_map, traceql
from ..layout import Dashboard, Section, dashboard, line, section
from ..links import Link, dashboard_url, label, logs_url, traces_url
from ..panels import Legend, service_map_panel
from ..tables import traces_panel
from ..uids import Uid
from ..variables import choice, filters
from .red import graphs

#: Not the name of the folder: Grafana before 11.3 refuses a dashboard that is called like one.
TITLE = "Tracing overview"


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    service = Link(
        title="Service ${__field.labels.service}",
        url=dashboard_url(Uid.SERVICE, values={"service": label(Label.SERVICE)}),
    )
    slower = choice(
        "slower", "Slower than", "Traces that count as slow", "500ms", "100ms", "1s", "2s", "5s"
    )
    return dashboard(
        Uid.TRACES,
        TITLE,
        "Recent, slow and failing traces of the chosen services, with their rate, errors and "
        "duration, and who calls whom.",
        section(
            "How the services do",
            graphs(context, REQUESTS, legend=Legend.TABLE, links=(service,)),
        ),
        _traces(context),
        section(
            "Service graph",
            line(
                service_map_panel(
                    context,
                    "Who calls whom",
                    "The ring of a service shows the share of its failed requests "
                    "in red; a click on it leads to its traces.",
                    service_map(),
                ),
                height=14,
            ),
        ),
        variables=[*filters(context), slower],
        links=bar_links(context),
    )


def bar_links(context: DashboardContext) -> list[Link]:
    """Return links into Explore with the filters of a dashboard, for its bar."""
    links = [Link(title="Traces in Explore", url=traces_url(context, traceql(escaped=False)))]
    if context.logs_uid:
        links.append(Link(title="Logs in Explore", url=logs_url(context, logql())))
    return links


def _traces(context: DashboardContext) -> Section:
    recent = traces_panel(
        context,
        "Recent traces",
        "The newest traces with a span of the chosen services. Click an id for the trace.",
        traceql(),
    )
    slow = traces_panel(
        context,
        "Slow traces",
        "The newest traces that took longer than the filter «Slower than» says, the slowest on "
        "top. Empty is good news.",
        traceql("trace:duration > $slower"),
        sort_by="Duration",
    )
    failing = traces_panel(
        context,
        "Failing traces",
        "The newest traces in which a span of the chosen services failed. Empty is good news.",
        traceql("status = error"),
    )
    return section("Traces", line(recent), line(slow, failing))
