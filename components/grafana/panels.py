"""Panels on Grafana's foundation SDK, each with a title, a description, a unit and a datasource."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    grafanapyroscope,
    heatmap,
    loki,
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

from ..telemetry.context import DashboardContext
from ..telemetry.metrics import APDEX_SATISFIED, APDEX_TOLERATING
from .links import Link
from .units import REQUESTS, Unit

Query = prometheus.Dataquery | tempo.Dataquery | loki.Dataquery | grafanapyroscope.Dataquery
#: Colour steps from a value on; None is the colour of all below the first step.
Steps = Mapping[float | None, str]

PanelT = TypeVar(
    "PanelT", timeseries.Panel, stat.Panel, table.Panel, heatmap.Panel, nodegraph.Panel
)
#: No colour; in a scale, the colour of what is fine, so that only what needs a person stands out.
GOOD = "text"
NEUTRAL: Steps = {None: GOOD}
#: Share of failed requests, from 0 to 1: beyond one in a hundred, beyond one in twenty.
ERROR_STEPS: Steps = {None: GOOD, 0.01: "orange", 0.05: "red"}
#: Duration in seconds: the bounds of Apdex.
DURATION_STEPS: Steps = {None: GOOD, APDEX_SATISFIED: "orange", APDEX_TOLERATING: "red"}
#: Apdex: what its makers call poor (below 0.7) and good (from 0.85 on).
APDEX_STEPS: Steps = {None: "red", 0.7: "orange", 0.85: GOOD}
#: Colours of series by their legend: the same thing has the same colour on every graph.
COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("failed", "lost", "bad", "critical", "errors", "discarded"), "red"),
    **dict.fromkeys(("refused", "objective"), "orange"),
    "warning": "yellow",
    **dict.fromkeys(("accepted", "sent", "received", "all", "ready", "flushed"), "blue"),
    **dict.fromkeys(("dropped on purpose", "should"), "text"),
}
#: Colours of series whose legend ends with an HTTP status.
_STATUS_COLOURS: Mapping[str, str] = {"/ 429$/": "orange", "/ 5..$/": "red"}


class Legend(StrEnum):
    """Where the series of a graph are named."""

    LIST = "list"
    #: For up to ten series with long names.
    TABLE = "table"
    #: For graphs next to a table that names the same.
    HIDDEN = "hidden"


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
    *queries: prometheus.Dataquery,
    unit: Unit,
    steps: Steps = NEUTRAL,
    stacked: bool = False,
    near_one: bool = False,
    colour: str = "",
    legend: Legend = Legend.LIST,
    links: Sequence[Link] = (),
) -> timeseries.Panel:
    """Return a graph over time; steps are drawn as lines.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        queries: its queries.
        unit: unit of the values.
        steps: colour steps.
        stacked: values add up.
        near_one: a share that is 1 at best; its axis follows the values instead of starting at 0.
        colour: colour of all series, in shades; by default each has its own, or that of `COLOURS`.
        legend: where series are named.
        links: where a click on a series leads.
    """
    panel = complete(timeseries.Panel(), title, description, unit, queries, steps, links)
    panel.datasource(prometheus_ref(context))
    panel.legend(_legend(legend))
    panel.tooltip(
        common.VizTooltipOptions()
        .mode(common_models.TooltipDisplayMode.MULTI)
        .sort(common_models.SortOrder.DESCENDING)
    )
    panel.show_points(common_models.VisibilityMode.NEVER)
    if near_one:
        panel.max(1).fill_opacity(0)
    else:
        panel.min(0).axis_soft_max(unit.soft_max).fill_opacity(10)
    if stacked:
        panel.fill_opacity(30)
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if len(steps) > 1:
        mode = common_models.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
    if colour:
        panel.color_scheme(
            builders.FieldColor().mode(models.FieldColorModeId.SHADES).fixed_color(colour)
        )
    for query in queries:
        name = query.build().legend_format or ""
        if name in COLOURS:
            panel.override_by_name(name, properties(_fixed(COLOURS[name])))
        elif name.endswith("{{status_code}}"):
            for pattern, its in _STATUS_COLOURS.items():
                panel.override_by_regexp(pattern, properties(_fixed(its)))
    return panel


def stat_panel(
    context: DashboardContext,
    title: str,
    description: str,
    query: Query,
    *,
    unit: Unit | None,
    steps: Steps = NEUTRAL,
    named: bool = False,
    links: Sequence[Link] = (),
) -> stat.Panel:
    """Return a single value, in the colour of its step; with one link, all of it is that link.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        query: the query.
        unit: unit of the value; None takes the datasource's.
        steps: colour steps.
        named: the query's legend stands beside the value.
        links: where a click leads.
    """
    panel = complete(stat.Panel(), title, description, unit, [query], steps, links)
    panel.datasource(query.build().datasource or prometheus_ref(context)).no_value("no data")
    panel.mappings([absent("no data")]).reduce_options(
        common.ReduceDataOptions().calcs(["lastNotNull"])
    )
    if named:
        panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
    graph = common_models.BigValueGraphMode.NONE
    return panel.graph_mode(graph).color_mode(common_models.BigValueColorMode.VALUE)


def heatmap_panel(
    context: DashboardContext, title: str, description: str, expr: str, *, unit: Unit
) -> heatmap.Panel:
    """Return how a histogram spreads over time; exemplars would cover its cells.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        expr: an expression that leaves the label ``le``.
        unit: unit of the buckets' bounds.
    """
    query = promql(context, expr, "{{le}}")
    query.format(prometheus_models.PromQueryFormat.HEATMAP)
    panel = complete(heatmap.Panel(), title, description, REQUESTS, [query], NEUTRAL, ())
    panel.datasource(prometheus_ref(context)).calculate(False)
    panel.y_axis(heatmap.YAxisConfig().unit(unit.name))
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
    panel = complete(nodegraph.Panel(), title, description, None, [query], NEUTRAL, ())
    return panel.datasource(tempo_ref(context))


def thresholds(steps: Steps) -> builders.ThresholdsConfig:
    """Return steps of colour, from low to high."""
    built = [models.Threshold(value=value, color=color) for value, color in steps.items()]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(built)


def complete(
    panel: PanelT,
    title: str,
    description: str,
    unit: Unit | None,
    queries: Sequence[Query],
    steps: Steps,
    links: Sequence[Link],
) -> PanelT:
    """Return a panel with what every panel has."""
    panel.title(title).description(description)
    panel.thresholds(thresholds(steps))
    if unit:
        panel.unit(unit.name)
        if unit.decimals is not None:
            panel.decimals(unit.decimals)
    panel.data_links([builders.DashboardLink(one.title).url(one.url) for one in links])
    for number, query in enumerate(queries):
        panel.with_target(query.ref_id(ref(number)))
    return panel


def _legend(legend: Legend) -> common.VizLegendOptions:
    options = common.VizLegendOptions().show_legend(legend is not Legend.HIDDEN)
    if legend is Legend.TABLE:
        options.calcs(["lastNotNull"]).sort_by("Last *").sort_desc(True)
    mode = common_models.LegendDisplayMode
    options.display_mode(mode.TABLE if legend is Legend.TABLE else mode.LIST)
    return options.placement(common_models.LegendPlacement.BOTTOM)


def _fixed(colour: str) -> dict[str, object]:
    return {"color": {"mode": "fixed", "fixedColor": colour}}


def absent(text: str) -> models.SpecialValueMap:
    """Return what a value that is not there shows; Grafana would colour it as the lowest one."""
    match, result = models.SpecialValueMatch.NULL_AND_NAN, models.ValueMappingResult(text, GOOD)
    return models.SpecialValueMap(models.DashboardSpecialValueMapOptions(match, result))


def ref(number: int) -> str:
    """Return the letter of a query, by which Grafana names a table's values."""
    return chr(ord("A") + number)


def properties(values: Mapping[str, object]) -> list[models.DynamicConfigValue]:
    """Return what to set on a field that is overridden."""
    return [models.DynamicConfigValue(id_val=name, value=value) for name, value in values.items()]
