"""Beyla's own configuration, which the chart mounts as it is (chart key ``config.data``)."""

import re
from typing import Any

from ..core.texts import map_strings
from .args import BeylaArgs

#: Path of Beyla's metrics on its Prometheus port (chart default).
METRICS_PATH = "/metrics"
#: Namespaces of Kubernetes itself.
SYSTEM_NAMESPACES = "kube-*"
#: Namespaces that Beyla 3.32 leaves alone whatever it is told (pkg/services/criteria.go).
NEVER_INSTRUMENTED = frozenset(
    {
        "cert-manager",
        "grafana-alloy",
        "kube-node-lease",
        "kube-system",
        "local-path-storage",
        "monitoring",
    }
)


def config(args: BeylaArgs) -> dict[str, Any]:
    """Return Beyla's configuration.

    Args:
        args: arguments of the component.

    Returns:
        Keys and values of Beyla's configuration file.
    """
    return map_strings(_literal, _config(args))


def _config(args: BeylaArgs) -> dict[str, Any]:
    settings = args.settings
    metrics = {"port": settings.metrics_port, "path": METRICS_PATH}
    return {
        "discovery": _discovery(args),
        "ebpf": {"context_propagation": settings.context_propagation.value},
        "attributes": {
            # A string: the file's schema knows "autodetect" beside the two truth values.
            "kubernetes": {"enable": "true", "cluster_name": args.cluster_name}
        },
        "routes": {
            "unmatched": "heuristic",
            "ignored_patterns": list(args.ignored_paths),
            "ignore_mode": "all",
        },
        "otel_traces_export": {"endpoint": args.otlp_endpoint, "protocol": "grpc"},
        # Only `application`: `application_span` and `application_service_graph` would write the
        # series that Tempo's metrics-generator writes, and every dashboard would count twice.
        "metrics": {"features": ["application"]},
        "prometheus_export": metrics,
        # Same port and path: one scrape shows the services and whether Beyla itself works.
        "internal_metrics": {"exporter": "prometheus", "prometheus": metrics},
    }


def _literal(text: str) -> str:
    """Return a string in which Beyla replaces no environment variable (pkg/config/env_replacer.go).

    It takes `$${NAME}` for `${NAME}`, and `${NAME:-` as the start of a variable even where the next
    brace is in another string.
    """
    return re.sub(r"\$(?=\{(env:)?[A-Za-z_][A-Za-z0-9_]*(\}|:-))", "$$", text)


def _discovery(args: BeylaArgs) -> dict[str, Any]:
    excluded = [
        SYSTEM_NAMESPACES,
        *args.excluded_namespaces,
        *args.settings.excluded_namespaces,
    ]
    return {
        "instrument": [{"k8s_namespace": name} for name in args.settings.namespaces],
        "exclude_instrument": [
            *({"k8s_namespace": name} for name in dict.fromkeys(excluded)),
            *({"k8s_pod_annotations": {name: "*/*"}} for name in args.excluded_annotations),
        ],
        # A service with an SDK reports itself; both at once break parents and count twice.
        "exclude_otel_instrumented_services": True,
        "exclude_otel_instrumented_services_span_metrics": True,
    }
