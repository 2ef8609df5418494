"""Settings of the Grafana side."""

from enum import StrEnum
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


_MOVED = OnChange(
    happens="The old way deletes its dashboards, but the sidecar's datasources stay and are "
    "read-only: the Grafana operator and the import can't change them.",
    do="Delete the datasources in between.",
    section="grafana.md#delete-a-datasource",
)


class GrafanaDelivery(StrEnum):
    """How datasources and dashboards reach Grafana."""

    SIDECAR = "sidecar"
    OPERATOR = "operator"
    FILES = "files"


class GrafanaSettings(Settings):
    """The Grafana side: datasources, dashboards and how they reach it."""

    url: Url | None = None
    """Address of Grafana in the browser. If unset, `tracesUrl` is only a path, and alerts have no
    link to their dashboard."""
    delivery: Annotated[GrafanaDelivery, _MOVED] = GrafanaDelivery.SIDECAR
    """How datasources and dashboards reach Grafana: ConfigMaps and Secrets for its `sidecar`,
    custom resources for the Grafana `operator`, or only `files` in the plan, for a Grafana outside
    the cluster."""
    tempo_url: Url | None = None
    """URL that Grafana queries Tempo by; by default that of Tempo's Service. Required with
    `delivery: files`."""
    instance_labels: dict[LabelKey, LabelValue] = Field(
        default={"dashboards": "grafana"}, min_length=1
    )
    """Labels of the `Grafana` object that the Grafana operator delivers to. It must be in
    `namespace`."""
    namespace: NamespaceName = "monitoring"
    """Namespace that Grafana runs in and that its sidecar watches. It must exist."""
    folder: FolderTitle = "Tracing"
    """Folder of the dashboards."""
    folder_annotation: LabelKey = "grafana_folder"
    """Annotation with the folder, the sidecar's `folderAnnotation`."""
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
