"""Settings of the Grafana side and of the backends that it reads."""

from enum import StrEnum

from pydantic import Field

from ..platform.base import Settings
from ..platform.settings import DNS_LABEL

_URL = r"^https?://[^\s/]+(/\S*)?$"
#: Grafana's limit for the uid of a datasource.
_UID = r"^[A-Za-z0-9_-]{1,40}$"


class MetricsType(StrEnum):
    """Kind of the metrics backend."""

    PROMETHEUS = "prometheus"
    MIMIR = "mimir"


class MetricsSettings(Settings):
    """The metrics backend: Prometheus or Mimir."""

    url: str = Field(pattern=_URL)
    """URL that Grafana queries, for example `http://mimir-gateway.mimir.svc:80/prometheus`."""
    remote_write_url: str = Field(pattern=_URL)
    """URL that Tempo's span metrics and OTLP metrics are written to by Prometheus remote write."""
    type: MetricsType = MetricsType.PROMETHEUS
    """Kind of the backend, for a datasource that is made here."""
    uid: str = Field(default="prometheus", pattern=_UID)
    """Uid that the datasource has in Grafana; traces link to it."""
    username: str | None = Field(default=None, min_length=1)
    """User for basic authentication; its password is the encrypted key
    `tracing:metricsPassword`."""
    create_datasource: bool = False
    """Make the datasource here, with exemplars that lead to traces. Off, one with this uid must
    exist."""


class LogsSettings(Settings):
    """The logs backend: Loki."""

    url: str = Field(pattern=_URL)
    """URL that Grafana queries, for example `http://loki-gateway.loki.svc:80`."""
    otlp_url: str = Field(pattern=_URL)
    """URL of Loki's OTLP endpoint without `/v1/logs`, for example
    `http://loki-gateway.loki.svc:80/otlp`."""
    uid: str = Field(default="loki", pattern=_UID)
    """Uid that the datasource has in Grafana; traces link to it."""
    username: str | None = Field(default=None, min_length=1)
    """User for basic authentication; its password is the encrypted key `tracing:logsPassword`."""
    create_datasource: bool = False
    """Make the datasource here, with links from log lines to traces. Off, one with this uid must
    exist."""


class ProfilesSettings(Settings):
    """The profiles backend: Pyroscope."""

    url: str = Field(pattern=_URL)
    """URL that Grafana queries, for example `http://pyroscope.pyroscope.svc:4040`."""
    uid: str = Field(default="pyroscope", pattern=_UID)
    """Uid that the datasource has in Grafana; traces link to it."""
    create_datasource: bool = False
    """Make the datasource here. Off, one with this uid must exist."""


class ServiceMonitorSettings(Settings):
    """ServiceMonitor objects for the Prometheus operator."""

    enabled: bool = False
    """Make a ServiceMonitor for Tempo, Alloy and Beyla; the operator's kinds must be installed."""
    labels: dict[str, str] = Field(default={})
    """Labels that the operator selects by, for example `release: kube-prometheus-stack`."""


class GrafanaSettings(Settings):
    """The Grafana side: datasources, and the backends that traces lead to."""

    url: str | None = Field(default=None, pattern=_URL)
    """Address of Grafana as people open it; without it `tracesUrl` is a path only."""
    namespace: str = Field(default="monitoring", max_length=63, pattern=DNS_LABEL)
    """Namespace that Grafana runs in and that its sidecar watches. It must exist, unless it is
    `namespaces.tracing`."""
    folder: str = Field(default="Tracing", min_length=1, max_length=100)
    """Folder of the dashboards; the sidecar's `folderAnnotation` must be `grafana_folder`."""
    dashboards: bool = True
    """Make the dashboards; they need `metrics`."""
    dashboard_label: str = Field(default="grafana_dashboard", min_length=1)
    """Label that Grafana's sidecar finds dashboards by."""
    dashboard_label_value: str = Field(default="1")
    """Value of that label."""
    datasource_label: str = Field(default="grafana_datasource", min_length=1)
    """Label that Grafana's sidecar finds datasources by."""
    datasource_label_value: str = Field(default="1")
    """Value of that label."""
    org_id: int = Field(default=1, ge=1)
    """Grafana's organisation that the datasources belong to."""
    tempo_uid: str = Field(default="tempo", pattern=_UID)
    """Uid of the Tempo datasource."""
    metrics: MetricsSettings | None = None
    """The metrics backend; without it there are no span metrics and no links from traces to
    metrics."""
    logs: LogsSettings | None = None
    """The logs backend; without it OTLP logs are refused and traces do not lead to logs."""
    profiles: ProfilesSettings | None = None
    """The profiles backend; without it traces do not lead to profiles."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for the Prometheus operator."""
