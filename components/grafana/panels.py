"""Panels on Grafana's foundation SDK, each with a title, a description, a unit and a datasource."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    grafanapyroscope,
    loki,
    nodegraph,
    prometheus,
    tempo,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap as heatmaps
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import tempo as tempo_models
from grafana_foundation_sdk.models import text as text_models

from ..telemetry.context import StackContext
from ..telemetry.metrics import APDEX_SATISFIED, APDEX_TOLERATING, KeptMetric, SpanMetric
from ..telemetry.promql import GRAPH, ONCE, Requests
from . import units
from .links import Link, traces_url
from .units import Unit

Query = prometheus.Dataquery | tempo.Dataquery | loki.Dataquery | grafanapyroscope.Dataquery
#: Colour steps from a value on; None is the colour of all below the first step.
Steps = Mapping[float | None, str]
PanelT = TypeVar(
    "PanelT", timeseries.Panel, stats.Panel, tables.Panel, heatmaps.Panel, nodegraph.Panel
)

#: No colour; in a scale, the colour of what is fine, so that only what needs a person stands out.
GOOD = "text"
NEUTRAL: Steps = {None: GOOD}
#: Share of failed requests, from 0 to 1: beyond one in a hundred, beyond one in twenty.
ERROR_STEPS: Steps = {None: GOOD, 0.01: "orange", 0.05: "red"}
#: Share of what should not be at all, from 0 to 1: any is worth a look, a hundredth is bad.
LOSS_STEPS: Steps = {None: GOOD, 0.0001: "orange", 0.01: "red"}
#: Number of things that should not be at all.
ANY_STEPS: Steps = {None: GOOD, 1: "red"}
#: Share of pods that answer: all must.
ALL_STEPS: Steps = {None: "red", 1: GOOD}
#: How full something is, from 0 to 1.
FULL_STEPS: Steps = {None: GOOD, 0.7: "orange", 0.9: "red"}
#: Duration in seconds: the bounds of Apdex.
DURATION_STEPS: Steps = {None: GOOD, APDEX_SATISFIED: "orange", APDEX_TOLERATING: "red"}
#: Apdex: what its makers call poor (below 0.7) and good (from 0.85 on).
APDEX_STEPS: Steps = {None: "red", 0.7: "orange", 0.85: GOOD}
#: Colours of series by their legend: the same thing has the same colour on every graph.
COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("failed", "lost", "bad", "critical", "discarded"), "red"),
    **dict.fromkeys(("errors", "too many", "too large"), "red"),
    **dict.fromkeys(("refused", "objective", "late"), "orange"),
    "warning": "yellow",
    **dict.fromkeys(("accepted", "sent", "received", "all", "ready", "flushed"), "blue"),
    **dict.fromkeys(("dropped", "dropped on purpose", "should"), "text"),
}
#: Colours of series whose legend ends with an HTTP status.
_STATUS_COLOURS: Mapping[str, str] = {"/ 429$/": "orange", "/ 5..$/": "red"}
#: Minimum width in pixels of a column of labels; those that hold paths and sentences need more.
_LABEL_WIDTH = 100
_LABEL_WIDTHS = {
    **dict.fromkeys(("Operation", "Route", "Method"), 150),
    "Service": 130,
    "SLO": 270,
}
#: Width in pixels of a heading besides its text, with the arrow of the sorted column, and of an
#: average character.
_HEADING_WIDTH, _CHARACTER_WIDTH = 40, 7
#: Widths in pixels of a table of traces, by the heading that Tempo's datasource gives a column; the
#: name of the root span takes the rest. An id is cut on purpose: it is there to be clicked.
_TRACE_WIDTHS = {"Trace ID": 90, "Start time": 160, "Service": 110, "Duration": 80}


#: A selector of the latencies of span metrics, with its matchers.
_LATENCIES = re.compile(rf"{SpanMetric.LATENCY}(?:_bucket)?(\{{.*?\}})\[")


class Legend(StrEnum):
    """Where the series of a graph are named."""

    LIST = "list"
    TABLE = "table"
    """For up to ten series with long names."""
    HIDDEN = "hidden"
    """For graphs next to a table with the same names."""


@dataclass(frozen=True)
class Column:
    """A column of values in a table; the labels of `expr` are those of the table."""

    title: str
    expr: str
    unit: Unit
    steps: Steps = field(default_factory=lambda: NEUTRAL)


def request_columns(requests: Requests, by: Sequence[str]) -> list[Column]:
    """Return rate, failed share and p95 over the time range: the same columns in every table."""
    return [
        Column("Requests", requests.per_second(by, ONCE), units.REQUESTS),
        Column("Failed", requests.failed_share(by, ONCE), units.FAILED, ERROR_STEPS),
        Column("p95", requests.quantile(0.95, by, ONCE), units.SECONDS, DURATION_STEPS),
    ]


class Panels:
    """Builds the panels of one stack's dashboards, each with a description of how to read it."""

    def __init__(self, stack: StackContext) -> None:
        """Build panels that query the stack's datasources."""
        self.stack = stack
        self.metrics = models.DataSourceRef(type_val="prometheus", uid=stack.metrics_uid)
        self.traces_from = models.DataSourceRef(type_val="tempo", uid=stack.tempo_uid)

    def instant(self, expr: str, legend: str = "") -> prometheus.Dataquery:
        """Return a PromQL query at the end of the time range; rates over `$__range`."""
        query = prometheus.Dataquery().datasource(self.metrics).expr(expr).instant()
        return query.legend_format(legend or "__auto")

    def graph(
        self,
        title: str,
        description: str,
        queries: Mapping[str, str],
        unit: Unit,
        steps: Steps = NEUTRAL,
        *,
        stacked: bool = False,
        near_one: bool = False,
        colour: str = "",
        legend: Legend = Legend.LIST,
        links: Sequence[Link] = (),
        exemplars: str = "",
    ) -> timeseries.Panel:
        """Return a graph over time; steps are drawn as lines.

        Queries are PromQL by legend, with `{{label}}`; rates over `$__rate_interval`. A share that
        is 1 at best is `near_one`: its axis follows the values instead of starting at 0. By default
        each series has its own colour, or that of `COLOURS`. `exemplars` is the legend of the query
        that shows exemplars; it must be on buckets.
        """
        asked = [
            prometheus.Dataquery()
            .datasource(self.metrics)
            .expr(expr)
            .range()
            .legend_format(name or "__auto")
            .exemplar(bool(exemplars) and name == exemplars)
            for name, expr in queries.items()
        ]
        if self.stack.decides and (found := _kept(queries.get(exemplars, ""))):
            asked = [one.exemplar(False) for one in asked]
            kept = prometheus.Dataquery().datasource(self.metrics).expr(found).range()
            asked.append(kept.legend_format("kept traces").exemplar(True))
        panel = _complete(timeseries.Panel(), title, description, unit, asked, steps, links)
        panel.datasource(self.metrics).legend(_legend(legend, worst_is_low=near_one))
        panel.tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        panel.show_points(common_models.VisibilityMode.NEVER)
        if near_one:
            panel.max(1)
        else:
            panel.min(0).axis_soft_max(unit.soft_max)
        # Areas of several series would cover each other.
        alone = len(queries) == 1 and not any("{{" in name for name in queries)
        panel.fill_opacity(10 if alone and not near_one else 0)
        if stacked:
            panel.fill_opacity(30)
            panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
        if len(steps) > 1:
            mode = common_models.GraphThresholdsStyleMode.DASHED
            panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
        if colour:
            shades = builders.FieldColor().mode(models.FieldColorModeId.SHADES)
            panel.color_scheme(shades.fixed_color(colour))
        for name in queries:
            if name in COLOURS:
                panel.override_by_name(name, _properties(_fixed(COLOURS[name])))
            elif name.endswith("{{status_code}}"):
                for pattern, its in _STATUS_COLOURS.items():
                    panel.override_by_regexp(pattern, _properties(_fixed(its)))
        return panel

    def stat(
        self,
        title: str,
        description: str,
        query: str | Query,
        unit: Unit | None,
        steps: Steps = NEUTRAL,
        *,
        named: bool = False,
        empty: str = "no data",
        links: Sequence[Link] = (),
    ) -> stats.Panel:
        """Return a single value, in the colour of its step; one link makes the panel a link.

        PromQL is over `$__range`. Without a unit, the datasource's is taken. `named` shows the
        query's legend beside the value, and `empty` stands where there is none.
        """
        asked = self.instant(query) if isinstance(query, str) else query
        panel = _complete(stats.Panel(), title, description, unit, [asked], steps, links)
        panel.datasource(asked.build().datasource or self.metrics).no_value(empty)
        panel.mappings([_absent(empty)]).reduce_options(
            common.ReduceDataOptions().calcs(["lastNotNull"])
        )
        if named:
            panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
        panel.graph_mode(common_models.BigValueGraphMode.NONE)
        return panel.color_mode(common_models.BigValueColorMode.VALUE)

    def heatmap(self, title: str, description: str, buckets: str, unit: Unit) -> heatmaps.Panel:
        """Return the distribution of a histogram over time; exemplars would cover its cells.

        `buckets` is PromQL that keeps the label `le` or returns native histograms, and the unit
        that of the bounds.
        """
        query = prometheus.Dataquery().datasource(self.metrics).expr(buckets).range()
        query.legend_format("{{le}}").exemplar(False)
        query.format(prometheus_models.PromQueryFormat.HEATMAP)
        panel = _complete(heatmaps.Panel(), title, description, units.REQUESTS, [query])
        panel.datasource(self.metrics).calculate(False)
        panel.y_axis(heatmaps.YAxisConfig().unit(unit.name))
        panel.color(
            heatmaps.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .steps(64)
        )
        return panel.tooltip(
            heatmaps.HeatmapTooltip().mode(common_models.TooltipDisplayMode.SINGLE)
        )

    def service_map(self, title: str, description: str, *selectors: str) -> nodegraph.Panel:
        """Return the service graph; several selectors of edges are united."""
        query = tempo.Dataquery().datasource(self.traces_from).query_type("serviceMap")
        query.service_map_query(list(selectors))
        panel = _complete(nodegraph.Panel(), title, description, None, [query])
        return panel.datasource(self.traces_from)

    def table(
        self,
        title: str,
        description: str,
        labels: Mapping[str, str],
        columns: Sequence[Column],
        *,
        order: Sequence[str],
        rising: bool = False,
        links: Mapping[str, Sequence[Link]] = MappingProxyType({}),
        empty: str = "none in this time range",
    ) -> tables.Panel:
        """Return a table with a row for each set of labels, by the headings of labels and columns.

        The first column has a value wherever another one has. `order` has the headings that sort
        the table, so that what needs a person comes first. With
        `rising`, the first of them sorts the smallest value to the top. `links` are by heading.
        """
        as_table = prometheus_models.PromQueryFormat.TABLE
        queries = [self.instant(one.expr).format(as_table) for one in columns]
        panel = _complete(tables.Panel(), title, description, None, queries)
        panel.datasource(self.metrics).no_value(empty)
        many = len(columns) > 1
        values = [f"Value #{_ref(i)}" if many else "Value" for i in range(len(columns))]
        headings = dict(labels) | dict(zip(values, (one.title for one in columns), strict=True))
        # The only query that finds something calls its values so. The first one finds something
        # wherever another one does.
        headings |= {"Value": columns[0].title}
        organize = {
            "excludeByName": {"Time": True},
            "indexByName": {name: i for i, name in enumerate(headings)},
            "renameByName": headings,
        }
        panel.transformations(
            [
                models.DataTransformerConfig(id_val="merge", options={}),
                models.DataTransformerConfig(id_val="organize", options=organize),
            ]
        )
        for heading in labels.values():
            # Otherwise a label that a row lacks would show the text of an empty table.
            shown: dict[str, object] = {
                "noValue": "",
                "custom.minWidth": _LABEL_WIDTHS.get(heading, _LABEL_WIDTH),
            }
            if targets := links.get(heading):
                shown["links"] = _data_links(targets)
            panel.override_by_name(heading, _properties(shown))
        for one in columns:
            panel.override_by_name(one.title, _properties(_column(one)))
        return panel.sort_by(
            [
                common.TableSortByFieldState()
                .display_name(heading)
                .desc(not (rising and heading == order[0]))
                for heading in order
            ]
        )

    def traces(
        self, title: str, description: str, traceql: str, *, sort_by: str = "Start time"
    ) -> tables.Panel:
        """Return the traces that a TraceQL query finds, each with a link into the trace view.

        `sort_by` is the heading of the field that sorts them, the highest first.
        """
        query = tempo.Dataquery().datasource(self.traces_from).query_type("traceql")
        query.query(traceql).limit(20).table_type(tempo_models.SearchTableType.TRACES)
        panel = _complete(tables.Panel(), title, description, None, [query])
        panel.datasource(self.traces_from).no_value("no such traces in this time range")
        trace = Link("Open trace", traces_url(self.stack, "${__value.raw}"))
        panel.override_by_name("traceID", _properties({"links": _data_links([trace])}))
        for heading, width in _TRACE_WIDTHS.items():
            panel.override_by_name(heading, _properties({"custom.width": width}))
        panel.override_by_name("Name", _properties({"custom.minWidth": _LABEL_WIDTH}))
        return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])


