"""What both modes share: Tempo's own configuration, and credentials and placement of its pods."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..backends import credentials
from ..backends.settings import MetricsSettings
from ..core import contracts
from ..core.flows import pods_of
from ..core.names import TEMPO_RELEASE, TEMPO_SERVICE_ACCOUNT
from ..core.overrides import Check, merged
from ..core.placement import HOST
from ..core.regions import S3Endpoint, s3_host
from ..core.units import GIB, MIB
from ..identity.role import irsa_annotation
from ..telemetry.metrics import TEMPO_SOURCE, Label
from . import sizes
from .settings import (
    SPAN_DIMENSIONS,
    Histograms,
    TempoLimitSettings,
    TempoMode,
    TempoSettings,
)

if TYPE_CHECKING:
    from .component import TempoArgs

#: Largest block that compaction makes, in bytes. Tempo's default of 100 GiB makes blocks that take
#: long to search; the comments in tempo-distributed's values advise 5 GB or less.
MAX_BLOCK_BYTES = 5 * GIB
#: Largest OTLP message in MiB; a busy Alloy sends more than the receiver's default of 4.
OTLP_MESSAGE_MIB = 16
#: Smallest limit in MiB of a message between Tempo's parts; the default (cmd/tempo/app/config.go).
GRPC_MESSAGE_MIB = 16
#: Minutes until every querier lists a new block (`storage.trace.blocklist_poll`).
LISTED_MINUTES = 5
#: Longest life of a trace in memory in seconds, by default (modules/livestore/config.go of 3.0).
_TRACE_LIVE_SECONDS = 30
#: Shortest limit of a search in hours that the stack sets by itself: Tempo's default.
_SEARCH_HOURS = 168

# The labels in components/telemetry/metrics.py follow from these.
#: Attributes that become labels of the service graph.
SERVICE_GRAPH_DIMENSIONS = ("k8s.cluster.name", "k8s.namespace.name")


#: Reason why the stack owns the values that become Tempo's configuration.
GENERATED = "it is generated from the settings, and tempo.config changes it"


#: Reason why the stack owns addresses.
_USED = "Alloy, Grafana, probes and network policies use it"
#: Reason why the stack owns paths.
_MOUNTED = "a volume is mounted there"
#: Reason why the stack owns how series are made.
_READ = "dashboards and alerts read these series"
#: Keys that `tempo.config` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    "auth_enabled": "tempo.tenant",
    "multitenancy_enabled": "tempo.tenant or tenancy.mode",
    "http_api_prefix": _USED,
    "target": "tempo.mode",
    "stream_over_http_enabled": "Grafana's datasource streams results",
    "server.http_listen_port": _USED,
    "server.grpc_listen_port": _USED,
    "server.grpc_server_max_recv_msg_size": "tempo.limits.maxTraceMib",
    "server.grpc_server_max_send_msg_size": "tempo.limits.maxTraceMib",
    "distributor.receivers.otlp.protocols.grpc.endpoint": _USED,
    "distributor.receivers.otlp.protocols.http.endpoint": _USED,
    "distributor.receivers.jaeger": "tempo.jaeger",
    "distributor.receivers.zipkin": "tempo.zipkin",
    "distributor.receivers.kafka": "spans arrive by OTLP, Jaeger or Zipkin only",
    "ingester.lifecycler.ring.replication_factor": "the number of ingesters follows from it",
    "ingester.max_block_duration": "tempo.blocks.maxMinutes",
    "ingester.complete_block_timeout": "tempo.blocks.keptMinutes",
    "ingester.trace_idle_period": "tempo.blocks.idleSeconds",
    "query_frontend.search.max_duration": "tempo.maxSearchHours",
    "query_frontend.search.query_ingesters_until": "tempo.blocks",
    "query_frontend.metrics.max_duration": "tempo.maxMetricsHours",
    "metrics_generator.metrics_ingestion_time_range_slack": "tempo.slackMinutes",
    "memberlist": "its members find each other by it",
    "compactor.compaction.block_retention": "tempo.retentionHours",
    "storage.trace.backend": "S3 is the only storage that the stack makes",
    "storage.trace.local": _MOUNTED,
    "storage.trace.wal.ingestion_time_range_slack": "tempo.slackMinutes",
    "storage.trace.wal.path": _MOUNTED,
    "storage.trace.s3.bucket": "storage.bucket",
    "storage.trace.s3.endpoint": "storage.endpoint",
    "storage.trace.s3.forcepathstyle": "storage.endpoint",
    "storage.trace.s3.insecure": "storage.endpoint",
    "storage.trace.s3.region": "cluster.region",
    "storage.trace.s3.access_key": "identity.mode",
    "storage.trace.s3.secret_key": "identity.mode",
    "storage.trace.s3.session_token": "identity.mode",
    "storage.trace.s3.sse": "storage.encryption",
    "metrics_generator.processor.span_metrics.histogram_buckets": "tempo.spanMetrics.buckets",
    "metrics_generator.processor.span_metrics.enable_target_info": _READ,
    "metrics_generator.processor.span_metrics.intrinsic_dimensions": _READ,
    f"metrics_generator.registry.external_labels.{Label.SOURCE.value}": _READ,
    f"metrics_generator.registry.external_labels.{Label.TEMPO_CLUSTER.value}": _READ,
    "metrics_generator.storage.path": _MOUNTED,
    "metrics_generator.storage.remote_write": "backends.metrics",
    "metrics_generator.storage.remote_write_add_org_id_header": "backends.metrics",
    "metrics_generator.traces_storage.path": _MOUNTED,
    "overrides.defaults.ingestion.rate_limit_bytes": "tempo.limits.rateLimitMib",
    "overrides.defaults.ingestion.burst_size_bytes": "tempo.limits.burstSizeMib",
    "overrides.defaults.ingestion.max_traces_per_user": "tempo.limits.maxLiveTraces",
    "overrides.defaults.ingestion.max_attribute_bytes": "tempo.limits.maxAttributeBytes",
    "overrides.defaults.global.max_bytes_per_trace": "tempo.limits.maxTraceMib",
    "overrides.defaults.metrics_generator.max_active_series": "tempo.limits.maxActiveSeries",
    "overrides.defaults.metrics_generator.processors": "tempo.traceqlMetrics",
    "overrides.per_tenant_override_config": "tempo.overrides",
    "overrides.user_configurable_overrides": "its storage needs permissions that Tempo lacks",
}


#: Keys of Tempo 3 that `tempo.config` can't set, instead of those of the parts that it replaced.
OWNED_3: Mapping[str, str] = {
    **{
        key: owner
        for key, owner in OWNED.items()
        if not key.startswith(("ingester.", "compactor.", "metrics_generator.traces_storage"))
        and key != "query_frontend.search.query_ingesters_until"
    },
    "ingest.kafka.address": "tempo.kafka.address",
    "ingest.kafka.topic": "tempo.kafka.topic",
    "ingest.kafka.auto_create_topic_enabled": "tempo.kafka.partitions",
    "ingest.kafka.auto_create_topic_default_partitions": "tempo.kafka.partitions",
    "ingest.kafka.consumer_group": "alerts read its name",
    "ingest.kafka.sasl_username": "tempo.kafka.username",
    "ingest.kafka.sasl_password": "tempo.kafka.passwordSecret",
    "block_builder.assigned_partitions": "tempo.kafka.partitions",
    "block_builder.instance_id": "tempo.kafka.partitions",
    "block_builder.partitions_per_instance": "tempo.kafka.partitions",
    "block_builder.wal.path": _MOUNTED,
    "query_frontend.search.query_backend_after": "tempo.blocks",
    "query_frontend.metrics.query_backend_after": "tempo.blocks",
    "live_store.max_block_duration": "tempo.blocks.maxMinutes",
    "live_store.complete_block_timeout": "tempo.blocks.keptMinutes",
    "live_store.max_trace_idle": "tempo.blocks.idleSeconds",
    "live_store.wal.ingestion_time_range_slack": "tempo.slackMinutes",
    "live_store.wal.path": _MOUNTED,
    "live_store.shutdown_marker_dir": _MOUNTED,
    "backend_scheduler.local_work_path": _MOUNTED,
    "backend_scheduler.provider.compaction.compaction.block_retention": "tempo.retentionHours",
    "backend_worker.compaction.block_retention": "tempo.retentionHours",
    "backend_worker.backend_scheduler_addr": _USED,
}


def checks(args: "TempoArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of Tempo's configuration."""
    settings = args.settings
    recorded = contracts.of_tempo(settings.image_tag.removeprefix("v"))
    yield Check(
        setting="tempo.config",
        given=settings.config,
        contract=recorded,
        owned=OWNED if settings.version == 2 else OWNED_3,
        built=lambda: {"metrics_generator": {"processor": generator_processors(args)}},
    )
    limits = recorded.below("overrides.defaults") if recorded else None
    for tenant, given in settings.overrides.items():
        yield Check(
            setting=f"tempo.overrides.{tenant}", given=given, contract=limits, owned={}, built=dict
        )


