"""Service: one service (or several) from rate and errors down to its operations and neighbours."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import DATABASE, VIRTUAL_NODE, Label, ServiceGraphMetric, SpanMetric
from ...telemetry.promql import (
    ONCE,
    REQUEST_SPANS,
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
from .. import units
from ..datasources import PROFILES_TAGS
from ..layout import Dashboard, PanelBuilder, dashboard, line, section
from ..links import Link, cell, dashboard_url, profiles_url
from ..panels import DURATION_STEPS, ERROR_STEPS, Legend, service_map_panel
from ..tables import Column, Order, table_panel, traces_panel
from ..uids import Uid
from ..variables import filters
from . import slo_overview
from .red import durations, graphs, numbers
from .traces import bar_links

#: Edges between two services that send spans. The others end at a name without a dashboard: a
#: database, or a caller or callee without traces, such as «user».
_TRACED = f'{Label.CONNECTION_TYPE}!~"{DATABASE}|{VIRTUAL_NODE}"'
_UNTRACED = f'{Label.CONNECTION_TYPE}=~"{DATABASE}|{VIRTUAL_NODE}"'


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    links = bar_links(context)
    if context.profiles_uid:
        selector = f'{{{PROFILES_TAGS["service.name"]}=~"${{service:pipe}}"}}'
        links.append(Link(title="Profiles in Explore", url=profiles_url(context, selector)))
    if context.slos:
        url = dashboard_url(slo_overview.UID, keep=["service"])
        links.append(Link(title="SLOs", url=url))
    failing = traces_panel(
        context,
        "Failing requests",
        "The newest traces in which a span of the service failed. Empty is good news.",
        traceql("status = error"),
    )
    slow = traces_panel(
        context,
        "Slow requests",
        "The newest traces in which the service itself took longer than half a second, the "
        "slowest trace on top. Empty is good news.",
        traceql(REQUEST_SPANS, "duration > 500ms"),
        sort_by="Duration",
    )
    return dashboard(
        Uid.SERVICE,
        "Service",
        "How a service does: requests, errors, durations, operations, who calls it and whom it "
        "calls. Choose it in the filter; several are shown together.",
        section(
            "How it does",
            numbers(context, REQUESTS),
            graphs(context, REQUESTS, legend=Legend.LIST),
        ),
        section("What it is asked for", line(_operations(context), height=10)),
        section("Durations", durations(context, REQUESTS)),
        section(
            "Neighbours",
            line(_inbound(context), _outbound(context)),
            line(_outside(context), _databases(context)),
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
            title="Requests",
            expr=rate(SpanMetric.CALLS, spans(REQUESTS), by=kept, window=ONCE),
            unit=units.REQUESTS,
        ),
        Column(
            title="Failed",
            expr=error_ratio(REQUESTS, by=kept, window=ONCE),
            unit=units.FAILED,
            steps=ERROR_STEPS,
        ),
        Column(
            title="p95",
            expr=quantile(0.95, REQUESTS, by=kept, window=ONCE),
            unit=units.SECONDS,
            steps=DURATION_STEPS,
        ),
    ]
    return table_panel(
        context,
        "Operations, most failures first",
        "What the service is asked for, by span name. Click an operation for its own dashboard.",
        {Label.SPAN_NAME: "Operation", Label.SERVICE: "Service"},
        columns,
        order=[Order(title="Failed"), Order(title="p95")],
        links={
            "Operation": [Link(title="Operation", url=dashboard_url(Uid.OPERATION, values=target))]
        },
        empty="no requests in this time range",
    )


def _inbound(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Services that call it",
        "How often each calls the service, and how long the service takes. Click one for its "
        "dashboard.",
        Label.CLIENT,
        edges(Label.SERVER, _TRACED),
        ServiceGraphMetric.SERVER_BUCKET,
        linked=True,
    )


def _outbound(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Services that it calls",
        "How often the service calls each, and how long it waits for the answer. Click one for "
        "its dashboard.",
        Label.SERVER,
        edges(Label.CLIENT, _TRACED),
        ServiceGraphMetric.CLIENT_BUCKET,
        linked=True,
    )


def _outside(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Callers without traces",
        "Requests whose caller sends no spans: «user» stands for browsers and everything else "
        "outside.",
        Label.CLIENT,
        edges(Label.SERVER, _UNTRACED),
        ServiceGraphMetric.SERVER_BUCKET,
    )


def _databases(context: DashboardContext) -> PanelBuilder:
    return _neighbours(
        context,
        "Databases and others without traces that it calls",
        "How often the service asks each, and how long it waits. A database appears if the "
        "service's spans have the attribute db.system.",
        Label.SERVER,
        edges(Label.CLIENT, _UNTRACED),
        ServiceGraphMetric.CLIENT_BUCKET,
    )


def _neighbours(
    context: DashboardContext,
    title: str,
    description: str,
    neighbour: Label,
    selector: str,
    buckets: ServiceGraphMetric,
    *,
    linked: bool = False,
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
                title="Requests",
                expr=rate(ServiceGraphMetric.REQUESTS, selector, by=by, window=ONCE),
                unit=units.REQUESTS,
            ),
            Column(
                title="Failed",
                expr=edge_error_ratio(selector, by=by),
                unit=units.FAILED,
                steps=ERROR_STEPS,
            ),
            Column(
                title="p95",
                expr=edge_quantile(0.95, buckets, selector, by=by),
                unit=units.SECONDS,
                steps=DURATION_STEPS,
            ),
        ],
        order=[Order(title="Failed"), Order(title="p95")],
        links={"Neighbour": [Link(title="Service", url=url)]} if linked else {},
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
