"""PromQL on what the stack's own programs say of themselves, and graphs of it."""

from collections.abc import Mapping, Sequence

from ...alerting.context import AlertContext, series_matchers
from ...telemetry.context import DashboardContext
from ...telemetry.promql import GRAPH, within
from ..layout import PanelBuilder
from ..links import Link
from ..panels import GOOD, NEUTRAL, Legend, Steps, promql, timeseries_panel
from ..units import Unit

#: Labels by which the replicas of an operator's Prometheus are told apart.
_REPLICA = ("prometheus", "prometheus_replica")

#: A share of what should not be at all, from 0 to 1: any is worth a look, a hundredth is bad.
LOSS_STEPS: Steps = {None: GOOD, 0.0001: "orange", 0.01: "red"}
#: How full something is, from 0 to 1.
FULL_STEPS: Steps = {None: GOOD, 0.7: "orange", 0.9: "red"}


def programs(context: DashboardContext) -> AlertContext:
    """Return how the stack's own programs are selected: as its alerts select them."""
    return AlertContext(
        cluster=context.cluster,
        environment=context.environment,
        namespace=context.namespace,
        beyla_namespace=context.beyla_namespace,
        mode=context.mode,
        # Without a metrics backend, which the generator writes to, there are no dashboards.
        generator=True,
        metrics=True,
        logs=context.logs_uid is not None,
        series_matchers=series_matchers(context.series_labels),
    )


def once(expr: str) -> str:
    """Return series without the copies that a pair of Prometheus replicas writes of each."""
    return f"max without ({', '.join(_REPLICA)}) ({expr})"


def added(
    selected: str, *, by: Sequence[str] = (), window: str = GRAPH, or_none: bool = False
) -> str:
    """Return a counter's events per second, summed by labels.

    Args:
        selected: the series.
        by: labels to keep.
        window: window of the rate.
        or_none: 0 as long as the program has not counted any, for some begin to count only then.
    """
    return _summed(f"rate({selected}{within(window)})", by, or_none=or_none)


def per_hour(selected: str, *, by: Sequence[str] = ()) -> str:
    """Return how many events a counter counted in the last hour, summed by labels.

    For what happens a few times an hour: a rate of the last minute would be a spike or nothing.
    0 as long as the program has not counted any.
    """
    return _summed(f"increase({selected}[1h])", by, or_none=not by)


def _summed(expr: str, by: Sequence[str], *, or_none: bool) -> str:
    kept = f" by ({', '.join(by)}) " if by else ""
    total = f"sum{kept}({once(expr)})"
    return f"({total} or vector(0))" if or_none else total


def quantile_of(value: float, buckets: str, *, by: Sequence[str] = ()) -> str:
    """Return a quantile over time of what buckets count."""
    return f"histogram_quantile({value}, {added(buckets, by=['le', *by])})"


def graph(
    context: DashboardContext,
    title: str,
    description: str,
    queries: Mapping[str, str],
    unit: Unit,
    *,
    steps: Steps = NEUTRAL,
    stacked: bool = False,
    near_one: bool = False,
    colour: str = "",
    legend: Legend = Legend.LIST,
    links: Sequence[Link] = (),
) -> PanelBuilder:
    """Return a graph over time.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        queries: PromQL by its legend.
        unit: unit of the values.
        steps: colours of the values.
        stacked: values add up.
        near_one: a share that is 1 at best; its axis follows the values instead of starting at 0.
        colour: colour of all series, in shades.
        legend: where series are named.
        links: where a click on a series leads.
    """
    asked = [promql(context, expr, legend) for legend, expr in queries.items()]
    return timeseries_panel(
        context,
        title,
        description,
        *asked,
        unit=unit,
        steps=steps,
        stacked=stacked,
        near_one=near_one,
        colour=colour,
        legend=legend,
        links=links,
    )
