"""Links between dashboards, and into Explore, that keep filters and time range.

Grafana fills in the `${...}` parts on a click. Everything around them is encoded here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from ..telemetry.context import StackContext
from ..telemetry.metrics import Label
from ..telemetry.promql import FILTERS
from .settings import GrafanaSettings


class Uid(StrEnum):
    """Uids of the dashboards: part of their addresses, so they never change."""

    HOME = "tracing-home"
    TRACES = "tracing-traces"
    SERVICES = "tracing-services"
    SERVICE = "tracing-service"
    OPERATION = "tracing-operation"
    USE_CASES = "tracing-use-cases"
    SLOS = "tracing-slos"
    SLO = "tracing-slo"
    BEYLA = "tracing-beyla"
    TEMPO = "tracing-tempo"
    COLLECTORS = "tracing-collectors"
    CAPACITY = "tracing-capacity"
    SAMPLING = "tracing-sampling"


#: Titles of the dashboards. Grafana before 11.3 refuses a dashboard whose folder has its title.
TITLES: Mapping[Uid, str] = {
    Uid.HOME: "Observability home",
    Uid.TRACES: "Tracing overview",
    Uid.SERVICES: "Service overview",
    Uid.SERVICE: "Service",
    Uid.OPERATION: "Operation",
    Uid.USE_CASES: "Use cases",
    Uid.SLOS: "SLOs",
    Uid.SLO: "SLO",
    Uid.BEYLA: "Requests measured by Beyla",
    Uid.TEMPO: "Tempo",
    Uid.COLLECTORS: "Alloy and Beyla",
    Uid.CAPACITY: "Capacity",
    Uid.SAMPLING: "Sampling",
}
#: Title of the dashboard of collectors if Beyla does not run.
ALLOY_ALONE = "Alloy"
#: Type of the datasource of profiles, and of the CPU profile.
PYROSCOPE = "grafana-pyroscope-datasource"
PROFILE = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
#: Labels that identify a service, with their headings in a table. A click on a row sets the filters
#: to its own service, whatever they are set to.
SERVICE_COLUMNS: dict[str, str] = {
    Label.SERVICE: "Service",
    Label.NAMESPACE: "Namespace",
    Label.CLUSTER: "Cluster",
}
#: Characters of Grafana's variables, which must not be encoded.
_VARIABLE_SAFE = "${}:_."


@dataclass(frozen=True)
class Link:
    """A link on a panel, a table's column or a dashboard."""

    title: str
    url: str


def dashboard_url(
    uid: str,
    *,
    keep: Sequence[str] = tuple(FILTERS.values()),
    values: Mapping[str, str] | None = None,
) -> str:
    """Return the address of a dashboard, with the time range.

    `Uid.SERVICE` has no choice of all services, so a link to it sets `service` and never keeps it.

    Variables of both dashboards keep their value. Others are set: to a string, or to what Grafana
    knows of the clicked point, for example `cell("Service")`.
    """
    given = values or {}
    kept = [f"${{{name}:queryparam}}" for name in keep if name not in given]
    set_to = [f"var-{name}={value}" for name, value in given.items()]
    return f"/d/{uid}?" + "&".join([*kept, *set_to, "${__url_time_range}"])


def cell(column: str) -> str:
    """Return the value in another column of the clicked row of a table."""
    return f"${{__data.fields.{column}:percentencode}}"


def label(name: str) -> str:
    """Return the value of a label of the clicked series of a graph."""
    return f"${{__field.labels.{name}:percentencode}}"


def row_link(title: str, uid: Uid) -> Link:
    """Return a link from a row of a table with `SERVICE_COLUMNS` to a dashboard."""
    values = {FILTERS[Label(one)]: cell(heading) for one, heading in SERVICE_COLUMNS.items()}
    return Link(title, dashboard_url(uid, values=values))


def traces_url(stack: StackContext, traceql: str) -> str:
    """Return a link into Explore with the traces that a TraceQL query, or a trace id, finds."""
    query = {"queryType": "traceql", "query": traceql, "limit": 20, "tableType": "traces"}
    return _explore(stack, "tempo", stack.tempo_uid, query)


def logs_url(stack: StackContext, logql: str) -> str:
    """Return a link into Explore with the lines that a LogQL query finds in the logs backend."""
    if stack.logs_uid is None:
        raise ValueError("no logs backend")
    return _explore(stack, "loki", stack.logs_uid, {"expr": logql})


def profiles_url(stack: StackContext, selector: str) -> str:
    """Return a link into Explore with the CPU profile that a label selector finds."""
    if stack.profiles_uid is None:
        raise ValueError("no profiles backend")
    query: dict[str, Any] = {
        "queryType": "profile",
        "profileTypeId": PROFILE,
        "labelSelector": selector,
        "groupBy": [],
    }
    return _explore(stack, PYROSCOPE, stack.profiles_uid, query)


def _explore(stack: StackContext, kind: str, uid: str, query: dict[str, Any]) -> str:
    pane = {
        "datasource": uid,
        "queries": [{"refId": "A", "datasource": {"type": kind, "uid": uid}, **query}],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = quote(json.dumps({"a": pane}, separators=(",", ":")), safe=_VARIABLE_SAFE)
    return f"/explore?schemaVersion=1&panes={panes}&orgId={stack.org_id}"


def explore_url(settings: GrafanaSettings, namespace: str) -> str:
    """Return a link to a namespace's traces in Explore: a path if `settings.url` is not set."""
    search = {
        "refId": "A",
        "datasource": {"type": "tempo", "uid": settings.tempo_uid},
        "queryType": "traceqlSearch",
        "limit": 20,
        "tableType": "traces",
        "filters": [
            {
                "id": "k8s-namespace-name",
                "scope": "resource",
                "tag": "k8s.namespace.name",
                "operator": "=",
                "value": [namespace],
                "valueType": "string",
            }
        ],
    }
    pane = {
        "datasource": settings.tempo_uid,
        "queries": [search],
        "range": {"from": "now-1h", "to": "now"},
    }
    panes = json.dumps({"traces": pane}, separators=(",", ":"))
    query = urlencode({"schemaVersion": 1, "panes": panes, "orgId": settings.org_id})
    return f"{(settings.url or '').rstrip('/')}/explore?{query}"