def processors(
    settings: TempoSettings, metrics: MetricsSettings | None, *, sampled: bool = False
) -> list[str]:
    """Return the processors of the metrics-generator, which runs only if there are any.

    TraceQL metrics need no metrics backend: they come from the generator's local blocks.
    """
    # Behind samplers, bytes of stored spans are all that Tempo can count truly.
    every = ["span-metrics-size"] if sampled else ["service-graphs", "span-metrics"]
    written = every if metrics else []
    return [*written, "local-blocks"] if settings.local_blocks else written


def generator_processors(args: "TempoArgs") -> dict[str, Any]:
    """Return Tempo's section `metrics_generator.processor`."""
    section: dict[str, Any] = {}
    if args.metrics and not args.sampled:
        section["service_graphs"] = {
            "dimensions": list(SERVICE_GRAPH_DIMENSIONS),
            # If enabled, Tempo 2.10.8 detects a changed configuration every ten seconds, restarts
            # the processor and never frees its series (measured: from 749 to 4,228 in 12 minutes,
            # of 259 real ones). connection_type marks virtual nodes anyway.
            "enable_virtual_node_label": False,
        }
    if args.metrics:
        section["span_metrics"] = {
            "dimensions": [*SPAN_DIMENSIONS, *args.settings.span_metrics.dimensions],
            "enable_target_info": True,
            "histogram_buckets": list(args.settings.span_metrics.buckets),
            # Alloy sets service.instance.id, so that the label would multiply series by pods and
            # add new ones with each rollout.
            "enable_instance_label": False,
        }
    if args.settings.local_blocks:
        # All spans instead of servers' only, and history beyond the generator's hour.
        section["local_blocks"] = {"filter_server_spans": False, "flush_to_storage": True}
    return section


