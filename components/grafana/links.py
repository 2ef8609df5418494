"""Links between dashboards, and into Explore, that keep filters and time range.

Grafana fills in the ``${...}`` parts when somebody clicks. Everything around them is encoded here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..telemetry.context import DashboardContext

#: Type of the CPU profile.
PROFILE = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
#: Filters that go along from dashboard to dashboard.
FILTERS = ("cluster", "namespace", "service")
#: Characters of Grafana's variables, which must stay as they are.
_VARIABLE_SAFE = "${}:_."


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link on a panel, a table's column or a dashboard."""

    title: str
    url: str


def dashboard_url(
    uid: str, *, keep: Sequence[str] = FILTERS, values: Mapping[str, str] | None = None
) -> str:
    """Return the address of a dashboard of the catalogue, with the time range.

    Args:
        uid: uid of the dashboard.
        keep: variables of both dashboards that keep their value.
        values: variables to set: a text, or what Grafana knows of the point that is clicked, for
            example ``cell("Service")``.
    """
    given = values or {}
    kept = [f"${{{name}:queryparam}}" for name in keep if name not in given]
    set_to = [f"var-{name}={value}" for name, value in given.items()]
    return f"/d/{uid}?" + "&".join([*kept, *set_to, "${__url_time_range}"])


def cell(column: str) -> str:
    """Return the value in another column of the clicked row of a table."""
    return f"${{__data.fields.{column}:percentencode}}"


#: Columns of a table that name a service, by the filter that each sets: a click on a row means its
#: own service, whatever the filters are set to.
ROW = {"service": "Service", "namespace": "Namespace", "cluster": "Cluster"}


def row() -> dict[str, str]:
    """Return the filters that mean the clicked row of a table with the columns of ``ROW``."""
    return {name: cell(column) for name, column in ROW.items()}


def label(name: str) -> str:
    """Return the value of a label of the clicked series of a graph."""
    return f"${{__field.labels.{name}:percentencode}}"


def traces_url(context: DashboardContext, traceql: str) -> str:
    """Return a link into Explore with the traces that a TraceQL query finds.

    Args:
        context: the stack.
        traceql: the query, or a trace id.
    """
    query = {
        "refId": "A",
        "datasource": {"type": "tempo", "uid": context.tempo_uid},
        "queryType": "traceql",
        "query": traceql,
        "limit": 20,
        "tableType": "traces",
    }
    return _explore(context, context.tempo_uid, query)


def logs_url(context: DashboardContext, logql: str) -> str:
    """Return a link into Explore with the lines that a LogQL query finds.

    Raises:
        ValueError: there is no logs backend.
    """
    if context.logs_uid is None:
        raise ValueError("no logs backend")
    query = {
        "refId": "A",
        "datasource": {"type": "loki", "uid": context.logs_uid},
        "expr": logql,
    }
    return _explore(context, context.logs_uid, query)


def profiles_url(context: DashboardContext, selector: str) -> str:
    """Return a link into Explore with the CPU profile that a label selector finds.

    Raises:
        ValueError: there is no profiles backend.
    """
    if context.profiles_uid is None:
        raise ValueError("no profiles backend")
    query: dict[str, Any] = {
        "refId": "A",
        "datasource": {"type": "grafana-pyroscope-datasource", "uid": context.profiles_uid},
        "queryType": "profile",
        "profileTypeId": PROFILE,
        "labelSelector": selector,
        "groupBy": [],
    }
    return _explore(context, context.profiles_uid, query)


def metrics_url(context: DashboardContext, expr: str) -> str:
    """Return a link into Explore with a PromQL expression."""
    query = {
        "refId": "A",
        "datasource": {"type": "prometheus", "uid": context.metrics_uid},
        "expr": expr,
        "range": True,
    }
    return _explore(context, context.metrics_uid, query)


def _explore(context: DashboardContext, uid: str, query: dict[str, Any]) -> str:
    pane = {
        "datasource": uid,
        "queries": [query],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = quote(json.dumps({"a": pane}, separators=(",", ":")), safe=_VARIABLE_SAFE)
    return f"/explore?schemaVersion=1&panes={panes}&orgId={context.org_id}"
