"""Use cases that begin with single requests: where time goes, where errors come from."""

from ..signals import Label, ServiceGraphMetric, SpanKind, SpanMetric
from .context import DashboardContext
from .kit import ERROR_STEPS, promql, service_map_panel, timeseries_panel
from .layout import Section
from .links import Link, cell, dashboard_url
from .queries import (
    ONCE,
    REQUESTS,
    edge_error_ratio,
    edges,
    error_ratio,
    quantile,
    rate,
    ratio,
    service_map,
    spans,
    traceql,
)
from .scraped import graph
from .tables import Column, table_panel, traces_panel
from .uids import Uid
from .use_case import case

_BY_SERVICE = [Label.SERVICE]
_LEGEND = "{{service}}"
#: Calls to others.
_CALLS = f'{Label.SPAN_KIND}=~"{SpanKind.CLIENT}|{SpanKind.PRODUCER}"'
_SLOW = traceql("kind = server", "duration > 500ms")
_FAILING = traceql("kind = server", "status = error")
#: Failed spans with no failed span below them: where an error begins.
_ORIGIN = f"{{ status = error }} !<< {traceql('status = error')}"
_FAILED_CALLS = traceql("kind = client", "status = error")
#: Calls to others for each request, by service.
_FAN_OUT = ratio(
    rate(SpanMetric.CALLS, spans(_CALLS), by=_BY_SERVICE),
    rate(SpanMetric.CALLS, spans(REQUESTS), by=_BY_SERVICE),
)


def latency(context: DashboardContext) -> Section:
    """Return the row on debugging latency."""
    slowest = traces_panel(
        context,
        "Slow requests",
        "The newest requests above half a second, the slowest on top. Empty is good news.",
        _SLOW,
        sort_by="Duration",
    )
    return case(
        "Debugging latency",
        "Open the slowest trace and follow the longest bar down to where it has no child: "
        "that span took the time itself.",
        ("One service", Uid.SERVICE),
        slowest,
        timeseries_panel(
            context,
            "Duration (p95)",
            "95 of 100 requests are faster, by service. A dot is a single request: click it for "
            "its trace.",
            promql(context, quantile(0.95, REQUESTS, by=_BY_SERVICE), _LEGEND, exemplars=True),
            unit="s",
        ),
    )


def end_to_end(context: DashboardContext) -> Section:
    """Return the row on end-to-end visibility."""
    return case(
        "End-to-end visibility",
        "Each circle is a service and each arrow a call; a service that you miss here sends "
        "no spans, or its caller does not pass on the trace's context.",
        ("Tracing", Uid.TRACES),
        service_map_panel(
            context,
            "Who calls whom",
            "Calls between the chosen namespaces' services, with the failed share in red.",
            service_map(),
        ),
    )


def errors(context: DashboardContext) -> Section:
    """Return the row on errors and failures."""
    return case(
        "Errors and failures",
        "A line that jumps tells when it began; the traces tell which requests failed and "
        "what the failing span says.",
        ("Tracing", Uid.TRACES),
        graph(
            context,
            "Failed requests",
            "Share of each service's requests that failed. The lines are 1 % and 5 %.",
            {_LEGEND: error_ratio(REQUESTS, by=_BY_SERVICE)},
            "percentunit",
            steps=ERROR_STEPS,
        ),
        traces_panel(
            context,
            "Failing requests",
            "The newest requests that failed. Empty is good news.",
            _FAILING,
        ),
    )


def root_cause(context: DashboardContext) -> Section:
    """Return the row on root cause analysis."""
    pairs = (Label.CLIENT, Label.SERVER)
    edge = edges(Label.SERVER)
    service = Link(
        title="Service", url=dashboard_url(Uid.SERVICE, values={"service": cell("Answers")})
    )
    return case(
        "Root cause analysis",
        "These spans failed though nothing that they called did: the error began there, and "
        "everything above only passed it on.",
        ("One service", Uid.SERVICE),
        traces_panel(
            context,
            "Where errors begin",
            "The newest traces with a failed span that has no failed one below it. Empty is good "
            "news.",
            _ORIGIN,
        ),
        table_panel(
            context,
            "Calls that fail",
            "Share of failed calls from service to service. The last service of a red chain "
            "is the one to look at.",
            {Label.CLIENT: "Calls", Label.SERVER: "Answers"},
            [
                Column(
                    title="Failed",
                    expr=edge_error_ratio(edge, by=pairs),
                    unit="percentunit",
                    steps=ERROR_STEPS,
                ),
                Column(
                    title="Rate",
                    expr=rate(ServiceGraphMetric.REQUESTS, edge, by=pairs, window=ONCE),
                    unit="reqps",
                ),
            ],
            links={"Answers": [service]},
        ),
    )


def misconfigurations(context: DashboardContext) -> Section:
    """Return the row on exposing misconfigurations."""
    return case(
        "Exposing misconfigurations",
        "A service that suddenly calls more for each request has lost a cache or tries again; "
        "a call that fails at the caller alone went to a wrong name or port.",
        ("Service overview", Uid.SERVICES),
        graph(
            context,
            "Calls for each request",
            "Calls to other services and databases for each request, by service.",
            {_LEGEND: _FAN_OUT},
            "none",
        ),
        traces_panel(
            context,
            "Calls that failed",
            "The newest traces with a failed call to another service. Empty is good news.",
            _FAILED_CALLS,
        ),
    )
