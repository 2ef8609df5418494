"""Tempo's own configuration, as far as it is the same in both modes."""

from typing import Any
from urllib.parse import urlsplit

from ..backends.credentials import METRICS_PASSWORD, password_file
from ..backends.settings import MetricsSettings
from ..core.names import OTLP_RETRY_MINUTES
from ..core.regions import dns_suffix
from ..core.units import GIB, MIB
from ..telemetry.metrics import LATENCY_BUCKETS, TEMPO_SOURCE, Label
from . import sizes
from .args import TempoArgs
from .settings import TempoMode, TempoSettings

#: Largest block that compaction makes, in bytes. Tempo's default of 100 GiB makes blocks that take
#: long to search; the comments in tempo-distributed's values advise 5 GB or less.
MAX_BLOCK_BYTES = 5 * GIB
#: Largest OTLP message in MiB; the receiver's default of 4 is less than what a busy Alloy sends.
OTLP_MESSAGE_MIB = 16
#: Least size in MiB of a message between Tempo's parts: Tempo's default (cmd/tempo/app/config.go).
GRPC_MESSAGE_MIB = 16
#: Age in minutes up to which a span counts in span metrics: as long as Alloy retries it, and one
#: more for what it waited before. Tempo's default of 30 s would leave out, without a word, all that
#: waited in Alloy's queue. A span counts when it arrives, so Tempo keeps nothing longer for this
#: (modules/generator/instance.go of Tempo 2.10 compares the span's end with the clock).
METRICS_SLACK_MINUTES = OTLP_RETRY_MINUTES + 1
METRICS_SLACK = f"{METRICS_SLACK_MINUTES}m"

# What components/telemetry/metrics.py names as labels follows from these.
#: Attributes that become labels of the span metrics, with dots as underscores.
SPAN_DIMENSIONS = (
    "k8s.cluster.name",
    "k8s.namespace.name",
    "deployment.environment.name",
    "service.version",
    "http.route",
)
#: Attributes that become labels of the service graph.
SERVICE_GRAPH_DIMENSIONS = ("k8s.cluster.name", "k8s.namespace.name")


def processors(settings: TempoSettings, metrics: MetricsSettings | None) -> list[str]:
    """Return what the metrics-generator does; it runs only if there is something.

    Without a metrics backend it makes no metrics. It still runs for TraceQL metrics, which come
    from spans that its local blocks hold, and then writes to no remote.
    """
    made = ["service-graphs", "span-metrics"] if metrics else []
    return [*made, "local-blocks"] if settings.traceql_metrics else made


def generator_processors(args: TempoArgs) -> dict[str, Any]:
    """Return Tempo's section metrics_generator.processor."""
    section: dict[str, Any] = {}
    if args.metrics:
        section["service_graphs"] = {
            "dimensions": list(SERVICE_GRAPH_DIMENSIONS),
            # On, Tempo 2.10.8 takes its own configuration for a changed one every ten seconds,
            # starts the processor anew and never gives back its series (measured: 749 to 4,228 in
            # 12 minutes of 259 real ones). connection_type marks virtual nodes all the same.
            "enable_virtual_node_label": False,
        }
        section["span_metrics"] = {
            "dimensions": list(SPAN_DIMENSIONS),
            "enable_target_info": True,
            "histogram_buckets": list(LATENCY_BUCKETS),
            # Alloy sets service.instance.id, so that the label would multiply series by pods and
            # add new ones with each rollout.
            "enable_instance_label": False,
        }
    if args.settings.traceql_metrics:
        # All spans rather than servers' alone, and history beyond the generator's own hour.
        section["local_blocks"] = {"filter_server_spans": False, "flush_to_storage": True}
    return section


def generator_registry(args: TempoArgs) -> dict[str, Any]:
    """Return Tempo's section metrics_generator.registry."""
    return {
        "external_labels": {
            Label.SOURCE.value: TEMPO_SOURCE,
            Label.TEMPO_CLUSTER.value: args.cluster_name,
        }
    }


def remote_write(args: TempoArgs) -> list[dict[str, Any]]:
    """Return Tempo's list metrics_generator.storage.remote_write.

    The charts start Tempo without `-config.expand-env`, so `$` in user or URL stays as it is.

    Raises:
        ValueError: the backend has a user but there is no Secret with the password.
    """
    if not args.metrics:
        return []
    target: dict[str, Any] = {"url": args.metrics.remote_write_url, "send_exemplars": True}
    if args.metrics.username:
        if not args.credentials_secret:
            raise ValueError("metrics.username needs credentials_secret")
        target["basic_auth"] = {
            "username": args.metrics.username,
            "password_file": password_file(METRICS_PASSWORD),
        }
    return [target]


def overrides(args: TempoArgs) -> dict[str, Any]:
    """Return Tempo's section overrides.defaults, in the scoped format."""
    limits = sizes.limits(args.settings)
    spread = args.settings.mode is TempoMode.DISTRIBUTED
    section: dict[str, Any] = {
        "ingestion": {
            # One limit for all distributors together, however many there are.
            "rate_strategy": "global" if spread else "local",
            "rate_limit_bytes": limits.rate_limit_mib * MIB,
            "burst_size_bytes": limits.burst_size_mib * MIB,
            "max_traces_per_user": limits.max_live_traces,
        },
        "global": {"max_bytes_per_trace": limits.max_trace_mib * MIB},
    }
    running = processors(args.settings, args.metrics)
    if running:
        section["metrics_generator"] = {
            "processors": running,
            "max_active_series": limits.max_active_series,
        }
    return section


def grpc_message_bytes(settings: TempoSettings) -> int:
    """Return the largest message between Tempo's parts, in bytes.

    A trace travels in one message; twice its size leaves room for how it is encoded.
    """
    return max(GRPC_MESSAGE_MIB, 2 * sizes.limits(settings).max_trace_mib) * MIB


def retention(settings: TempoSettings) -> str:
    """Return how long blocks are kept, as a Go duration."""
    return f"{settings.retention_hours}h"


def s3(args: TempoArgs) -> dict[str, Any]:
    """Return Tempo's section storage.trace.s3: no keys, for the pods have a role."""
    if args.storage_endpoint:
        url = urlsplit(args.storage_endpoint)
        return {
            "bucket": args.bucket,
            "region": args.region,
            "endpoint": url.netloc,
            "insecure": url.scheme == "http",
            "forcepathstyle": True,
        }
    return {
        "bucket": args.bucket,
        "region": args.region,
        # A host and no URL: Tempo takes nothing else.
        "endpoint": f"s3.{args.region}.{dns_suffix(args.region)}",
    }
