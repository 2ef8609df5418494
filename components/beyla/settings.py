"""Settings of Beyla."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.settings import PLACED, PlacementSettings, PodSettings
from ..core.texts import NamespacePattern


class ContextPropagation(StrEnum):
    """How Beyla propagates the trace context from service to service."""

    DISABLED = "disabled"
    HEADERS = "headers"
    TCP = "tcp"
    ALL = "all"


class BeylaSettings(Settings):
    """Grafana Beyla, the eBPF agent for services without instrumentation."""

    enabled: bool = True
    """Install Beyla, if `namespaces` names any."""
    namespaces: list[NamespacePattern] = Field(default=[])
    """Namespaces whose services Beyla instruments; `*` matches any string. For namespaces that it
    never instruments, see docs/beyla.md."""
    excluded_namespaces: list[NamespacePattern] = Field(default=[])
    """Namespaces that Beyla doesn't instrument, besides the stack's own and the system's; `*`
    matches any text. An entry that covers all of one in `namespaces` is refused."""
    context_propagation: ContextPropagation = ContextPropagation.DISABLED
    """How Beyla joins the spans of services into one trace: `headers` (W3C traceparent, works with
    SDKs), `tcp` (both ends on Beyla), `all` or `disabled`. Enabled, its pods run in the host
    network, and with Cilium or on some kernels it breaks requests: see docs/beyla.md."""
    metrics_port: int = Field(default=9090, ge=1024, le=65_535)
    """Port of Beyla's RED metrics; with context propagation it must be free on every node."""
    workload: PodSettings = PodSettings()
    """Single values of the agents' size to replace. Without a CPU limit, the cache has none
    either."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of Beyla's pods; each key replaces that of the stack's `placement`."""
