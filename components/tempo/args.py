"""What Tempo is told when it is made."""

from dataclasses import dataclass

from ..grafana.settings import MetricsSettings, ServiceMonitorSettings
from ..platform.helm import Chart
from .settings import TempoSettings

#: Key of the credentials Secret that holds the password of the metrics backend.
METRICS_PASSWORD_KEY = "METRICS_PASSWORD"  # noqa: S105 - a name, not a password


@dataclass(frozen=True, kw_only=True)
class TempoArgs:
    """Arguments of `Tempo`; all plain, so that its Helm values are known at preview.

    Attributes:
        settings: the stack file's settings of Tempo.
        namespace: an existing namespace.
        chart: chart of the mode, at an exact version.
        atomic: roll back a failed upgrade.
        image_registry: registry that mirrors the images; None for the public ones.
        bucket: name of the S3 bucket.
        region: AWS region of the bucket.
        storage_endpoint: URL of an S3-compatible stand-in; None for S3 itself.
        irsa_role_arn: ARN to put on the service account; None with Pod Identity or a stand-in.
        cluster_name: name of the cluster, a label of every span metric.
        metrics: the metrics backend; without it no metrics are made from spans.
        credentials_secret: name of the Kubernetes Secret with the key METRICS_PASSWORD; needed
            where the metrics backend has a user.
        service_monitor: ServiceMonitor objects for Tempo itself.
    """

    settings: TempoSettings
    namespace: str
    chart: Chart
    atomic: bool
    image_registry: str | None
    bucket: str
    region: str
    storage_endpoint: str | None
    irsa_role_arn: str | None
    cluster_name: str
    metrics: MetricsSettings | None
    credentials_secret: str | None
    service_monitor: ServiceMonitorSettings
