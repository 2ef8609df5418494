"""Settings of the Grafana side."""

from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.on_change import OnChange
from ..core.settings import ServiceMonitorSettings
from ..core.texts import DatasourceUid, FolderTitle, LabelKey, LabelValue, NamespaceName, Url

_RENAMED = OnChange(
    happens="Grafana gets a second datasource for Tempo. Links and dashboards of others still lead "
    "to the old one.",
    do="Change them, then delete the old datasource.",
    section="grafana.md#delete-a-datasource",
)


class GrafanaSettings(Settings):
    """The Grafana side: datasources, dashboards and how its sidecar finds them."""

    url: Url | None = None
    """Address of Grafana in the browser. If unset, `tracesUrl` is only a path, and alerts have no
    link to their dashboard."""
    namespace: NamespaceName = "monitoring"
    """Namespace that Grafana runs in and that its sidecar watches. It must exist, unless it is
    `namespaces.tracing`."""
    folder: FolderTitle = "Tracing"
    """Folder of the dashboards; the sidecar's `folderAnnotation` must be `grafana_folder`."""
    dashboards: bool = True
    """Create the dashboards; they need `backends.metrics`."""
    dashboard_label: LabelKey = "grafana_dashboard"
    """Label that Grafana's sidecar finds dashboards by."""
    dashboard_label_value: LabelValue = "1"
    """Value of that label."""
    datasource_label: LabelKey = "grafana_datasource"
    """Label that Grafana's sidecar finds datasources by."""
    datasource_label_value: LabelValue = "1"
    """Value of that label."""
    org_id: int = Field(default=1, ge=1)
    """Grafana's organisation that the datasources belong to."""
    tempo_uid: Annotated[DatasourceUid, _RENAMED] = "tracing-tempo"
    """Uid and name of the Tempo datasource. If Grafana has another datasource with this name or
    uid, it doesn't start."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for the Prometheus operator."""
