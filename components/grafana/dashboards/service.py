"""Service: one service, from rate and errors down to its operations and neighbours."""

from ...telemetry.metrics import DATABASE, VIRTUAL_NODE, Label, ServiceGraphMetric
from ...telemetry.promql import (
    ANSWERED,
    REQUEST_SPANS,
    Requests,
    edges,
    service_map,
    spans,
    traceql,
)
from ..datasources import PROFILES_TAGS
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import Link, Uid, cell, dashboard_url, profiles_url
from ..panels import Legend, Panels, request_columns
from ..variables import filters
from .requests import bar_links, durations, graphs, numbers, shortest_call

#: Edges between two services that send spans. The others end at a name without a dashboard: a
#: database, or a caller or callee without traces, such as «user».
_TRACED = f'{Label.CONNECTION_TYPE}!~"{DATABASE}|{VIRTUAL_NODE}"'
_UNTRACED = f'{Label.CONNECTION_TYPE}=~"{DATABASE}|{VIRTUAL_NODE}"'


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    links = bar_links(show)
    requests = spans(ANSWERED, native=show.stack.native)
    if show.stack.profiles_uid:
        selector = f'{{{PROFILES_TAGS["service.name"]}=~"${{service:pipe}}"}}'
        links.append(Link("Profiles in Explore", profiles_url(show.stack, selector)))
    if show.stack.slos:
        links.append(Link("SLOs", dashboard_url(Uid.SLOS, keep=["service"])))
    around = show.service_map(
        "Around the service",
        "Who calls the service and whom it calls. The red part of a ring is the share of failed "
        "requests.",
        service_map(Label.CLIENT),
        service_map(Label.SERVER),
    )
    slow = show.traces(
        "Slow requests",
        "The newest traces in which the service itself took longer than half a second, slowest "
        "first. Empty is good.",
        traceql(REQUEST_SPANS, "duration > 500ms"),
        sort_by="Duration",
    )
    failing = show.traces(
        "Failing requests",
        "The newest traces in which a span of the service failed. Empty is good.",
        traceql("status = error"),
    )
    return dashboard(
        Uid.SERVICE,
        "One service: requests, errors, durations, operations, its callers and the services that "
        "it calls. Choose it in the filter; several are shown together.",
        Section("Overview", numbers(show, requests), graphs(show, requests, legend=Legend.LIST)),
        Section("Operations", Line(_operations(show, requests))),
        Section("Durations", durations(show, requests)),
        Section("Neighbours", *_neighbours(show), Line(around, height=12)),
        Section("Traces", Line(slow, failing)),
        variables=filters(show.stack, every_service=False),
        links=links,
    )


def _operations(show: Panels, requests: Requests) -> PanelBuilder:
    kept: dict[str, str] = {Label.SPAN_NAME: "Operation", Label.SERVICE: "Service"}
    target = {"service": cell("Service"), "operation": cell("Operation")}
    return show.table(
        "Operations, most failures first",
        "Requests by span name. Click an operation for its own dashboard.",
        kept,
        request_columns(requests, tuple(kept)),
        order=("Failed", "p95"),
        links={"Operation": [Link("Operation", dashboard_url(Uid.OPERATION, values=target))]},
        empty="no requests in this time range",
    )


def _neighbours(show: Panels) -> list[Line]:
    server, client = ServiceGraphMetric.SERVER_BUCKET, ServiceGraphMetric.CLIENT_BUCKET
    coarse = shortest_call(show)

    def table(
        title: str, description: str, neighbour: Label, side: Label, kind: str, buckets: str
    ) -> PanelBuilder:
        # Only the cluster goes along: the neighbour may be in another namespace.
        url = dashboard_url(Uid.SERVICE, keep=["cluster"], values={"service": cell("Neighbour")})
        return show.table(
            title,
            description,
            {neighbour: "Neighbour"},
            request_columns(
                edges(side, kind, native=show.stack.native, buckets=buckets), [neighbour]
            ),
            order=("Failed", "p95"),
            links={"Neighbour": [Link("Service", url)]} if kind == _TRACED else {},
        )

    return [
        Line(
            table(
                "Services that call it",
                f"How often each calls the service, and how long the service takes. {coarse} Click "
                "one for its dashboard.",
                Label.CLIENT,
                Label.SERVER,
                _TRACED,
                server,
            ),
            table(
                "Services that it calls",
                "How often the service calls each, and how long it waits for the answer. "
                f"{coarse} Click one for its dashboard.",
                Label.SERVER,
                Label.CLIENT,
                _TRACED,
                client,
            ),
        ),
        Line(
            table(
                "Callers without traces",
                "Requests from callers that send no spans. «user» stands for browsers and "
                f"everything else outside. {coarse}",
                Label.CLIENT,
                Label.SERVER,
                _UNTRACED,
                server,
            ),
            table(
                "Databases and others without traces that it calls",
                f"How often the service queries each, and how long it waits. {coarse} A database "
                "appears if the service's spans have the attribute db.system.",
                Label.SERVER,
                Label.CLIENT,
                _UNTRACED,
                client,
            ),
        ),
    ]
