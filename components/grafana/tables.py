"""Tables: of PromQL values by labels, and of traces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from grafana_foundation_sdk.builders import common, table, tempo
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import tempo as tempo_models

from ..telemetry.context import DashboardContext
from .links import Link, traces_url
from .panels import (
    NEUTRAL,
    Steps,
    absent,
    complete,
    instant,
    prometheus_ref,
    properties,
    ref,
    tempo_ref,
    thresholds,
)
from .units import Unit

#: Least width in pixels of a column of labels; those that hold paths and sentences need more.
_LABEL_WIDTH, _LONG_LABEL_WIDTH = 100, 150
_LONG = ("Operation", "Route", "Method", "SLO")
#: Widths in pixels of a table of traces, by the heading that Tempo's datasource gives a column; the
#: name of the root span takes what is left. An id is cut on purpose: it is there to be clicked.
_TRACE_WIDTHS = {"Trace ID": 90, "Start time": 160, "Service": 110, "Duration": 80}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of values.

    Attributes:
        title: its heading.
        expr: PromQL; its labels are those of the table.
        unit: unit of the values.
        steps: colours of the values.
    """

    title: str
    expr: str
    unit: Unit
    steps: Steps = field(default_factory=lambda: NEUTRAL)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a table is sorted by.

    Attributes:
        title: heading of the column.
        rising: the smallest value on top.
    """

    title: str
    rising: bool = False


def table_panel(
    context: DashboardContext,
    title: str,
    description: str,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    *,
    order: Sequence[Order],
    links: Mapping[str, Sequence[Link]] = MappingProxyType({}),
    empty: str = "none in this time range",
) -> table.Panel:
    """Return a table with a row for each set of labels.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        labels: labels that the expressions keep, with their headings.
        columns: columns of values.
        order: what it is sorted by: what needs a person comes first, rows that are alike in that
            follow the next.
        links: links of a column, by its heading.
        empty: what a table without rows says.
    """
    queries = [
        instant(context, one.expr).format(prometheus_models.PromQueryFormat.TABLE)
        for one in columns
    ]
    panel = complete(table.Panel(), title, description, None, queries, NEUTRAL, ())
    panel.datasource(prometheus_ref(context)).no_value(empty)
    values = [f"Value #{ref(i)}" if len(columns) > 1 else "Value" for i in range(len(columns))]
    headings = dict(labels) | dict(zip(values, (one.title for one in columns), strict=True))
    position = {name: i for i, name in enumerate(headings)}
    panel.transformations(
        [
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": position,
                    "renameByName": headings,
                },
            ),
        ]
    )
    for heading in labels.values():
        # Without a text of its own, a label that a row lacks would show what an empty table says.
        shown: dict[str, object] = {
            "noValue": "",
            "custom.minWidth": _LONG_LABEL_WIDTH if heading in _LONG else _LABEL_WIDTH,
        }
        if targets := links.get(heading):
            shown["links"] = _data_links(targets)
        panel.override_by_name(heading, properties(shown))
    for one in columns:
        panel.override_by_name(one.title, properties(_column(one)))
    return panel.sort_by(
        [
            common.TableSortByFieldState().display_name(one.title).desc(not one.rising)
            for one in order
        ]
    )


def _column(one: Column) -> dict[str, object]:
    shown: dict[str, object] = {
        "unit": one.unit.name,
        "thresholds": thresholds(one.steps).build(),
        "custom.cellOptions": {"type": "color-text" if len(one.steps) > 1 else "auto"},
        "custom.width": one.unit.width,
        "mappings": [absent("-")],
    }
    if one.unit.decimals is not None:
        shown["decimals"] = one.unit.decimals
    return shown


def traces_panel(
    context: DashboardContext,
    title: str,
    description: str,
    traceql: str,
    *,
    limit: int = 20,
    sort_by: str = "Start time",
) -> table.Panel:
    """Return the traces that a TraceQL query finds, each with a link into the trace view.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        traceql: the query.
        limit: traces at most.
        sort_by: heading of the field that sorts them, the highest first.
    """
    query = tempo.Dataquery().datasource(tempo_ref(context)).query_type("traceql")
    query.query(traceql).limit(limit).table_type(tempo_models.SearchTableType.TRACES)
    panel = complete(table.Panel(), title, description, None, [query], NEUTRAL, ())
    panel.datasource(tempo_ref(context)).no_value("no such traces in this time range")
    trace = Link(title="Open trace", url=traces_url(context, "${__value.raw}"))
    panel.override_by_name("traceID", properties({"links": _data_links([trace])}))
    for heading, width in _TRACE_WIDTHS.items():
        panel.override_by_name(heading, properties({"custom.width": width}))
    panel.override_by_name("Name", properties({"custom.minWidth": _LABEL_WIDTH}))
    return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])


def _data_links(links: Sequence[Link]) -> list[dict[str, str]]:
    return [{"title": one.title, "url": one.url} for one in links]
