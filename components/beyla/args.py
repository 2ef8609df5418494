"""What the Beyla component takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ..alloy.settings import AlloySettings
from ..core import helm
from ..grafana.settings import ServiceMonitorSettings
from .settings import BeylaSettings


@dataclass(frozen=True, kw_only=True)
class BeylaArgs:
    """Arguments of Beyla."""

    settings: BeylaSettings
    """Beyla's settings; they name at least one namespace."""
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
    """Stamped onto spans and metrics as `k8s.cluster.name`."""
    otlp_endpoint: pulumi.Input[str]
    """URL that spans are sent to in OTLP gRPC; known at preview, or the chart is not checked."""
    excluded_namespaces: Sequence[str] = ()
    """Namespaces of the tracing stack, which are not looked at."""
    excluded_annotations: Sequence[str] = ()
    """Annotations of pods that are left alone, where the value is `namespace/name`: another agent
    looks at them."""
    ignored_paths: Sequence[str] = tuple(AlloySettings().ignored_paths)
    """URL paths of probes and scrapes, kept out of traces and metrics."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """Whether and how the metrics are announced to the Prometheus operator."""