def _kept(expr: str) -> str:
    """Return a query without a result whose exemplars are those of kept traces.

    Prometheus returns the exemplars of the series that a query selects, whatever it makes of them.
    Empty if the query selects no latencies of span metrics.
    """
    found = _LATENCIES.search(expr)
    if found is None:
        return ""
    return f"sum(rate({KeptMetric.LATENCY_BUCKET}{found[1]}[{GRAPH}])) < 0"


def text_panel(title: str, description: str, markdown: str) -> text.Panel:
    """Return a text in Markdown."""
    panel = text.Panel().title(title).description(description).content(markdown)
    return panel.mode(text_models.TextMode.MARKDOWN)


def _complete(
    panel: PanelT,
    title: str,
    description: str,
    unit: Unit | None,
    queries: Sequence[Query],
    steps: Steps = NEUTRAL,
    links: Sequence[Link] = (),
) -> PanelT:
    """Return a panel with the options of every panel."""
    panel.title(title).description(description)
    panel.thresholds(_thresholds(steps))
    if unit:
        panel.unit(unit.name)
        if unit.decimals is not None:
            panel.decimals(unit.decimals)
    panel.data_links([builders.DashboardLink(one.title).url(one.url) for one in links])
    for number, query in enumerate(queries):
        panel.with_target(query.ref_id(_ref(number)))
    return panel