def generator_registry(args: "TempoArgs") -> dict[str, Any]:
    """Return Tempo's section `metrics_generator.registry`."""
    return {
        "external_labels": {
            Label.SOURCE.value: TEMPO_SOURCE,
            Label.TEMPO_CLUSTER.value: args.cluster_name,
        },
        # A generator keeps each tenant's series apart, and writes all of them to one backend.
        # Without the label, a service in two tenants would have two counters of one name.
        **({"inject_tenant_id_as": Label.TENANT.value} if args.tenants else {}),
    }


#: What Tempo answers a sender over the rate limit. Without it, OTLP exporters drop what is refused
#: with ResourceExhausted, Alloy's too.
RETRY_AFTER = "5s"


def remote_write(args: "TempoArgs") -> list[dict[str, Any]]:
    """Return Tempo's list `metrics_generator.storage.remote_write`.

    The charts start Tempo without `-config.expand-env`, so `$` in user or URL stays as it is.
    """
    writers = args.metrics.writers if args.metrics else {}
    return [credentials.remote_write(name, url, its) for name, (url, its) in writers.items()]


def overrides(args: "TempoArgs") -> dict[str, Any]:
    """Return Tempo's section `overrides.defaults`, in the scoped format."""
    limits = _scoped(sizes.limits(args.settings))
    spread = args.settings.mode is TempoMode.DISTRIBUTED
    section: dict[str, Any] = {
        "ingestion": {
            # One limit for all distributors together, however many there are.
            "rate_strategy": "global" if spread else "local",
            **limits["ingestion"],
        },
        "global": limits["global"],
    }
    running = processors(args.settings, args.metrics, sampled=args.sampled)
    if running:
        histograms = args.settings.span_metrics.histograms
        native = args.metrics and histograms is not Histograms.CLASSIC
        section["metrics_generator"] = {
            "processors": running,
            **limits["metrics_generator"],
            **({"generate_native_histograms": histograms.value} if native else {}),
        }
    return section


