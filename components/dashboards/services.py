"""Service overview: all services in one table, the worst of them in sight."""

from ..signals import Label, SpanMetric
from .context import DashboardContext
from .kit import DURATION_STEPS, ERROR_STEPS, service_map_panel
from .layout import Dashboard, dashboard, line, section
from .links import Link, cell, dashboard_url, label
from .queries import (
    ONCE,
    REQUESTS,
    error_ratio,
    quantile,
    rate,
    service_map,
    spans,
)
from .red import graphs, numbers
from .tables import Column, table_panel
from .traces import bar_links
from .uids import Uid
from .variables import filters

_KEPT = (Label.SERVICE, Label.NAMESPACE, Label.CLUSTER)


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    open_service = Link(
        title="Service ${__field.labels.service}",
        url=dashboard_url(Uid.SERVICE, values={"service": label(Label.SERVICE)}),
    )
    row = {"service": cell("Service")}
    columns = [
        Column(
            title="Rate",
            expr=rate(SpanMetric.CALLS, spans(REQUESTS), by=_KEPT, window=ONCE),
            unit="reqps",
        ),
        Column(
            title="Failed",
            expr=error_ratio(REQUESTS, by=_KEPT, window=ONCE),
            unit="percentunit",
            steps=ERROR_STEPS,
        ),
        *(
            Column(
                title=f"p{value * 100:g}",
                expr=quantile(value, REQUESTS, by=_KEPT, window=ONCE),
                unit="s",
                steps=DURATION_STEPS,
            )
            for value in (0.5, 0.95)
        ),
    ]
    services = table_panel(
        context,
        "Services",
        "Requests of each service over the time range. Click a service for its own dashboard, or "
        "for its traces.",
        {Label.SERVICE: "Service", Label.NAMESPACE: "Namespace", Label.CLUSTER: "Cluster"},
        columns,
        links={
            "Service": [
                Link(title="Service", url=dashboard_url(Uid.SERVICE, values=row)),
                Link(title="Traces", url=dashboard_url(Uid.TRACES, values=row)),
            ]
        },
        no_value="no requests in this time range",
    )
    graph = service_map_panel(
        context,
        "Service graph",
        "Who calls whom in the chosen namespaces. The red part of a ring is the share of failed "
        "requests.",
        service_map(),
    )
    return dashboard(
        Uid.SERVICES,
        "Service overview",
        "Which services there are, how much they do, which are slow or failing.",
        section("All chosen services together", numbers(context, REQUESTS)),
        section("Services", line(services, height=10)),
        section(
            "Rate, errors, duration",
            graphs(context, REQUESTS, by="service", links=(open_service,)),
        ),
        section("Service graph", line(graph, height=12)),
        variables=filters(context),
        links=bar_links(context),
    )
