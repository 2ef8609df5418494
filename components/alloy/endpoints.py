"""URLs of the gateway for senders, and the host names of the samplers for the gateway."""

from ..core.names import (
    ALLOY_RELEASE,
    ALLOY_SAMPLER_RELEASE,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    service_host,
)


def otlp_grpc_endpoint(namespace: str) -> str:
    """Return the URL for OTLP over gRPC, as `OTEL_EXPORTER_OTLP_ENDPOINT` takes it."""
    return f"http://{service_host(ALLOY_RELEASE, namespace)}:{OTLP_GRPC_PORT}"


def otlp_http_endpoint(namespace: str) -> str:
    """Return the URL for OTLP over HTTP, without `/v1/traces`."""
    return f"http://{service_host(ALLOY_RELEASE, namespace)}:{OTLP_HTTP_PORT}"


def sampler_hosts(replicas: int, namespace: str) -> list[str]:
    """Return the host names of the samplers' pods, by their headless Service."""
    service = service_host(ALLOY_SAMPLER_RELEASE, namespace)
    return [f"{ALLOY_SAMPLER_RELEASE}-{number}.{service}" for number in range(replicas)]
