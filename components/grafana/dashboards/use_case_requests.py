"""Use cases that begin with single requests: where time goes, where errors come from."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import VIRTUAL_NODE, Label, ServiceGraphMetric, SpanKind, SpanMetric
from ...telemetry.promql import (
    GRAPH,
    ONCE,
    RANKED,
    REQUEST_SPANS,
    REQUESTS,
    edge_error_ratio,
    edges,
    error_ratio,
    highest,
    quantile,
    rate,
    ratio,
    service_map,
    spans,
    traceql,
)
from .. import units
from ..links import Link, cell, dashboard_url
from ..panels import ERROR_STEPS, Legend, promql, service_map_panel, timeseries_panel
from ..tables import Column, Order, table_panel, traces_panel
from ..uids import Uid
from .scraped import graph
from .traces import TITLE as TRACES_TITLE
from .use_case import UseCase, case

_BY_SERVICE = [Label.SERVICE]
_LEGEND = "{{service}}"
#: Calls to others.
_CALLS = f'{Label.SPAN_KIND}=~"{SpanKind.CLIENT}|{SpanKind.PRODUCER}"'
#: Failed spans with no failed span below them: where an error begins.
_ORIGIN = f"{{ status = error }} !<< {traceql('status = error')}"
_TRACES = (TRACES_TITLE, Uid.TRACES)


def latency(context: DashboardContext) -> UseCase:
    """Return the use case of debugging latency."""
    p95, ranked = (quantile(0.95, REQUESTS, by=_BY_SERVICE, window=w) for w in (GRAPH, RANKED))
    return case(
        "Debugging latency",
        "Which requests were slow, and where did the time go?",
        "Open the slowest trace and follow the longest bar down to where it has no child: "
        "that span took the time itself.",
        ("Service", Uid.SERVICE),
        timeseries_panel(
            context,
            "Duration of the ten slowest services, p95",
            "95 of 100 requests are faster. A dot is a single request: click it for its trace.",
            promql(context, highest(p95, ranked, by=_BY_SERVICE), _LEGEND, exemplars=True),
            unit=units.SECONDS,
            legend=Legend.TABLE,
        ),
        traces_panel(
            context,
            "Slow requests",
            "The newest requests above half a second, the slowest on top. Empty is good news.",
            traceql(REQUEST_SPANS, "duration > 500ms"),
            sort_by="Duration",
        ),
    )


def end_to_end(context: DashboardContext) -> UseCase:
    """Return the use case of end-to-end visibility."""
    return case(
        "End-to-end visibility",
        "Which services take part in a request?",
        "Each circle is a service and each arrow a call; a service that you miss here sends "
        "no spans, or its caller does not pass on the trace's context.",
        _TRACES,
        service_map_panel(
            context,
            "Who calls whom",
            "Calls between the chosen namespaces' services, with the failed share in red.",
            service_map(),
        ),
    )


def errors(context: DashboardContext) -> UseCase:
    """Return the use case of errors and failures."""
    failed, ranked = (error_ratio(REQUESTS, by=_BY_SERVICE, window=w) for w in (GRAPH, RANKED))
    return case(
        "Errors and failures",
        "Since when do requests fail, and which?",
        "A line that jumps tells when it began; the traces tell which requests failed and "
        "what the failing span says.",
        _TRACES,
        graph(
            context,
            "Failed requests of the ten worst services",
            "Share of each service's requests that failed. The lines are 1 % and 5 %.",
            {_LEGEND: highest(failed, ranked, by=_BY_SERVICE)},
            units.FAILED,
            steps=ERROR_STEPS,
            legend=Legend.TABLE,
        ),
        traces_panel(
            context,
            "Failing requests",
            "The newest requests that failed. Empty is good news.",
            traceql(REQUEST_SPANS, "status = error"),
        ),
    )


def root_cause(context: DashboardContext) -> UseCase:
    """Return the use case of root cause analysis."""
    pairs = (Label.CLIENT, Label.SERVER)
    # Callers without traces, such as «user», are no cause that could be looked at.
    edge = edges(Label.SERVER, f'{Label.CONNECTION_TYPE}!="{VIRTUAL_NODE}"')
    service = Link(
        title="Service",
        url=dashboard_url(Uid.SERVICE, keep=["cluster"], values={"service": cell("Caller")}),
    )
    return case(
        "Root cause analysis",
        "Where did an error begin?",
        "These spans failed though nothing that they called did: the error began there, and "
        "everything above only passed it on.",
        ("Service", Uid.SERVICE),
        table_panel(
            context,
            "Calls that fail",
            "Share of failed calls from service to service. The last service of a red chain "
            "is the one to look at. Click a caller for its dashboard.",
            {Label.CLIENT: "Caller", Label.SERVER: "Called"},
            [
                Column(
                    title="Requests",
                    expr=rate(ServiceGraphMetric.REQUESTS, edge, by=pairs, window=ONCE),
                    unit=units.REQUESTS,
                ),
                Column(
                    title="Failed",
                    expr=edge_error_ratio(edge, by=pairs),
                    unit=units.FAILED,
                    steps=ERROR_STEPS,
                ),
            ],
            order=[Order(title="Failed"), Order(title="Requests")],
            links={"Caller": [service]},
        ),
        traces_panel(
            context,
            "Where errors begin",
            "The newest traces with a failed span that has no failed one below it. Empty is good "
            "news.",
            _ORIGIN,
        ),
    )


def misconfigurations(context: DashboardContext) -> UseCase:
    """Return the use case of exposing misconfigurations."""
    fan_out, ranked = (
        ratio(
            rate(SpanMetric.CALLS, spans(_CALLS), by=_BY_SERVICE, window=window),
            rate(SpanMetric.CALLS, spans(REQUESTS), by=_BY_SERVICE, window=window),
        )
        for window in (GRAPH, RANKED)
    )
    return case(
        "Exposing misconfigurations",
        "Which service calls too much, or calls in vain?",
        "A service that suddenly calls more for each request has lost a cache or tries again; "
        "a call that fails at the caller alone went to a wrong name or port.",
        ("Service overview", Uid.SERVICES),
        graph(
            context,
            "Calls for each request",
            "Calls to other services and databases for each request, the ten highest services.",
            {_LEGEND: highest(fan_out, ranked, by=_BY_SERVICE)},
            units.FACTOR,
            legend=Legend.TABLE,
        ),
        traces_panel(
            context,
            "Calls in vain",
            "The newest traces with a failed call to another service. Empty is good news.",
            traceql("(kind = client || kind = producer)", "status = error"),
        ),
    )
