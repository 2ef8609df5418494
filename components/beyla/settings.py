"""Settings of Beyla."""

from enum import StrEnum

from pydantic import Field

from components.platform.base import Settings
from components.platform.settings import WorkloadSettings


class ContextPropagation(StrEnum):
    """How Beyla carries the trace context from service to service."""

    DISABLED = "disabled"
    HEADERS = "headers"
    TCP = "tcp"
    ALL = "all"


class BeylaSettings(Settings):
    """Grafana Beyla, the eBPF agent that sees services without instrumentation."""

    enabled: bool = True
    """Run Beyla at all. Without a namespace in `namespaces` nothing is installed either."""
    namespaces: list[str] = Field(default=[])
    """Namespaces whose services Beyla looks at; `*` in a name matches any text."""
    excluded_namespaces: list[str] = Field(default=[])
    """Namespaces that Beyla leaves alone, on top of the stack's own and the system's."""
    context_propagation: ContextPropagation = ContextPropagation.DISABLED
    """Join the spans of services into one trace: `headers` (W3C traceparent, works with SDKs),
    `tcp` (both ends on Beyla), `all`, or `disabled`. On, the pods run in the host network."""
    metrics_port: int = Field(default=9090, ge=1024, le=65_535)
    """Port of Beyla's RED metrics; with context propagation it must be free on every node."""
    workload: WorkloadSettings = WorkloadSettings()
    """Single values of the pod's size to replace."""
    priority_class: str | None = Field(default=None, max_length=253)
    """Priority class of the pods."""
