"""What Tempo is told when it is made."""

from dataclasses import dataclass

from ..backends.settings import MetricsSettings
from ..core import helm
from ..grafana.settings import ServiceMonitorSettings
from .settings import TempoMode, TempoSettings


@dataclass(frozen=True, kw_only=True)
class TempoArgs:
    """Arguments of `Tempo`; all plain, so that its Helm values are known at preview."""

    settings: TempoSettings = TempoSettings()
    """Tempo's own settings."""
    namespace: str
    """An existing namespace."""
    chart: helm.Chart | None = None
    """Chart of the mode in use; by default the pinned one."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    bucket: str
    """Name of the S3 bucket."""
    region: str
    """AWS region of the bucket."""
    storage_endpoint: str | None = None
    """URL of an S3-compatible stand-in; by default S3 itself."""
    irsa_role_arn: str | None = None
    """ARN to put on the service account; none with Pod Identity or a stand-in."""
    cluster_name: str
    """Name of the cluster, a label of every span metric."""
    metrics: MetricsSettings | None = None
    """The metrics backend; without it no metrics are made from spans."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the key `METRICS_PASSWORD`; needed where the metrics backend has a
    user."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for Tempo itself."""

    @property
    def chart_in_use(self) -> helm.Chart:
        """The chart given, or the pinned one of the mode."""
        return self.chart or pinned_chart(self.settings.mode)


def pinned_chart(mode: TempoMode) -> helm.Chart:
    """Return the pinned chart of a mode."""
    return helm.TEMPO if mode is TempoMode.MONOLITHIC else helm.TEMPO_DISTRIBUTED
