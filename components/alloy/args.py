"""What the Alloy component and its builders are given."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ..backends.credentials import LOGS_PASSWORD, METRICS_PASSWORD
from ..backends.settings import LogsSettings, MetricsSettings
from ..core import helm
from ..grafana.settings import ServiceMonitorSettings
from .settings import AlloySettings


@dataclass(frozen=True, kw_only=True)
class AlloyArgs:
    """What the gateway is made from; plain values, so that a preview shows them all.

    Raises:
        ValueError: a backend has a username, and there is no Secret with its password.
    """

    settings: AlloySettings = AlloySettings()
    """The gateway's own settings."""
    namespace: str
    """An existing namespace."""
    chart: helm.Chart = helm.ALLOY
    """The chart `alloy`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    environment: str
    """`deployment.environment.name` of senders that name none."""
    cluster_name: str
    """`k8s.cluster.name` of senders that name none."""
    tempo_endpoint: pulumi.Input[str]
    """Tempo's OTLP gRPC receiver, host and port; known at preview, or the chart is not checked."""
    tls: bool = False
    """Talk TLS with `tempoEndpoint`, for a Tempo outside the cluster. A publicly trusted authority
    must have signed its certificate."""
    balance: bool = False
    """Spread batches over every address that the host of `tempoEndpoint` has in DNS (a headless
    Service); otherwise one connection."""
    tenant: str | None = None
    """Tempo's tenant; none without multitenancy."""
    stack_namespaces: Sequence[str] = ()
    """Namespaces of the tracing stack, whose own spans are dropped."""
    trusted_namespaces: Sequence[str] = ()
    """Namespaces of senders that report for other pods, as Beyla does: their `k8s.*` attributes
    win over the pod that they send from."""
    trust_unidentified: bool = False
    """Keep the `k8s.*` attributes of senders whose connection belongs to no pod, such as Beyla with
    context propagation; otherwise they are dropped."""
    metrics: MetricsSettings | None = None
    """Backend of OTLP metrics; without it they are refused."""
    logs: LogsSettings | None = None
    """Backend of OTLP logs; without it they are refused."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the keys `METRICS_PASSWORD` and `LOGS_PASSWORD` of the backends that
    have a username."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """Whether and how the Prometheus operator finds the gateway."""

    def __post_init__(self) -> None:
        if self.password_keys and self.credentials_secret is None:
            raise ValueError("a backend with a username needs the Secret that holds its password")

    @property
    def password_keys(self) -> list[str]:
        """Keys of the Secret for the backends that require a password."""
        backends = {METRICS_PASSWORD: self.metrics, LOGS_PASSWORD: self.logs}
        return [key for key, backend in backends.items() if backend and backend.username]
