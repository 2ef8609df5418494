"""PromQL on what the stack's own programs say of themselves, and graphs of it."""

from collections.abc import Mapping, Sequence

from ..alerts.context import AlertContext
from .context import DashboardContext
from .kit import NEUTRAL, Steps, promql, timeseries_panel
from .layout import PanelBuilder
from .links import Link
from .queries import GRAPH

#: A share of what should not be at all, from 0 to 1: any is worth a look, a hundredth is bad.
LOSS_STEPS: Steps = {None: "green", 0.0001: "orange", 0.01: "red"}
#: How full something is, from 0 to 1.
FULL_STEPS: Steps = {None: "green", 0.7: "orange", 0.9: "red"}


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
        series_labels=context.series_labels,
    )


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
    kept = f" by ({', '.join(by)}) " if by else ""
    total = f"sum{kept}(rate({selected}[{window}]))"
    return f"({total} or vector(0))" if or_none else total


def quantile_of(value: float, buckets: str, *, by: Sequence[str] = ()) -> str:
    """Return a quantile over time of what buckets count."""
    return f"histogram_quantile({value}, {added(buckets, by=['le', *by])})"


def graph(
    context: DashboardContext,
    title: str,
    description: str,
    queries: Mapping[str, str],
    unit: str,
    *,
    steps: Steps = NEUTRAL,
    stacked: bool = False,
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
        links: where a click on a series leads.
    """
    asked = [promql(context, expr, legend) for legend, expr in queries.items()]
    return timeseries_panel(
        context, title, description, *asked, unit=unit, steps=steps, stacked=stacked, links=links
    )