#: Defaults of Tempo (modules/overrides/config.go) that a tenant with overrides would lose too.
_UNSET: Mapping[str, Any] = {
    "ingestion": {"retry_info_enabled": True},
    "read": {"max_bytes_per_tag_values_query": 1_000_000},
}


def tenant_overrides(args: "TempoArgs") -> dict[str, Any]:
    """Return the overrides of each tenant, complete: Tempo applies no default to such a tenant."""
    defaults = merged(merged(_UNSET, overrides(args)), _defaults_of(args.settings))
    own = {tenant: given for tenant, given in args.tenants.items() if given}
    further = args.settings.overrides
    return {
        tenant: merged(merged(defaults, own.get(tenant, {})), further.get(tenant, {}))
        for tenant in dict.fromkeys([*own, *further])
    }


def limits_of_tenant(limits: TempoLimitSettings, retention_hours: int | None) -> dict[str, Any]:
    """Return a tenant's own limits in the scoped format, without those of all tenants."""
    given = {name: section for name, section in _scoped(limits).items() if section}
    if retention_hours:
        given["compaction"] = {"block_retention": f"{retention_hours}h"}
    return given


def _scoped(limits: sizes.Limits | TempoLimitSettings) -> dict[str, dict[str, Any]]:
    """Return the limits that are set, in the scoped format of overrides."""
    sections = {
        "ingestion": {
            "rate_limit_bytes": limits.rate_limit_mib and limits.rate_limit_mib * MIB,
            "burst_size_bytes": limits.burst_size_mib and limits.burst_size_mib * MIB,
            "max_traces_per_user": limits.max_live_traces,
            "max_attribute_bytes": limits.max_attribute_bytes,
        },
        "global": {"max_bytes_per_trace": limits.max_trace_mib and limits.max_trace_mib * MIB},
        "metrics_generator": {"max_active_series": limits.max_active_series},
    }
    return {
        name: {key: value for key, value in section.items() if value is not None}
        for name, section in sections.items()
    }


def _defaults_of(settings: TempoSettings) -> Mapping[str, Any]:
    """Return `overrides.defaults` in `tempo.config`."""
    section: Any = settings.config
    for key in ("overrides", "defaults"):
        section = section.get(key) or {}
    return section


def grpc_message_bytes(settings: TempoSettings) -> int:
    """Return the largest message between Tempo's parts, in bytes.

    A trace travels in one message; twice its size leaves room for how it is encoded.
    """
    return max(GRPC_MESSAGE_MIB, 2 * sizes.limits(settings).max_trace_mib) * MIB


def ingester(settings: TempoSettings) -> dict[str, Any]:
    """Return the block timings in Tempo's section `ingester`."""
    blocks = sizes.blocks(settings)
    return {
        "max_block_duration": f"{blocks.max_minutes}m",
        "complete_block_timeout": f"{blocks.kept_minutes}m",
        "trace_idle_period": f"{blocks.idle_seconds}s",
    }


def live_store(settings: TempoSettings) -> dict[str, Any]:
    """Return the block timings in the section `live_store` of Tempo 3."""
    blocks = sizes.blocks(settings)
    return {
        "max_block_duration": f"{blocks.max_minutes}m",
        "complete_block_timeout": f"{blocks.kept_minutes}m",
        "max_trace_idle": f"{blocks.idle_seconds}s",
        # At least as long as a pause between two spans may be.
        "max_trace_live": f"{max(_TRACE_LIVE_SECONDS, blocks.idle_seconds)}s",
        "wal": {"ingestion_time_range_slack": slack(settings)},
    }


def query_frontend(settings: TempoSettings) -> dict[str, Any]:
    """Return the limits of queries in Tempo's section `query_frontend`."""
    hours = settings.max_search_hours or max(settings.retention_hours, _SEARCH_HOURS)
    if settings.version == 3:
        # Younger spans are in the live store only, and older ones in the bucket only.
        after = {"query_backend_after": f"{sizes.blocks(settings).kept_minutes - LISTED_MINUTES}m"}
        return {
            "search": {"max_duration": f"{hours}h", **after},
            "metrics": {"max_duration": f"{settings.max_metrics_hours}h", **after},
        }
    return {
        "search": {
            "max_duration": f"{hours}h",
            # An older span is in a block that queriers know. With Tempo's default of 30 minutes, a
            # search finds no spans in a block of that age until they know it.
            "query_ingesters_until": f"{sizes.blocks(settings).minutes}m",
        },
        "metrics": {"max_duration": f"{settings.max_metrics_hours}h"},
    }


