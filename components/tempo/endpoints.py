"""Tempo's Services, URLs and pods inside the cluster, by the names and labels of the charts."""

from typing import Any

from ..core.flows import one_of, pods_of
from ..core.names import OTLP_GRPC_PORT, TEMPO_HTTP_PORT, TEMPO_RELEASE, service_host
from .settings import TempoMode


def query_service(mode: TempoMode) -> str:
    """Return the name of the Service that answers queries."""
    return TEMPO_RELEASE if mode is TempoMode.MONOLITHIC else f"{TEMPO_RELEASE}-query-frontend"


def otlp_service(mode: TempoMode) -> str:
    """Return the name of the Service that ingests spans.

    In mode distributed it is headless, so that a gRPC client balances over all distributors
    instead of staying connected to one.
    """
    if mode is TempoMode.MONOLITHIC:
        return TEMPO_RELEASE
    return f"{TEMPO_RELEASE}-distributor-discovery"


def pods(mode: TempoMode, *components: str) -> dict[str, Any]:
    """Select the pods of some components, or all; mode monolithic has one pod for all of them."""
    selector = pods_of(TEMPO_RELEASE)
    if components and mode is TempoMode.DISTRIBUTED:
        selector["matchExpressions"] = [one_of("app.kubernetes.io/component", components)]
    return selector


def query_url(mode: TempoMode, namespace: str) -> str:
    """Return the URL of Tempo's HTTP API."""
    return f"http://{service_host(query_service(mode), namespace)}:{TEMPO_HTTP_PORT}"


def otlp_endpoint(mode: TempoMode, namespace: str) -> str:
    """Return host and port of Tempo's OTLP gRPC receiver."""
    return f"{service_host(otlp_service(mode), namespace)}:{OTLP_GRPC_PORT}"
