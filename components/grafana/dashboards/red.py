"""Rate, errors and duration of requests, as lines of panels that several dashboards have."""

from collections.abc import Callable, Sequence

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import (
    APDEX_SATISFIED,
    APDEX_TOLERATING,
    LATENCY_BUCKETS,
    Label,
    SpanMetric,
)
from ...telemetry.promql import (
    GRAPH,
    ONCE,
    RANKED,
    apdex,
    error_ratio,
    highest,
    mean,
    quantile,
    rate,
    spans,
)
from ..layout import Line, PanelBuilder, line
from ..links import Link
from ..panels import (
    APDEX_STEPS,
    DURATION_STEPS,
    ERROR_STEPS,
    NEUTRAL,
    Legend,
    Steps,
    heatmap_panel,
    instant,
    promql,
    stat_panel,
    timeseries_panel,
)
from ..units import FACTOR, FAILED, REQUESTS, SECONDS, Unit

#: The quantile whose graph has exemplars.
_EXAMPLE = 0.95
_SCOPE = "Requests are spans of kind server or consumer; calls to others do not count."
_LONGEST = f"Durations above {LATENCY_BUCKETS[-1]:g} s show as {LATENCY_BUCKETS[-1]:g} s."
_APDEX = (
    f"Requests within {APDEX_SATISFIED} s count whole, those within {APDEX_TOLERATING} s by half, "
    "failed ones not at all. 1 is best; below 0.85 users start to notice, below 0.7 they suffer."
)


def stat(
    context: DashboardContext,
    title: str,
    description: str,
    expr: str,
    unit: Unit,
    steps: Steps = NEUTRAL,
    links: Sequence[Link] = (),
) -> PanelBuilder:
    """Return the single value of a PromQL expression."""
    query = instant(context, expr)
    return stat_panel(context, title, description, query, unit=unit, steps=steps, links=links)


def numbers(context: DashboardContext, *matchers: str) -> Line:
    """Return single values over the whole time range.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
    """
    calls = rate(SpanMetric.CALLS, spans(*matchers), window=ONCE)
    return line(
        stat(context, "Requests", f"Requests per second. {_SCOPE}", calls, REQUESTS),
        stat(
            context,
            "Failed requests",
            "Share of requests whose span has the status error; 1 % is orange, 5 % is red.",
            error_ratio(*matchers, window=ONCE),
            FAILED,
            ERROR_STEPS,
        ),
        stat(
            context,
            "Duration, p95",
            f"95 of 100 requests are faster. {_LONGEST}",
            quantile(0.95, *matchers, window=ONCE),
            SECONDS,
            DURATION_STEPS,
        ),
        stat(context, "Apdex", _APDEX, apdex(*matchers, window=ONCE), FACTOR, APDEX_STEPS),
        height=4,
    )


def graphs(
    context: DashboardContext,
    *matchers: str,
    by: str = Label.SERVICE,
    legend: Legend = Legend.HIDDEN,
    links: tuple[Link, ...] = (),
) -> Line:
    """Return rate, share of errors and p95 over time: the ten highest series of each.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
        by: the label that tells the series apart.
        legend: where the series are named; nowhere next to a table that names them.
        links: where a click on a series leads.
    """
    measures: list[tuple[str, str, Callable[[str], str], Unit, Steps]] = [
        (
            "Requests over time",
            f"Requests per second, the ten highest. {_SCOPE}",
            lambda window: rate(SpanMetric.CALLS, spans(*matchers), by=[by], window=window),
            REQUESTS,
            NEUTRAL,
        ),
        (
            "Failed requests over time",
            "Share of requests that failed, the ten highest. The lines are 1 % and 5 %.",
            lambda window: error_ratio(*matchers, by=[by], window=window),
            FAILED,
            ERROR_STEPS,
        ),
        (
            "Duration over time, p95",
            "95 of 100 requests are faster, the ten slowest. A dot is a single request: click it "
            f"for its trace. {_LONGEST}",
            lambda window: quantile(0.95, *matchers, by=[by], window=window),
            SECONDS,
            NEUTRAL,
        ),
    ]
    return line(
        *(
            timeseries_panel(
                context,
                title,
                description,
                promql(
                    context,
                    highest(expr(GRAPH), expr(RANKED), by=[by]),
                    f"{{{{{by}}}}}",
                    exemplars=unit is SECONDS,
                ),
                unit=unit,
                steps=steps,
                legend=legend,
                links=links,
            )
            for title, description, expr, unit, steps in measures
        )
    )


def durations(context: DashboardContext, *matchers: str) -> Line:
    """Return how durations spread, their quantiles, and Apdex over time.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
    """
    buckets = rate(SpanMetric.LATENCY_BUCKET, spans(*matchers), by=["le"])
    quantiles = [
        promql(
            context, quantile(value, *matchers), f"p{value * 100:g}", exemplars=value == _EXAMPLE
        )
        for value in (0.5, _EXAMPLE, 0.99)
    ]
    return line(
        heatmap_panel(
            context,
            "Spread of durations",
            "Requests per second by how long they took. The more a cell stands out from the "
            "background, the more requests it holds. Two bands are two kinds of request.",
            buckets,
            unit=SECONDS,
        ),
        timeseries_panel(
            context,
            "Half, most and nearly all requests",
            "50, 95 and 99 of 100 requests are faster, and the mean. A dot is a single request: "
            f"click it for its trace. {_LONGEST}",
            *quantiles,
            promql(context, mean(*matchers), "mean"),
            unit=SECONDS,
        ),
        timeseries_panel(
            context,
            "Apdex over time",
            _APDEX,
            promql(context, apdex(*matchers), "Apdex"),
            unit=FACTOR,
            steps=APDEX_STEPS,
        ).max(1),
    )
