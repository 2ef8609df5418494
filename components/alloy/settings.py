"""Settings of Alloy."""

from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.overrides import Overrides
from ..core.settings import PLACED, PlacementSettings, ScalableWorkloadSettings, Size
from ..core.texts import ModulePath, NamespaceName, Url, UrlPath


class AlloyModulesSettings(Settings):
    """Own modules of Alloy's configuration: see docs/overrides.md."""

    after_receive: list[ModulePath] = Field(default=[])
    """Files of modules that data passes first, with the attributes that senders set."""
    before_sampling: list[ModulePath] = Field(default=[])
    """Files of modules that data passes with all attributes, after health checks are dropped. Alloy
    doesn't sample yet."""
    before_export: list[ModulePath] = Field(default=[])
    """Files of modules that data passes last, before it is batched and sent."""
    destinations: list[Url] = Field(default=[])
    """URLs that the modules send to; network policies let Alloy reach them."""


class AlloySettings(Settings):
    """Grafana Alloy, the OTLP gateway for all senders."""

    size: Size = Size.S
    """Preset of replicas, autoscaling, requests, limits and queue: see docs/sizing.md."""
    workload: ScalableWorkloadSettings = ScalableWorkloadSettings()
    """Single values of the size preset to replace."""
    queue_batches: int | None = Field(default=None, ge=10, le=100_000)
    """Batches of about 1 MiB that wait in a pod's memory while a backend does not answer. A larger
    value bridges a longer outage and takes more memory."""
    max_request_mib: int = Field(default=4, ge=1, le=64)
    """Largest OTLP gRPC request in MiB; raise it where senders report `ResourceExhausted`."""
    ignored_paths: list[UrlPath] = Field(
        default=[
            "/health",
            "/healthz",
            "/livez",
            "/readyz",
            "/ready",
            "/-/healthy",
            "/-/ready",
            "/metrics",
        ]
    )
    """URL paths of probes and scrapes, as a whole; Alloy and Beyla drop their spans. The list
    replaces the default."""
    trusted_namespaces: list[NamespaceName] = Field(default=[])
    """Namespaces of senders that report for other pods, such as collectors; Beyla's is always
    trusted. The `k8s.*` attributes of other senders are replaced by those of the pod that sends."""
    trust_unidentified: bool | None = None
    """Keep the `k8s.*` attributes of senders in the host network or outside the cluster, which any
    of them can forge. By default true only with `beyla.contextPropagation`, because Beyla then
    sends from the host network."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of Alloy's pods; each key replaces that of the stack's `placement`."""
    modules: AlloyModulesSettings = AlloyModulesSettings()
    """Own modules of Alloy's configuration."""
    values: Overrides = Field(default={})
    """Other values of the chart `alloy`, merged last: see docs/overrides.md."""
