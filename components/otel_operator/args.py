"""What the component of the operator takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core import helm
from .settings import OperatorSettings


@dataclass(frozen=True, kw_only=True)
class OpenTelemetryOperatorArgs:
    """Arguments of `OpenTelemetryOperator`."""

    settings: OperatorSettings = OperatorSettings()
    """The operator's settings."""
    namespace: str
    """An existing namespace; pod-security level `restricted` is enough."""
    chart: helm.Chart = helm.OPERATOR
    """The chart `opentelemetry-operator`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public one."""
    otlp_endpoint: str
    """URL that the SDKs send OTLP over HTTP to."""
    excluded_namespaces: Sequence[str] = ()
    """Namespaces whose pods the operator is never asked about."""
