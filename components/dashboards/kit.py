"""Panels on Grafana's foundation SDK, each with a title, a description, a unit and a datasource."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    heatmap,
    nodegraph,
    prometheus,
    stat,
    table,
    tempo,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import text as text_models

from ..signals import APDEX_SATISFIED, APDEX_TOLERATING
from .context import DashboardContext
from .links import Link

Query = prometheus.Dataquery | tempo.Dataquery
#: Colour steps from a value on; None is the colour of all below the first step.
Steps = Mapping[float | None, str]

PanelT = TypeVar(
    "PanelT", timeseries.Panel, stat.Panel, table.Panel, heatmap.Panel, nodegraph.Panel
)
#: No colour.
NEUTRAL: Steps = {None: "text"}
#: Share of failed requests, from 0 to 1: beyond one in a hundred, beyond one in twenty.
ERROR_STEPS: Steps = {None: "green", 0.01: "orange", 0.05: "red"}
#: Duration in seconds: the bounds of Apdex.
DURATION_STEPS: Steps = {None: "green", APDEX_SATISFIED: "orange", APDEX_TOLERATING: "red"}
#: Apdex: what its makers call poor (below 0.7) and good (from 0.85 on).
APDEX_STEPS: Steps = {None: "red", 0.7: "orange", 0.85: "green"}


def prometheus_ref(context: DashboardContext) -> models.DataSourceRef:
    """Return the metrics datasource."""
    return models.DataSourceRef(type_val="prometheus", uid=context.metrics_uid)


def tempo_ref(context: DashboardContext) -> models.DataSourceRef:
    """Return the Tempo datasource."""
    return models.DataSourceRef(type_val="tempo", uid=context.tempo_uid)


def promql(
    context: DashboardContext, expr: str, legend: str = "", *, exemplars: bool = False
) -> prometheus.Dataquery:
    """Return a PromQL query over the time range, for graphs.

    Args:
        context: the stack.
        expr: the expression; rates over ``$__rate_interval``.
        legend: legend of a series, with ``{{label}}``.
        exemplars: show exemplars; the expression must be on a histogram's buckets.
    """
    query = prometheus.Dataquery().datasource(prometheus_ref(context)).expr(expr).range()
    return query.legend_format(legend or "__auto").exemplar(exemplars)


def instant(context: DashboardContext, expr: str, legend: str = "") -> prometheus.Dataquery:
    """Return a PromQL query at the end of the time range, for single values.

    Args:
        context: the stack.
        expr: the expression; rates over ``$__range``.
        legend: name of the value.
    """
    query = prometheus.Dataquery().datasource(prometheus_ref(context)).expr(expr).instant()
    return query.legend_format(legend or "__auto")


def timeseries_panel(
    context: DashboardContext,
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = NEUTRAL,
    stacked: bool = False,
    links: Sequence[Link] = (),
) -> timeseries.Panel:
    """Return a graph over time; steps are drawn as lines."""
    panel = complete(timeseries.Panel(), title, description, unit, queries, steps, links)
    panel.datasource(prometheus_ref(context))
    panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
    )
    panel.tooltip(
        common.VizTooltipOptions()
        .mode(common_models.TooltipDisplayMode.MULTI)
        .sort(common_models.SortOrder.DESCENDING)
    )
    panel.min(0).fill_opacity(10).show_points(common_models.VisibilityMode.NEVER)
    if stacked:
        panel.fill_opacity(30)
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if len(steps) > 1:
        mode = common_models.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
    return panel


def stat_panel(
    context: DashboardContext,
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = NEUTRAL,
    no_value: str = "no data",
    links: Sequence[Link] = (),
) -> stat.Panel:
    """Return a single value, in the colour of its step."""
    panel = complete(stat.Panel(), title, description, unit, queries, steps, links)
    panel.datasource(prometheus_ref(context)).no_value(no_value)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    graph = common_models.BigValueGraphMode.NONE
    return panel.graph_mode(graph).color_mode(common_models.BigValueColorMode.VALUE)


def heatmap_panel(
    context: DashboardContext, title: str, description: str, expr: str, *, unit: str
) -> heatmap.Panel:
    """Return how a histogram spreads over time, with its exemplars.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        expr: an expression that leaves the label ``le``.
        unit: unit of the buckets' bounds.
    """
    query = promql(context, expr, "{{le}}", exemplars=True)
    query.format(prometheus_models.PromQueryFormat.HEATMAP)
    panel = complete(heatmap.Panel(), title, description, "reqps", [query], NEUTRAL, ())
    panel.datasource(prometheus_ref(context)).calculate(False)
    panel.y_axis(heatmap.YAxisConfig().unit(unit))
    panel.color(
        heatmap.HeatmapColorOptions()
        .mode(heatmap_models.HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .steps(64)
    )
    return panel.tooltip(heatmap.HeatmapTooltip().mode(common_models.TooltipDisplayMode.SINGLE))


def text_panel(title: str, description: str, markdown: str) -> text.Panel:
    """Return a text in Markdown."""
    panel = text.Panel().title(title).description(description).content(markdown)
    return panel.mode(text_models.TextMode.MARKDOWN)


def service_map_panel(
    context: DashboardContext, title: str, description: str, *selectors: str
) -> nodegraph.Panel:
    """Return the service graph; several selectors are united.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        selectors: PromQL selectors of edges, in braces.
    """
    query = tempo.Dataquery().datasource(tempo_ref(context)).query_type("serviceMap")
    query.service_map_query(list(selectors))
    panel = complete(nodegraph.Panel(), title, description, "", [query], NEUTRAL, ())
    return panel.datasource(tempo_ref(context))


def thresholds(steps: Steps) -> builders.ThresholdsConfig:
    """Return steps of colour, from low to high."""
    built = [models.Threshold(value=value, color=color) for value, color in steps.items()]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(built)


def complete(
    panel: PanelT,
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Query],
    steps: Steps,
    links: Sequence[Link],
) -> PanelT:
    """Return a panel with what every panel has."""
    panel.title(title).description(description).unit(unit)
    panel.thresholds(thresholds(steps))
    panel.data_links([builders.DashboardLink(one.title).url(one.url) for one in links])
    for number, query in enumerate(queries):
        panel.with_target(query.ref_id(ref(number)))
    return panel


def ref(number: int) -> str:
    """Return the letter of a query, by which Grafana names a table's values."""
    return chr(ord("A") + number)


def properties(values: Mapping[str, object]) -> list[models.DynamicConfigValue]:
    """Return what to set on a field that is overridden."""
    return [models.DynamicConfigValue(id_val=name, value=value) for name, value in values.items()]
