"""The collector of pod logs as a component."""

from dataclasses import dataclass

import pulumi

from ...backends import credentials
from ...backends.settings import BackendSettings, LogsSettings, Writers
from ...core import helm
from ...core.names import ALLOY_LOGS_RELEASE
from ...core.outputs import register
from ...core.overrides import refuse
from ...core.settings import IpFamily, PlacementSettings, ServiceMonitorSettings
from ..clean.settings import AttributeLimitSettings, RedactionSettings
from .settings import PodLogsSettings
from .values import checks, rollouts, values

__all__ = ["AlloyPodLogs", "AlloyPodLogsArgs"]


@dataclass(frozen=True, kw_only=True)
class AlloyPodLogsArgs:
    """Arguments of `AlloyPodLogs`.

    Raises:
        ValueError: the logs backend requires a password, but `credentials_secret` is not set.
    """

    settings: PodLogsSettings = PodLogsSettings(enabled=True)
    """Namespaces, size and placement."""
    logs: LogsSettings
    """Backend of the lines, which takes OTLP. `auth: sigv4` is not possible: the pods have no AWS
    identity."""
    redaction: RedactionSettings = RedactionSettings()
    """Redaction of the lines. Attributes of hashes are left out: a line has none."""
    limits: AttributeLimitSettings = AttributeLimitSettings()
    """Limits of the attributes."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack, of which priority class, pull secrets, labels and annotations
    count; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace; pod-security level `restricted` is enough."""
    chart: helm.Chart = helm.ALLOY
    """The chart `alloy`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    ip_family: IpFamily = IpFamily.IPV4
    """Addresses of the pods."""
    nodes: int = 3
    """Nodes of the cluster; the timeout of the release follows from it."""
    environment: str
    """`deployment.environment.name` of the lines."""
    cluster_name: str
    """`k8s.cluster.name` of the lines."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the key `LOGS_PASSWORD`, if the logs backend requires a password or
    token that is in no other Secret."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for the pods themselves."""

    def __post_init__(self) -> None:
        credentials.volumes(self.credentials_secret, self.writers)

    @property
    def writers(self) -> Writers:
        """The backend that the pods write to."""
        return BackendSettings(logs=self.logs).writers


class AlloyPodLogs(pulumi.ComponentResource):
    """A pod of Alloy on each node that sends the logs of its pods to the logs backend.

    It finds the ids of trace and span in the lines, so that Grafana leads from a span to its lines.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        AlloyPodLogs("logs", AlloyPodLogsArgs(namespace="tracing", environment="dev",
        cluster_name="dev-1", logs=LogsSettings(otlp_url="http://loki.loki.svc:3100/otlp")))
    """

    def __init__(
        self, name: str, args: AlloyPodLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:AlloyPodLogs", name, {}, opts)
        self._release = helm.release(
            f"{name}-release",
            name=ALLOY_LOGS_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=values(args),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        register(self)
