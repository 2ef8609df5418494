"""Settings of Beyla."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ..core.base import Settings, explained
from ..core.overrides import Overrides
from ..core.settings import PLACED, PlacementSettings, PodSettings
from ..core.texts import LabelKey, LabelValue, NamePattern, NamespacePattern

#: Containers of service meshes that proxy an application: Istio, Linkerd, Kuma and Consul.
_MESH_PROXIES = ("istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane")

#: Memory in MiB that eBPF maps take, however many processes there are. It counts against the limit
#: of the pod. Measured on Linux 6.1 with Beyla 3.31: 293 MiB, and 323 with all of its settings.
MAPS_MIB = 350
#: Memory in MiB of the program itself: in the same tests, it took up to 60 MiB.
_LEAST_PROGRAM_MIB = 66


class ContextPropagation(StrEnum):
    """How Beyla propagates the trace context from service to service."""

    DISABLED = "disabled"
    HEADERS = "headers"
    TCP = "tcp"
    ALL = "all"


class BeylaServiceSettings(Settings):
    """Services that Beyla instruments: those that match every key."""

    namespace: NamespacePattern | None = None
    """Namespace of the service; `*` matches any string, by default any namespace."""
    workload: NamePattern | None = None
    """Name of its Deployment, StatefulSet, DaemonSet or Job; `*` matches any string."""
    labels: dict[LabelKey, LabelValue] = Field(default={})
    """Labels of its pods."""

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not (self.namespace or self.workload or self.labels):
            raise explained("selects nothing: set namespace, workload or labels, or remove it")
        return self


class BeylaPodSettings(PodSettings):
    """Requests and limits of each pod that replace those of the size preset."""

    memory_limit_mib: int | None = Field(
        default=None, ge=MAPS_MIB + _LEAST_PROGRAM_MIB, le=4_194_304
    )
    """Memory limit of a pod in MiB. 350 MiB are for eBPF maps, the rest for the program."""


class BeylaSettings(Settings):
    """Grafana Beyla, the eBPF agent for services without instrumentation."""

    enabled: bool = True
    """Install Beyla, if `namespaces` or `services` selects any."""
    namespaces: list[NamespacePattern] = Field(default=[])
    """Namespaces whose services Beyla instruments; `*` matches any string. For namespaces that it
    never instruments, see docs/beyla.md."""
    services: list[BeylaServiceSettings] = Field(default=[])
    """Services that Beyla instruments in addition to those of `namespaces`, by namespace, workload
    and pod labels. If set, `namespaces` is empty by default in every tier."""
    excluded_namespaces: list[NamespacePattern] = Field(default=[])
    """Namespaces that Beyla doesn't instrument, besides the stack's own and the system's; `*`
    matches any text. An entry that covers all of one in `namespaces` is refused."""
    excluded_containers: list[NamePattern] = Field(default=[*_MESH_PROXIES])
    """Containers that Beyla doesn't instrument; `*` matches any string. The default are the proxies
    of service meshes, which would count each request twice. The list replaces the default."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the traces to keep that start at such services, from 0 to 1; a called service
    follows its caller. Below 1, span metrics count only kept spans; Beyla's own metrics count all
    requests."""
    context_propagation: ContextPropagation = ContextPropagation.DISABLED
    """How Beyla joins the spans of services into one trace: `headers` (W3C traceparent, works with
    SDKs), `tcp` (both ends on Beyla), `all` or `disabled`. Enabled, its pods run in the host
    network, and with Cilium or on some kernels it breaks requests: see docs/beyla.md."""
    enrich_logs: list[NamespacePattern] = Field(default=[])
    """Experimental: namespaces whose services' log lines Beyla extends by the ids of trace and
    span, among the services that it instruments. Beyla intercepts the writes of each process, so
    that a fault of Beyla loses lines: see docs/beyla.md."""
    metrics_port: int = Field(default=9090, ge=1024, le=65_535)
    """Port of Beyla's RED metrics; with context propagation it must be free on every node."""
    workload: BeylaPodSettings = BeylaPodSettings()
    """Single values of the agents' size to replace. Without a CPU limit, the cache has none
    either."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of Beyla's pods; each key replaces that of the stack's `placement`."""
    values: Overrides = Field(default={})
    """Other values of the chart `beyla`, merged last: see docs/overrides.md."""

    @property
    def propagates_context(self) -> bool:
        """Whether Beyla propagates the trace context."""
        return self.context_propagation is not ContextPropagation.DISABLED

    @property
    def selected_namespaces(self) -> list[str]:
        """Namespaces of all services that are selected; `*` for a service in any."""
        return [*self.namespaces, *(service.namespace or "*" for service in self.services)]
