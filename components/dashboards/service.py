"""Service: one service (or several) from rate and errors down to its operations and neighbours."""

from ..grafana.datasources import PROFILES_TAGS
from ..signals import DATABASE, Label, ServiceGraphMetric, SpanMetric
from .context import DashboardContext
from .kit import DURATION_STEPS, ERROR_STEPS, service_map_panel
from .layout import Dashboard, PanelBuilder, dashboard, line, section
from .links import Link, cell, dashboard_url, profiles_url
from .queries import (
    ONCE,
    REQUESTS,
    edge_error_ratio,
    edge_quantile,
    edges,
    error_ratio,
    quantile,
    rate,
    service_map,
    spans,
    traceql,
)
from .red import durations, graphs, numbers
from .tables import Column, table_panel, traces_panel
from .traces import bar_links
from .uids import Uid
from .variables import filters

_DATABASE = f'{Label.CONNECTION_TYPE}="{DATABASE}"'
_NO_DATABASE = f'{Label.CONNECTION_TYPE}!="{DATABASE}"'


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    links = bar_links(context)
    if context.profiles_uid:
        selector = f'{{{PROFILES_TAGS["service.name"]}=~"${{service:pipe}}"}}'
        links.append(Link(title="Profiles in Explore", url=profiles_url(context, selector)))
    failing = traces_panel(
        context,
        "Failing traces",
        "The newest traces in which a span of the service failed. Empty is good news.",
        traceql("status = error"),
    )
    slow = traces_panel(
        context,
        "Slow requests",
        "The newest traces in which the service itself took longer than half a second, the "
        "slowest trace on top. Empty is good news.",
        traceql("kind = server", "duration > 500ms"),
        sort_by="Duration",
    )
    return dashboard(
        Uid.SERVICE,
        "Service",
        "How a service does: requests, errors, durations, operations, who calls it and whom it "
        "calls.",
        section("Requests", numbers(context, REQUESTS), graphs(context, REQUESTS, by="service")),
        section("Durations", durations(context, REQUESTS)),
        section("Operations", line(_operations(context), height=10)),
        section(
            "Neighbours",
            line(_inbound(context), _outbound(context), _databases(context)),
            line(_map(context), height=12),
        ),
        section("Traces", line(slow, failing)),
        variables=filters(context),
        links=links,
    )


def _operations(context: DashboardContext) -> PanelBuilder:
    kept = (Label.SPAN_NAME, Label.SERVICE)
    target = {"service": cell("Service"), "operation": cell("Operation")}
    columns = [
        Column(
            title="Rate",
            expr=rate(SpanMetric.CALLS, spans(REQUESTS), by=kept, window=ONCE),
            unit="reqps",
        ),
        Column(
            title="Failed",
            expr=error_ratio(REQUESTS, by=kept, window=ONCE),
            unit="percentunit",
            steps=ERROR_STEPS,
        ),
        Column(
            title="p95",
            expr=quantile(0.95, REQUESTS, by=kept, window=ONCE),
            unit="s",
            steps=DURATION_STEPS,
        ),
    ]
    return table_panel(
        context,
        "Operations",
        "What the service is asked for, by span name. Click an operation for its own dashboard.",
        {Label.SPAN_NAME: "Operation", Label.SERVICE: "Service"},
        columns,
        links={
            "Operation": [Link(title="Operation", url=dashboard_url(Uid.OPERATION, values=target))]
        },
        no_value="no requests in this time range",
    )


def _inbound(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Inbound",
        "Who calls the service, and how long the service takes. «user» is a caller without traces.",
        Label.CLIENT,
        edges(Label.SERVER),
        ServiceGraphMetric.SERVER_BUCKET,
    )


def _outbound(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Outbound",
        "Whom the service calls, and how long it waits for the answer.",
        Label.SERVER,
        edges(Label.CLIENT, _NO_DATABASE),
        ServiceGraphMetric.CLIENT_BUCKET,
    )


def _databases(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Databases",
        "Which databases the service asks, and how long it waits. Empty if it asks none, or if "
        "its spans lack the attribute db.system.",
        Label.SERVER,
        edges(Label.CLIENT, _DATABASE),
        ServiceGraphMetric.CLIENT_BUCKET,
        linked=False,
    )


def _neighbours(
    context: DashboardContext,
    title: str,
    description: str,
    neighbour: Label,
    selector: str,
    buckets: ServiceGraphMetric,
    *,
    linked: bool = True,
) -> PanelBuilder:
    by = [neighbour]
    target = {"service": cell("Neighbour")}
    # Only the cluster goes along: the neighbour may be in another namespace.
    url = dashboard_url(Uid.SERVICE, keep=["cluster"], values=target)
    return table_panel(
        context,
        title,
        description,
        {neighbour: "Neighbour"},
        [
            Column(
                title="Rate",
                expr=rate(ServiceGraphMetric.REQUESTS, selector, by=by, window=ONCE),
                unit="reqps",
            ),
            Column(
                title="Failed",
                expr=edge_error_ratio(selector, by=by),
                unit="percentunit",
                steps=ERROR_STEPS,
            ),
            Column(
                title="p95",
                expr=edge_quantile(0.95, buckets, selector, by=by),
                unit="s",
                steps=DURATION_STEPS,
            ),
        ],
        links={"Neighbour": [Link(title="Service", url=url)]} if linked else {},
        no_value="none in this time range",
    )


def _map(context: DashboardContext) -> PanelBuilder:
    return service_map_panel(
        context,
        "Around the service",
        "Who calls the service and whom it calls. The red part of a ring is the share of failed "
        "requests.",
        service_map(Label.CLIENT),
        service_map(Label.SERVER),
    )
