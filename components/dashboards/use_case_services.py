"""Use cases that begin with services: how much they take, how they keep up, who uses them."""

from ..signals import APDEX_SATISFIED, Label, SpanMetric, latency_bound
from .context import DashboardContext
from .kit import ERROR_STEPS
from .layout import Section
from .queries import ONCE, REQUESTS, error_ratio, quantile, rate, spans
from .scraped import graph
from .tables import Column, table_panel
from .uids import Uid
from .use_case import case

_BY_SERVICE = [Label.SERVICE]
_LEGEND = "{{service}}"
_VERSIONS = [Label.SERVICE, Label.SERVICE_VERSION]
_OF_VERSION = "{{service}} {{service_version}}"
#: Requests within what Apdex calls satisfied, as a share of all.
_FAST = (
    rate(
        SpanMetric.LATENCY_BUCKET,
        spans(REQUESTS, f'{Label.LE}="{latency_bound(APDEX_SATISFIED)}"'),
        by=_BY_SERVICE,
    )
    + " / ("
    + rate(SpanMetric.LATENCY_COUNT, spans(REQUESTS), by=_BY_SERVICE)
    + " > 0)"
)
#: Requests in work at a time: what comes in per second times how long it takes.
_IN_WORK = rate(SpanMetric.LATENCY_SUM, spans(REQUESTS), by=_BY_SERVICE)


def capacity(context: DashboardContext) -> Section:
    """Return the row on capacity planning."""
    return case(
        "Capacity planning",
        "A service works on this many requests at a time; where the line nears what its "
        "replicas can do at once, add some.",
        ("Capacity", Uid.CAPACITY),
        graph(
            context,
            "Requests in work",
            "Requests per second times their mean duration, by service.",
            {_LEGEND: _IN_WORK},
            "none",
        ),
        graph(
            context,
            "Requests per second",
            "How many requests each service gets.",
            {_LEGEND: rate(SpanMetric.CALLS, spans(REQUESTS), by=_BY_SERVICE)},
            "reqps",
        ),
    )


def tuning(context: DashboardContext) -> Section:
    """Return the row on performance tuning of new features: one release against the other."""
    return case(
        "Performance tuning new features",
        "Each version of a service is a line: while both run, compare them; after a rollout, "
        "compare the new one with where the old one ended.",
        ("One operation", Uid.OPERATION),
        graph(
            context,
            "Duration by version (p95)",
            "95 of 100 requests are faster, by service.version.",
            {_OF_VERSION: quantile(0.95, REQUESTS, by=_VERSIONS)},
            "s",
        ),
        graph(
            context,
            "Failed requests by version",
            "Share of requests that failed, by service.version.",
            {_OF_VERSION: error_ratio(REQUESTS, by=_VERSIONS)},
            "percentunit",
            steps=ERROR_STEPS,
        ),
    )


def promises(context: DashboardContext) -> Section:
    """Return the row on validating SLAs."""
    return case(
        "Validating SLAs",
        "What was promised is kept where the line stays above it; over the time range that the "
        "promise is about, not over an hour.",
        ("Service overview", Uid.SERVICES),
        graph(
            context,
            "Requests that succeed",
            "Share of requests that did not fail, by service.",
            {_LEGEND: f"1 - {error_ratio(REQUESTS, by=_BY_SERVICE)}"},
            "percentunit",
        ),
        graph(
            context,
            f"Requests within {APDEX_SATISFIED} s",
            "Share of requests that were answered in time, by service.",
            {_LEGEND: _FAST},
            "percentunit",
        ),
    )


def users(context: DashboardContext) -> Section:
    """Return the row on understanding user behaviour."""
    return case(
        "Understanding user behaviour",
        "The routes on top are what users do; those that nobody asks for may go.",
        ("Service overview", Uid.SERVICES),
        table_panel(
            context,
            "Most used routes",
            "Requests per second by HTTP route, over the whole time range.",
            {Label.HTTP_ROUTE: "Route", Label.SERVICE: "Service"},
            [
                Column(
                    title="Rate",
                    expr=rate(
                        SpanMetric.CALLS,
                        spans(REQUESTS, f'{Label.HTTP_ROUTE}!=""'),
                        by=[Label.HTTP_ROUTE, Label.SERVICE],
                        window=ONCE,
                    ),
                    unit="reqps",
                )
            ],
        ),
    )