def _thresholds(steps: Steps) -> builders.ThresholdsConfig:
    built = [models.Threshold(value=value, color=color) for value, color in steps.items()]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(built)


def _legend(legend: Legend, *, worst_is_low: bool) -> common.VizLegendOptions:
    options = common.VizLegendOptions().show_legend(legend is not Legend.HIDDEN)
    if legend is Legend.TABLE:
        options.calcs(["lastNotNull"]).sort_by("Last *").sort_desc(not worst_is_low)
    mode = common_models.LegendDisplayMode
    options.display_mode(mode.TABLE if legend is Legend.TABLE else mode.LIST)
    return options.placement(common_models.LegendPlacement.BOTTOM)


def _column(one: Column) -> dict[str, object]:
    shown: dict[str, object] = {
        "unit": one.unit.name,
        "thresholds": _thresholds(one.steps).build(),
        "custom.cellOptions": {"type": "color-text" if len(one.steps) > 1 else "auto"},
        "custom.width": max(one.unit.width, _HEADING_WIDTH + _CHARACTER_WIDTH * len(one.title)),
        "mappings": [_absent("-")],
    }
    if one.unit.decimals is not None:
        shown["decimals"] = one.unit.decimals
    return shown


def _absent(text: str) -> models.SpecialValueMap:
    """Return the text of a value that is absent; Grafana would colour it as the lowest one."""
    match, result = models.SpecialValueMatch.NULL_AND_NAN, models.ValueMappingResult(text, GOOD)
    return models.SpecialValueMap(models.DashboardSpecialValueMapOptions(match, result))


def _fixed(colour: str) -> dict[str, object]:
    return {"color": {"mode": "fixed", "fixedColor": colour}}


def _ref(number: int) -> str:
    """Return the letter of a query, by which Grafana names a table's values."""
    return chr(ord("A") + number)


def _properties(values: Mapping[str, object]) -> list[models.DynamicConfigValue]:
    return [models.DynamicConfigValue(id_val=name, value=value) for name, value in values.items()]


def _data_links(links: Sequence[Link]) -> list[dict[str, str]]:
    return [{"title": one.title, "url": one.url} for one in links]
