"""Service overview: all services in one table, those that need a person on top."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label, SpanMetric
from ...telemetry.promql import ONCE, REQUESTS, error_ratio, quantile, rate, service_map, spans
from .. import units
from ..layout import Dashboard, dashboard, line, section
from ..links import Link, dashboard_url, label, row
from ..panels import DURATION_STEPS, ERROR_STEPS, service_map_panel
from ..tables import Column, Order, table_panel
from ..uids import Uid
from ..variables import filters
from .red import graphs, numbers
from .traces import bar_links

_KEPT = (Label.SERVICE, Label.NAMESPACE, Label.CLUSTER)


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    open_service = Link(
        title="Service ${__field.labels.service}",
        url=dashboard_url(Uid.SERVICE, values={"service": label(Label.SERVICE)}),
    )
    columns = [
        Column(
            title="Requests",
            expr=rate(SpanMetric.CALLS, spans(REQUESTS), by=_KEPT, window=ONCE),
            unit=units.REQUESTS,
        ),
        Column(
            title="Failed",
            expr=error_ratio(REQUESTS, by=_KEPT, window=ONCE),
            unit=units.FAILED,
            steps=ERROR_STEPS,
        ),
        *(
            Column(
                title=title,
                expr=quantile(value, REQUESTS, by=_KEPT, window=ONCE),
                unit=units.SECONDS,
                steps=DURATION_STEPS,
            )
            for title, value in (("p95", 0.95), ("Median", 0.5))
        ),
    ]
    services = table_panel(
        context,
        "Services, most failures first",
        "Requests of each service over the time range. Click a service for its own dashboard, or "
        "for its traces.",
        {Label.SERVICE: "Service", Label.NAMESPACE: "Namespace", Label.CLUSTER: "Cluster"},
        columns,
        order=[Order(title="Failed"), Order(title="p95")],
        links={
            "Service": [
                Link(title="Service", url=dashboard_url(Uid.SERVICE, values=row())),
                Link(title="Traces", url=dashboard_url(Uid.TRACES, values=row())),
            ]
        },
        empty="no requests in this time range",
    )
    graph = service_map_panel(
        context,
        "Who calls whom",
        "Services of the chosen namespaces and their calls. The red part of a ring is the share "
        "of failed requests.",
        service_map(),
    )
    return dashboard(
        Uid.SERVICES,
        "Service overview",
        "Which services there are, how much they do, which are slow or failing.",
        section("All chosen services together", numbers(context, REQUESTS)),
        section("Each service", line(services, height=10)),
        section("Over time", graphs(context, REQUESTS, links=(open_service,))),
        section("Service graph", line(graph, height=12)),
        variables=filters(context),
        links=bar_links(context),
    )