def slack(settings: TempoSettings) -> str:
    """Return the age up to which a span counts, as a Go duration.

    Tempo's defaults of 30 s for span metrics and 2 m for the time range of a block would silently
    leave out spans that waited in Alloy's queue. A larger value costs no memory: Tempo compares the
    span's end with the clock when it arrives (modules/generator/instance.go,
    tempodb/encoding/common/slackTimeRange.go of Tempo 2.10).
    """
    return f"{settings.slack_minutes}m"


def retention(settings: TempoSettings) -> str:
    """Return how long blocks are kept, as a Go duration."""
    return f"{settings.retention_hours}h"


def s3(args: "TempoArgs") -> dict[str, Any]:
    """Return Tempo's section `storage.trace.s3`, without keys, because the pods have a role."""
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
        # A host: Tempo accepts no URL.
        "endpoint": s3_host(args.region, args.s3_endpoint),
        # Without it, Tempo's client replaces the host by the standard one (minio-go, api.go).
        **({"enable_dual_stack": True} if args.s3_endpoint is S3Endpoint.DUALSTACK else {}),
    }


#: User and group of Tempo's image (its Dockerfile).
_USER = 10001
#: GOMEMLIMIT as a share of the memory limit, as in tempo-distributed
#: (global.goSettings.goMemLimitFactor).
GO_MEMORY_SHARE = 0.85

#: Pod security context, within pod-security level `restricted`.
POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    # Without it, each start changes the owner of all files on the volume.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: Container security context, within pod-security level `restricted`.
CONTAINER_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
#: Liveness probe. The charts probe /ready, which fails while a long WAL is replayed, so that the
#: kubelet would kill the pod and the replay would start over.
LIVENESS: dict[str, Any] = {"httpGet": {"path": "/status/version"}}
#: Readiness probe, on top of the chart's own. The charts wait 20 and 30 s before they probe: while
#: all distributors start, senders without a queue then lose spans although Tempo is ready.
READINESS: dict[str, Any] = {"initialDelaySeconds": 5, "periodSeconds": 5}
#: Seconds until a started pod counts as ready, at most: the probe, 15 s in which an ingester waits
#: for its ring (`min_ready_duration`), and the chart's `minReadySeconds` of 10.
READY_SECONDS = 40
#: Seconds in which an ingester replays its write-ahead log after a start; estimated for some GiB.
REPLAY_SECONDS = 60


def service_account(args: "TempoArgs") -> dict[str, Any]:
    """Return the values of the service account, the same in both charts."""
    return {
        "create": True,
        "name": TEMPO_SERVICE_ACCOUNT,
        "annotations": {},
        **irsa_annotation(args.irsa_role_arn),
        # Tempo does not use the Kubernetes API, and EKS mounts the token for AWS separately.
        "automountServiceAccountToken": False,
    }


def emulator_credentials(args: "TempoArgs") -> list[dict[str, str]]:
    """Return environment variables with AWS keys for an S3 emulator, which accepts any."""
    if not args.storage_endpoint:
        return []
    return [
        {"name": "AWS_ACCESS_KEY_ID", "value": "test"},
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "test"},
    ]


def credential_volumes(args: "TempoArgs") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return volumes and mounts with the files that signing in to the metrics backend requires.

    Raises:
        ValueError: a password is in the stack's own Secret, and there is none.
    """
    writers = args.metrics.writers if args.metrics else {}
    return credentials.volumes(args.credentials_secret, writers), credentials.mounts(writers)


def host_spread(selector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constraint that keeps the copies of a span on different nodes."""
    return {
        "maxSkew": 1,
        "topologyKey": HOST,
        "whenUnsatisfiable": "DoNotSchedule",
        # Otherwise the pod of a drained or lost node could not be scheduled.
        "nodeTaintsPolicy": "Honor",
        "labelSelector": selector,
    }


def selector(component: str) -> dict[str, Any]:
    """Return a selector of a component's pods, by the labels of the chart."""
    labels = pods_of(TEMPO_RELEASE)["matchLabels"]
    return {"matchLabels": {**labels, "app.kubernetes.io/component": component}}
