"""What the component of the operator takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..platform.helm import Chart
from .settings import OperatorSettings


@dataclass(frozen=True, kw_only=True)
class OpenTelemetryOperatorArgs:
    """Arguments of `OpenTelemetryOperator`.

    Attributes:
        settings: the operator's settings.
        namespace: an existing namespace; pod-security level ``restricted`` is enough.
        chart: chart ``opentelemetry-operator`` at an exact version.
        atomic: roll back a failed upgrade.
        image_registry: registry that mirrors the images; None for the public one.
        otlp_endpoint: URL that the SDKs send OTLP over HTTP to.
        excluded_namespaces: namespaces whose pods the operator is never asked about.
    """

    settings: OperatorSettings
    namespace: str
    chart: Chart
    atomic: bool
    image_registry: str | None
    otlp_endpoint: str
    excluded_namespaces: Sequence[str]
