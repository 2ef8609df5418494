"""The dashboards of SLOs as Grafana reads them."""

import json
from typing import Any

from cases import CLUSTER

from components.grafana.dashboards import slo_detail, slo_overview
from components.grafana.layout import as_json
from components.telemetry.context import DashboardContext
from components.tempo.settings import TempoMode, TempoSettings
from components.tempo.sizes import limits

CONTEXT = DashboardContext(
    tempo_uid="tempo-uid",
    metrics_uid="metrics-uid",
    logs_uid=None,
    profiles_uid=None,
    org_id=1,
    environment="dev",
    cluster=CLUSTER,
    namespace="tracing",
    beyla_namespace=None,
    mode=TempoMode.MONOLITHIC,
    traceql_metrics=False,
    limits=limits(TempoSettings()),
    scraped=False,
)
READ: dict[str, dict[str, Any]] = {
    module.UID: json.loads(as_json(module.build(CONTEXT))) for module in (slo_overview, slo_detail)
}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels without the rows."""
    return [one for one in dashboard["panels"] if one["type"] != "row"]


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Return all PromQL in a dashboard, of its variables too."""
    found = [t["expr"] for panel in panels(dashboard) for t in panel["targets"]]
    for variable in dashboard["templating"]["list"]:
        found.append(variable["query"].removeprefix("label_values(").rpartition(",")[0])
    return found
