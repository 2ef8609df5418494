"""Beyla's configuration, which the chart mounts unchanged (chart key ``config.data``)."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.texts import map_strings
from ..onboarding.env import sampler_variables
from .settings import BeylaServiceSettings

if TYPE_CHECKING:
    from .component import BeylaArgs

#: Path of Beyla's metrics on its Prometheus port (chart default).
METRICS_PATH = "/metrics"
#: Namespaces of Kubernetes itself.
SYSTEM_NAMESPACES = "kube-*"
#: Namespaces that Beyla 3.32 never instruments (pkg/services/criteria.go).
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


def config(args: "BeylaArgs") -> dict[str, Any]:
    """Return the content of Beyla's configuration file."""
    return map_strings(_literal, _config(args))


def _config(args: "BeylaArgs") -> dict[str, Any]:
    settings = args.settings
    metrics = {"port": settings.metrics_port, "path": METRICS_PATH}
    return {
        "discovery": _discovery(args),
        "ebpf": {
            "context_propagation": settings.context_propagation.value,
            **_log_enricher(settings.enrich_logs),
        },
        # For nothing but context propagation, Beyla opens the debugger of each Node process by a
        # signal, and runs code in it.
        "nodejs": {"enabled": settings.propagates_context},
        "attributes": {
            # A string, because the file's schema has a third value, "autodetect".
            "kubernetes": {"enable": "true", "cluster_name": args.cluster_name}
        },
        "routes": {
            "unmatched": "heuristic",
            "ignored_patterns": list(args.ignored_paths),
            "ignore_mode": "all",
        },
        "otel_traces_export": {
            "endpoint": args.otlp_endpoint,
            "protocol": "grpc",
            **_sampler(settings.sample_ratio),
        },
        # `application_span` and `application_service_graph` would write the same series as Tempo's
        # metrics-generator, and every dashboard would count twice.
        "metrics": {"features": ["application"]},
        "prometheus_export": metrics,
        # Same port and path, so that one scrape collects the metrics of services and of Beyla.
        "internal_metrics": {"exporter": "prometheus", "prometheus": metrics},
    }


def _log_enricher(namespaces: Sequence[str]) -> dict[str, Any]:
    """Return what extends log lines; nothing for no namespace.

    The default adds fields to lines in JSON, and `trace_id=… span_id=…` to the end of others, as
    modules/trace_ids.alloy finds them.
    """
    services = [{"service": [{"k8s_namespace": name}]} for name in namespaces]
    return {"log_enricher": {"services": services}} if services else {}


def _sampler(ratio: float) -> dict[str, Any]:
    """Return the sampler; none keeps all traces."""
    if ratio == 1:
        return {}
    variables = sampler_variables(ratio)
    name, arg = variables["OTEL_TRACES_SAMPLER"], variables["OTEL_TRACES_SAMPLER_ARG"]
    return {"sampler": {"name": name, "arg": arg}}


def _literal(text: str) -> str:
    """Return a string in which Beyla replaces no environment variable (pkg/config/env_replacer.go).

    It takes `$${NAME}` for `${NAME}`, and `${NAME:-` as the start of a variable even where the next
    brace is in another string.
    """
    return re.sub(r"\$(?=\{(env:)?[A-Za-z_][A-Za-z0-9_]*(\}|:-))", "$$", text)


def _discovery(args: "BeylaArgs") -> dict[str, Any]:
    excluded = [
        SYSTEM_NAMESPACES,
        *args.excluded_namespaces,
        *args.settings.excluded_namespaces,
    ]
    return {
        "instrument": [
            *({"k8s_namespace": name} for name in args.settings.namespaces),
            *map(_service, args.settings.services),
        ],
        "exclude_instrument": [
            *({"k8s_namespace": name} for name in dict.fromkeys(excluded)),
            *({"k8s_container_name": name} for name in args.settings.excluded_containers),
            *({"k8s_pod_annotations": {name: "*/*"}} for name in args.excluded_annotations),
        ],
        # A service with an SDK sends its own spans; both at once break parents and count twice.
        "exclude_otel_instrumented_services": True,
        "exclude_otel_instrumented_services_span_metrics": True,
    }


def _service(service: BeylaServiceSettings) -> dict[str, Any]:
    """Return the criteria of one selection, all of which must match."""
    criteria = {
        "k8s_namespace": service.namespace,
        "k8s_owner_name": service.workload,
        "k8s_pod_labels": service.labels,
    }
    return {key: value for key, value in criteria.items() if value}
