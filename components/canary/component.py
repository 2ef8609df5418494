"""The canary as a component."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from ..core import helm
from ..core.names import CANARY_RELEASE
from ..core.outputs import register
from ..core.overrides import refuse
from ..core.settings import PlacementSettings, ServiceMonitorSettings
from .settings import CanarySettings
from .values import checks, rollouts, values

__all__ = ["Canary", "CanaryArgs"]


@dataclass(frozen=True, kw_only=True)
class CanaryArgs:
    """Arguments of `Canary`."""

    settings: CanarySettings = CanarySettings(enabled=True)
    """Interval, size and placement."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace; pod-security level `restricted` is enough."""
    chart: helm.Chart = helm.TEMPO_VULTURE
    """The chart `tempo-vulture`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the image; by default the public one."""
    push_url: str
    """URL that traces are sent to by OTLP over gRPC, without TLS."""
    query_url: str
    """URL of Tempo's HTTP API."""
    retention_hours: int
    """Retention of traces in hours: older ones are not looked up."""
    tenant: str | None = None
    """Tenant whose traces are looked up; none without multitenancy."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """Whether a PodMonitor scrapes the canary, and its labels."""


class Canary(pulumi.ComponentResource):
    """Tempo Vulture, which sends traces and looks them up.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        Canary("canary", CanaryArgs(namespace="tracing", push_url="http://alloy.tracing.svc:4317",
        query_url="http://tempo.tracing.svc:3200", retention_hours=336))
    """

    def __init__(
        self, name: str, args: CanaryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:Canary", name, {}, opts)
        # The chart's own would mount a token that gives access to the API server.
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-service-account",
            metadata={"name": CANARY_RELEASE, "namespace": args.namespace},
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._release = helm.release(
            f"{name}-release",
            name=CANARY_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=values(args),
            rollouts=rollouts(),
            atomic=args.atomic,
            parent=self,
            depends_on=[account],
        )
        register(self)
