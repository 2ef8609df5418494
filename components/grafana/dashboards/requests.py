"""Rate, errors and duration of requests: lines of panels that several dashboards have."""

from collections.abc import Callable

from ...telemetry.metrics import (
    APDEX_SATISFIED,
    APDEX_TOLERATING,
    KeptMetric,
    Label,
    SpanMetric,
    latency_bound,
)
from ...telemetry.promql import CHOSEN, ONCE, Requests, highest, logql, rate, select, traceql
from ..layout import Line
from ..links import Link, Uid, dashboard_url, label, logs_url, traces_url
from ..panels import APDEX_STEPS, DURATION_STEPS, ERROR_STEPS, NEUTRAL, Legend, Panels, Steps
from ..units import FACTOR, FAILED, REQUESTS, SECONDS, Unit

#: Legend of series by service, and a link from a series to its dashboard.
BY_SERVICE = f"{{{{{Label.SERVICE}}}}}"
SERVICE_LINK = Link(
    f"Service ${{__field.labels.{Label.SERVICE}}}",
    dashboard_url(Uid.SERVICE, values={"service": label(Label.SERVICE)}),
)
_SCOPE = "Requests are spans of kind server or consumer; calls to others do not count."
_APDEX = (
    f"Requests within {APDEX_SATISFIED} s count fully, those within {APDEX_TOLERATING} s half, "
    "failed ones not at all. 1 is best. Below 0.85 users notice, below 0.7 they suffer."
)


def _longest(show: Panels) -> str:
    if show.stack.native:
        return "It is exact to a tenth."
    bound = latency_bound(show.stack.longest_bucket)
    return f"Durations above {bound} s show as {bound} s."


def shortest_call(show: Panels) -> str:
    """Return how exact durations of the service graph are, which has buckets of its own."""
    # The stack keeps Tempo's default: from 0.1 s on, each twice the one before.
    return "It is exact to a tenth." if show.stack.native else "p95 is exact from 0.1 s on only."


def bytes_per_span(show: Panels) -> str:
    """Return the query of the average size of a span, with the filters of a dashboard."""
    # Behind samplers, Tempo counts the bytes of what it stores.
    calls = KeptMetric.CALLS if show.stack.decides else SpanMetric.CALLS
    size, stored = (rate(select(m, *CHOSEN), window=ONCE) for m in (SpanMetric.SIZE, calls))
    return f"{size} / ({stored} > 0)"


def bar_links(show: Panels) -> list[Link]:
    """Return links into Explore with the filters of a dashboard, for its bar."""
    links = [Link("Traces in Explore", traces_url(show.stack, traceql(escaped=False)))]
    if show.stack.logs_uid:
        links.append(Link("Logs in Explore", logs_url(show.stack, logql(*show.stack.logs_filter))))
    return links


def numbers(show: Panels, requests: Requests) -> Line:
    """Return single values over the whole time range."""
    return Line(
        show.stat(
            "Requests", f"Requests per second. {_SCOPE}", requests.per_second(window=ONCE), REQUESTS
        ),
        show.stat(
            "Failed requests",
            "Share of requests whose span has the status error. 1 % is orange, 5 % is red.",
            requests.failed_share(window=ONCE),
            FAILED,
            ERROR_STEPS,
        ),
        show.stat(
            "Duration, p95",
            f"95 of 100 requests are faster. {_longest(show)}",
            requests.quantile(0.95, window=ONCE),
            SECONDS,
            DURATION_STEPS,
        ),
        show.stat("Apdex", _APDEX, requests.apdex(ONCE), FACTOR, APDEX_STEPS),
        height=4,
    )


def graphs(
    show: Panels,
    requests: Requests,
    *,
    legend: Legend = Legend.HIDDEN,
    height: int = 8,
    links: tuple[Link, ...] = (),
) -> Line:
    """Return rate, share of errors and p95 over time: the ten highest services of each."""
    by = [Label.SERVICE]
    measures: list[tuple[str, str, Callable[[str], str], Unit, Steps]] = [
        (
            "Requests over time",
            f"Requests per second, the ten highest. {_SCOPE}",
            lambda window: requests.per_second(by, window),
            REQUESTS,
            NEUTRAL,
        ),
        (
            "Failed requests over time",
            "Share of requests that failed, the ten highest. The lines are 1 % and 5 %.",
            lambda window: requests.failed_share(by, window),
            FAILED,
            ERROR_STEPS,
        ),
        (
            "Duration over time, p95",
            "95 of 100 requests are faster, the ten slowest. A dot is a single request: click it "
            f"for its trace. {_longest(show)}",
            lambda window: requests.quantile(0.95, by, window),
            SECONDS,
            NEUTRAL,
        ),
    ]
    return Line(
        *(
            show.graph(
                title,
                description,
                {BY_SERVICE: highest(expr, by=by)},
                unit,
                steps,
                # Services are told apart by colour, but the failures of one are red.
                colour="red" if unit is FAILED and legend is Legend.LIST else "",
                legend=legend,
                links=links,
                exemplars=BY_SERVICE if unit is SECONDS else "",
            )
            for title, description, expr, unit, steps in measures
        ),
        height=height,
    )


def durations(show: Panels, requests: Requests) -> Line:
    """Return the distribution of durations, their quantiles, and Apdex over time."""
    quantiles = {f"p{value * 100:g}": requests.quantile(value) for value in (0.5, 0.95, 0.99)}
    return Line(
        show.heatmap(
            "Distribution of durations",
            "Requests per second by duration. The more a cell stands out from the background, the "
            "more requests it holds. Two bands are two kinds of request.",
            requests.durations(),
            SECONDS,
        ),
        show.graph(
            "Median, p95, p99 and mean",
            "50, 95 and 99 of 100 requests are faster, and the mean. A dot is a single request: "
            f"click it for its trace. {_longest(show)}",
            {**quantiles, "mean": requests.mean()},
            SECONDS,
            exemplars="p95",
        ),
        show.graph("Apdex over time", _APDEX, {"Apdex": requests.apdex()}, FACTOR, APDEX_STEPS).max(
            1
        ),
    )
