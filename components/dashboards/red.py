"""Rate, errors and duration of requests, as lines of panels that several dashboards have."""

from ..signals import APDEX_SATISFIED, APDEX_TOLERATING, LATENCY_BUCKETS, SpanMetric
from .context import DashboardContext
from .kit import (
    APDEX_STEPS,
    DURATION_STEPS,
    ERROR_STEPS,
    NEUTRAL,
    Steps,
    heatmap_panel,
    instant,
    promql,
    stat_panel,
    timeseries_panel,
)
from .layout import Line, PanelBuilder, line
from .links import Link
from .queries import (
    ONCE,
    apdex,
    error_ratio,
    mean,
    quantile,
    rate,
    spans,
)

_SCOPE = "Requests are spans of kind server or consumer; calls to others do not count."
_LONGEST = f"Durations above {LATENCY_BUCKETS[-1]:g} s show as {LATENCY_BUCKETS[-1]:g} s."
_APDEX = (
    f"Requests within {APDEX_SATISFIED} s count whole, those within {APDEX_TOLERATING} s by half. "
    "1 is best; below 0.85 users start to notice, below 0.7 they suffer."
)


def stat(
    context: DashboardContext,
    title: str,
    description: str,
    expr: str,
    unit: str,
    steps: Steps = NEUTRAL,
) -> PanelBuilder:
    """Return the single value of a PromQL expression."""
    return stat_panel(context, title, description, instant(context, expr), unit=unit, steps=steps)


def numbers(context: DashboardContext, *matchers: str) -> Line:
    """Return single values over the whole time range.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
    """
    calls = rate(SpanMetric.CALLS, spans(*matchers), window=ONCE)
    return line(
        stat(context, "Request rate", f"Requests per second. {_SCOPE}", calls, "reqps"),
        stat(
            context,
            "Failed requests",
            "Share of requests whose span has the status error; 5 % is red.",
            error_ratio(*matchers, window=ONCE),
            "percentunit",
            ERROR_STEPS,
        ),
        stat(
            context,
            "p95 duration",
            f"95 of 100 requests are faster. {_LONGEST}",
            quantile(0.95, *matchers, window=ONCE),
            "s",
            DURATION_STEPS,
        ),
        stat(context, "Apdex", _APDEX, apdex(*matchers, window=ONCE), "none", APDEX_STEPS),
        height=4,
    )


def graphs(
    context: DashboardContext, *matchers: str, by: str, links: tuple[Link, ...] = ()
) -> Line:
    """Return rate, share of errors and p95 over time, a series for each value of a label.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
        by: the label.
        links: where a click on a series leads.
    """
    legend = f"{{{{{by}}}}}"
    rates = rate(SpanMetric.CALLS, spans(*matchers), by=[by])
    return line(
        timeseries_panel(
            context,
            "Rate",
            f"Requests per second. {_SCOPE}",
            promql(context, rates, legend),
            unit="reqps",
            links=links,
        ),
        timeseries_panel(
            context,
            "Errors",
            "Share of requests that failed. The lines are 1 % and 5 %.",
            promql(context, error_ratio(*matchers, by=[by]), legend),
            unit="percentunit",
            steps=ERROR_STEPS,
            links=links,
        ),
        timeseries_panel(
            context,
            "Duration (p95)",
            f"95 of 100 requests are faster. A dot is a single request: click it for its trace. "
            f"{_LONGEST}",
            promql(context, quantile(0.95, *matchers, by=[by]), legend, exemplars=True),
            unit="s",
            links=links,
        ),
    )


def durations(context: DashboardContext, *matchers: str) -> Line:
    """Return how durations spread, their quantiles, and Apdex over time.

    Args:
        context: the stack.
        matchers: PromQL matchers of the requests, besides the filters.
    """
    buckets = rate(SpanMetric.LATENCY_BUCKET, spans(*matchers), by=["le"])
    quantiles = [
        promql(context, quantile(value, *matchers), f"p{value * 100:g}")
        for value in (0.5, 0.95, 0.99)
    ]
    return line(
        heatmap_panel(
            context,
            "Duration distribution",
            "Requests per second by how long they took; dark is many. Two bands are two kinds of "
            "request. A dot is a single request: click it for its trace.",
            buckets,
            unit="s",
        ),
        timeseries_panel(
            context,
            "Quantiles",
            f"Half, 95 and 99 of 100 requests are faster, and the mean. {_LONGEST}",
            *quantiles,
            promql(context, mean(*matchers), "mean"),
            unit="s",
        ),
        timeseries_panel(
            context,
            "Apdex over time",
            _APDEX,
            promql(context, apdex(*matchers), "Apdex"),
            unit="none",
            steps=APDEX_STEPS,
        ),
    )
