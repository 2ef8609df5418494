"""Use cases that begin with services: how much they take, how they keep up, who uses them."""

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import APDEX_SATISFIED, Label, SpanMetric, latency_bound
from ...telemetry.promql import (
    GRAPH,
    ONCE,
    RANKED,
    REQUESTS,
    SUCCEEDED,
    error_ratio,
    highest,
    quantile,
    rate,
    spans,
)
from .. import units
from ..links import Link, cell, dashboard_url
from ..panels import ERROR_STEPS, Legend
from ..tables import Column, Order, table_panel
from ..uids import Uid
from .scraped import graph
from .use_case import UseCase, case

_BY_SERVICE = [Label.SERVICE]
_LEGEND = "{{service}}"
_VERSIONS = [Label.SERVICE, Label.SERVICE_VERSION]
_OF_VERSION = "{{service}} {{service_version}}"


def capacity(context: DashboardContext) -> UseCase:
    """Return the use case of capacity planning."""
    # Requests in work at a time: what comes in per second times how long it takes.
    in_work, most_work = (
        rate(SpanMetric.LATENCY_SUM, spans(REQUESTS), by=_BY_SERVICE, window=w)
        for w in (GRAPH, RANKED)
    )
    calls, most_calls = (
        rate(SpanMetric.CALLS, spans(REQUESTS), by=_BY_SERVICE, window=w) for w in (GRAPH, RANKED)
    )
    return case(
        "Capacity planning",
        "How many requests does a service work on at a time?",
        "Where the line nears what the service's replicas can do at once, add some.",
        ("Capacity", Uid.CAPACITY),
        graph(
            context,
            "Requests in work at a time",
            "Requests per second times their mean duration, the ten highest services.",
            {_LEGEND: highest(in_work, most_work, by=_BY_SERVICE)},
            units.FACTOR,
            legend=Legend.TABLE,
        ),
        graph(
            context,
            "Requests per second",
            "How many requests each service gets, the ten highest.",
            {_LEGEND: highest(calls, most_calls, by=_BY_SERVICE)},
            units.REQUESTS,
            legend=Legend.TABLE,
        ),
    )


def tuning(context: DashboardContext) -> UseCase:
    """Return the use case of performance tuning: one release against the other."""
    p95, slowest = (quantile(0.95, REQUESTS, by=_VERSIONS, window=w) for w in (GRAPH, RANKED))
    failed, worst = (error_ratio(REQUESTS, by=_VERSIONS, window=w) for w in (GRAPH, RANKED))
    return case(
        "Performance tuning new features",
        "Is the new release faster than the old one?",
        "Each version of a service is a line: while both run, compare them; after a rollout, "
        "compare the new one with where the old one ended.",
        ("Operation", Uid.OPERATION),
        graph(
            context,
            "Duration by version, p95",
            "95 of 100 requests are faster, by service.version; the ten slowest.",
            {_OF_VERSION: highest(p95, slowest, by=_VERSIONS)},
            units.SECONDS,
            legend=Legend.TABLE,
        ),
        graph(
            context,
            "Failed requests by version",
            "Share of requests that failed, by service.version; the ten worst.",
            {_OF_VERSION: highest(failed, worst, by=_VERSIONS)},
            units.FAILED,
            steps=ERROR_STEPS,
            legend=Legend.TABLE,
        ),
    )


def promises(context: DashboardContext) -> UseCase:
    """Return the use case of validating SLAs."""

    def fast(window: str) -> str:
        within = f'{Label.LE}="{latency_bound(APDEX_SATISFIED)}"'
        quick = rate(
            SpanMetric.LATENCY_BUCKET,
            spans(REQUESTS, SUCCEEDED, within),
            by=_BY_SERVICE,
            window=window,
        )
        every = rate(SpanMetric.LATENCY_COUNT, spans(REQUESTS), by=_BY_SERVICE, window=window)
        return f"{quick} / ({every} > 0)"

    def kept(window: str) -> str:
        return f"1 - {error_ratio(REQUESTS, by=_BY_SERVICE, window=window)}"

    # The highest of what is not kept: the worst services.
    worst = f"1 - ({kept(RANKED)})"
    slowest = f"1 - ({fast(RANKED)})"
    return case(
        "Validating SLAs",
        "Was the promise kept?",
        "It is kept where the line stays above it. Set the time range to the one that the "
        "promise is about, not to an hour.",
        ("Service overview", Uid.SERVICES),
        graph(
            context,
            "Requests that succeed",
            "Share of requests that did not fail, the ten worst services.",
            {_LEGEND: highest(f"({kept(GRAPH)})", worst, by=_BY_SERVICE)},
            units.KEPT,
            near_one=True,
            legend=Legend.TABLE,
        ),
        graph(
            context,
            f"Requests that succeed within {APDEX_SATISFIED} s",
            "Share of requests that were answered in time, the ten worst services.",
            {_LEGEND: highest(f"({fast(GRAPH)})", slowest, by=_BY_SERVICE)},
            units.KEPT,
            near_one=True,
            legend=Legend.TABLE,
        ),
    )


def users(context: DashboardContext) -> UseCase:
    """Return the use case of understanding user behaviour."""
    kept = [Label.HTTP_ROUTE, Label.SERVICE]
    routes = spans(REQUESTS, f'{Label.HTTP_ROUTE}!=""')
    service = dashboard_url(Uid.SERVICE, values={"service": cell("Service")})
    return case(
        "Understanding user behaviour",
        "What do users do most?",
        "The routes on top are what users do; those that nobody asks for may go.",
        ("Service overview", Uid.SERVICES),
        table_panel(
            context,
            "Most used routes",
            "Requests by HTTP route, over the whole time range.",
            {Label.HTTP_ROUTE: "Route", Label.SERVICE: "Service"},
            [
                Column(
                    title="Requests",
                    expr=rate(SpanMetric.CALLS, routes, by=kept, window=ONCE),
                    unit=units.REQUESTS,
                ),
                Column(
                    title="Failed",
                    expr=error_ratio(REQUESTS, f'{Label.HTTP_ROUTE}!=""', by=kept, window=ONCE),
                    unit=units.FAILED,
                    steps=ERROR_STEPS,
                ),
                Column(
                    title="p95",
                    expr=quantile(0.95, REQUESTS, f'{Label.HTTP_ROUTE}!=""', by=kept, window=ONCE),
                    unit=units.SECONDS,
                ),
            ],
            order=[Order(title="Requests")],
            links={"Service": [Link(title="Service", url=service)]},
        ),
    )
