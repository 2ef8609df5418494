"""What the Beyla component takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..grafana.settings import ServiceMonitorSettings
from ..platform.helm import Chart
from .settings import BeylaSettings


@dataclass(frozen=True, kw_only=True)
class BeylaArgs:
    """Arguments of Beyla.

    Attributes:
        settings: Beyla's settings; they name at least one namespace.
        namespace: an existing namespace with pod-security level ``privileged``.
        chart: chart ``beyla`` at an exact version.
        atomic: roll back a failed upgrade.
        image_registry: registry that mirrors the images; None for the public ones.
        nodes: expected number of nodes of the cluster.
        cluster_name: stamped onto spans and metrics as ``k8s.cluster.name``.
        otlp_endpoint: URL that spans are sent to in OTLP gRPC.
        excluded_namespaces: the stack's own namespaces.
        excluded_annotations: annotations of pods that are left alone, where the value is
            ``namespace/name``: another agent looks at them.
        ignored_paths: URL paths of probes and scrapes, kept out of traces and metrics.
        service_monitor: whether and how the metrics are announced to the Prometheus operator.
    """

    settings: BeylaSettings
    namespace: str
    chart: Chart
    atomic: bool
    image_registry: str | None
    nodes: int
    cluster_name: str
    otlp_endpoint: str
    excluded_namespaces: Sequence[str]
    excluded_annotations: Sequence[str]
    ignored_paths: Sequence[str]
    service_monitor: ServiceMonitorSettings
