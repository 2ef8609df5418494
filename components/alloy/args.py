"""What the Alloy component and its builders are given."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..grafana.settings import LogsSettings, MetricsSettings, ServiceMonitorSettings
from ..platform.helm import Chart
from .settings import AlloySettings


@dataclass(frozen=True, kw_only=True)
class AlloyArgs:
    """What the gateway is made from; plain values, so that a preview shows them all.

    Attributes:
        settings: the gateway's own settings.
        namespace: an existing namespace.
        chart: the chart `alloy`.
        atomic: roll back a failed upgrade.
        image_registry: registry that mirrors the images; None for the public ones.
        environment: `deployment.environment.name` of senders that name none.
        cluster_name: `k8s.cluster.name` of senders that name none.
        tempo_endpoint: Tempo's OTLP gRPC receiver, host and port.
        balance: spread batches over every address that the host of `tempo_endpoint` has in DNS (a
            headless Service); otherwise one connection.
        tenant: Tempo's tenant; None without multitenancy.
        stack_namespaces: namespaces of this stack, whose own spans are dropped.
        metrics: backend of OTLP metrics; None refuses them.
        logs: backend of OTLP logs; None refuses them.
        credentials_secret: Kubernetes Secret with the keys `METRICS_PASSWORD` and `LOGS_PASSWORD`
            of the backends that have a username.
        service_monitor: whether and how the Prometheus operator finds the gateway.

    Raises:
        ValueError: a backend has a username, and there is no Secret with its password.
    """

    settings: AlloySettings
    namespace: str
    chart: Chart
    atomic: bool
    image_registry: str | None
    environment: str
    cluster_name: str
    tempo_endpoint: str
    balance: bool
    tenant: str | None
    stack_namespaces: Sequence[str]
    metrics: MetricsSettings | None
    logs: LogsSettings | None
    credentials_secret: str | None
    service_monitor: ServiceMonitorSettings

    def __post_init__(self) -> None:
        if self.has_credentials and self.credentials_secret is None:
            raise ValueError("a backend with a username needs the Secret that holds its password")

    @property
    def has_credentials(self) -> bool:
        """Whether a backend asks for a password."""
        return any(
            backend is not None and backend.username is not None
            for backend in (self.metrics, self.logs)
        )
