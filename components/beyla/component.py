"""Beyla as a component."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi

from ..alloy.settings import AlloySettings
from ..core import helm
from ..core.names import BEYLA_RELEASE
from ..core.overrides import refuse
from ..core.settings import PlacementSettings, ServiceMonitorSettings
from .settings import BeylaSettings
from .values import checks, rollouts, values

__all__ = ["Beyla", "BeylaArgs"]


@dataclass(frozen=True, kw_only=True)
class BeylaArgs:
    """Arguments of `Beyla`; all plain but `otlp_endpoint`, so that a preview shows the values."""

    settings: BeylaSettings
    """Beyla's settings, with one entry in `namespaces` or `services` at least."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace with pod-security level `privileged`."""
    chart: helm.Chart = helm.BEYLA
    """The chart `beyla`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    nodes: int
    """Expected number of nodes of the cluster."""
    cluster_name: str
    """`k8s.cluster.name` of spans and metrics."""
    otlp_endpoint: pulumi.Input[str]
    """URL for spans in OTLP over gRPC. If unknown at preview, the preview does not check the
    chart."""
    excluded_namespaces: Sequence[str] = ()
    """Namespaces of the tracing stack, which Beyla does not instrument."""
    excluded_annotations: Sequence[str] = ()
    """Annotations whose value is `namespace/name`; Beyla leaves their pods to another agent."""
    ignored_paths: Sequence[str] = tuple(AlloySettings().ignored_paths)
    """URL paths of probes and scrapes, dropped from traces and metrics."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for Beyla's metrics."""


class Beyla(pulumi.ComponentResource):
    """Grafana Beyla, the eBPF agent on every node for services without instrumentation.

    It has no outputs, because no other system connects to it.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        Beyla("beyla", BeylaArgs(settings=BeylaSettings(namespaces=["shop"]), nodes=3,
        namespace="tracing-beyla", cluster_name="dev-1", otlp_endpoint=alloy.otlp_grpc_endpoint))
    """

    def __init__(
        self, name: str, args: BeylaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:Beyla", name, {}, opts)
        self._release = helm.release(
            f"{name}-release",
            name=BEYLA_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=pulumi.Output.from_input(args.otlp_endpoint).apply(
                lambda known: values(replace(args, otlp_endpoint=known))
            ),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        self.register_outputs({})
