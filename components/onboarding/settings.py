"""What an application says about itself and how it wants to be traced."""

from enum import StrEnum

from pydantic import Field

from ..core.base import Settings

#: Printable ASCII without spaces, and without the dollar sign that Kubernetes would expand.
_PLAIN = r"^[!-#%-~]+$"


class Language(StrEnum):
    """Languages whose SDKs differ in what they must be told."""

    DOTNET = "dotnet"
    GO = "go"
    JAVA = "java"
    NODEJS = "nodejs"
    PYTHON = "python"


class OtlpProtocol(StrEnum):
    """How OTLP travels: the values of ``OTEL_EXPORTER_OTLP_PROTOCOL`` that Alloy takes."""

    GRPC = "grpc"
    HTTP_PROTOBUF = "http/protobuf"


class Propagator(StrEnum):
    """Formats of the trace context in requests: values of ``OTEL_PROPAGATORS``."""

    TRACECONTEXT = "tracecontext"
    BAGGAGE = "baggage"
    B3 = "b3"
    B3MULTI = "b3multi"
    JAEGER = "jaeger"
    XRAY = "xray"


class OtlpSettings(Settings):
    """Settings of an application's SDK, passed in environment variables."""

    language: Language | None = None
    """Language of the application. It adds variables that only this language's SDK knows."""
    protocol: OtlpProtocol = OtlpProtocol.HTTP_PROTOBUF
    """How spans travel: `http/protobuf` (port 4318), which every SDK has, or `grpc` (port 4317)."""
    service_name: str | None = Field(default=None, max_length=255, pattern=_PLAIN)
    """Name of the service. One per application, so a ConfigMap for a namespace refuses it."""
    service_version: str | None = Field(default=None, max_length=255, pattern=_PLAIN)
    """Version of the service; dashboards compare releases by it. One per application."""
    service_namespace: str | None = Field(default=None, max_length=255, pattern=_PLAIN)
    """Group that the service belongs to; Alloy takes the Kubernetes namespace where it is not
    set."""
    environment: str | None = Field(default=None, max_length=255, pattern=_PLAIN)
    """Name of the environment (`deployment.environment.name`); Alloy takes the stack's where it is
    not set."""
    attributes: dict[str, str] = Field(default={})
    """Further resource attributes, such as `team: checkout`."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Part of the traces that start here to keep, from 0 to 1. Who is called goes along with its
    caller. Below 1, span metrics count only what is kept."""
    propagators: list[Propagator] = Field(
        default=[Propagator.TRACECONTEXT, Propagator.BAGGAGE], min_length=1
    )
    """Formats of the trace context in requests. Beyla and the other services of the stack speak
    `tracecontext`."""
    metrics: bool = False
    """Send metrics by OTLP too; the tracing stack takes them where `backends.metrics` is set."""
    logs: bool = False
    """Send logs by OTLP too; the tracing stack takes them where `backends.logs` is set."""
