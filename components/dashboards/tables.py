"""Tables: of PromQL values by labels, and of traces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from grafana_foundation_sdk.builders import common, table, tempo
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import tempo as tempo_models

from .context import DashboardContext
from .kit import (
    NEUTRAL,
    Steps,
    complete,
    instant,
    prometheus_ref,
    properties,
    ref,
    tempo_ref,
    thresholds,
)
from .links import Link, traces_url


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
    unit: str
    steps: Steps = field(default_factory=lambda: NEUTRAL)


def table_panel(
    context: DashboardContext,
    title: str,
    description: str,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    *,
    links: Mapping[str, Sequence[Link]] = MappingProxyType({}),
    no_value: str = "",
) -> table.Panel:
    """Return a table with a row for each set of labels, the highest first value on top.

    Args:
        context: the stack.
        title: title of the panel.
        description: how to read it.
        labels: labels that the expressions keep, with their headings.
        columns: columns of values.
        links: links of a column, by its heading.
        no_value: what an empty table says.
    """
    queries = [
        instant(context, one.expr).format(prometheus_models.PromQueryFormat.TABLE)
        for one in columns
    ]
    panel = complete(table.Panel(), title, description, "", queries, NEUTRAL, ())
    panel.datasource(prometheus_ref(context)).no_value(no_value)
    values = [f"Value #{ref(i)}" if len(columns) > 1 else "Value" for i in range(len(columns))]
    headings = dict(labels) | dict(zip(values, (one.title for one in columns), strict=True))
    order = {name: i for i, name in enumerate(headings)}
    panel.transformations(
        [
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": order,
                    "renameByName": headings,
                },
            ),
        ]
    )
    for one in columns:
        shown = {
            "unit": one.unit,
            "thresholds": thresholds(one.steps).build(),
            "custom.cellOptions": {"type": "color-text" if len(one.steps) > 1 else "auto"},
        }
        panel.override_by_name(one.title, properties(shown))
    for heading, targets in links.items():
        panel.override_by_name(heading, properties({"links": _data_links(targets)}))
    return panel.sort_by([common.TableSortByFieldState().display_name(columns[0].title).desc(True)])


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
    panel = complete(table.Panel(), title, description, "", [query], NEUTRAL, ())
    panel.datasource(tempo_ref(context)).no_value("no such traces in this time range")
    trace = Link(title="Open trace", url=traces_url(context, "${__value.raw}"))
    panel.override_by_name("traceID", properties({"links": _data_links([trace])}))
    return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])


def _data_links(links: Sequence[Link]) -> list[dict[str, str]]:
    return [{"title": one.title, "url": one.url} for one in links]
