"""Names of the series and labels that the pipeline emits; no other module spells one.

Each group of series is an enumeration. `LABELS` lists the labels that anything here selects or
groups the series of a group by. Recorded from Tempo 2.10.8, Alloy 1.18.1 and Beyla 3.32 with this
stack's configuration.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

#: Value of the label `source` on everything that Tempo's metrics-generator writes.
TEMPO_SOURCE = "tempo"
#: Default upper bounds of the latency histogram in seconds (`tempo.spanMetrics.buckets`). Apdex
#: reads the buckets 0.512 and 2.05: with Tempo's built-in bounds (1.024, 2.048) it stays empty.
LATENCY_BUCKETS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.02, 2.05, 4.1)
#: Bounds of Apdex in seconds: satisfied up to the first, tolerating up to the second (four times
#: the first is 2.048).
APDEX_SATISFIED, APDEX_TOLERATING = 0.512, 2.05


class Label(StrEnum):
    """Labels of span metrics, of the service graph, of SLOs and of alerts."""

    SOURCE = "source"
    JOB = "job"
    LE = "le"
    CLUSTER = "k8s_cluster_name"
    NAMESPACE = "k8s_namespace_name"
    ENVIRONMENT = "deployment_environment_name"
    SERVICE = "service"
    SPAN_NAME = "span_name"
    SPAN_KIND = "span_kind"
    STATUS_CODE = "status_code"
    SERVICE_VERSION = "service_version"
    HTTP_ROUTE = "http_route"
    SDK_LANGUAGE = "telemetry_sdk_language"
    CLIENT = "client"
    SERVER = "server"
    CONNECTION_TYPE = "connection_type"
    #: The cluster whose Tempo wrote the series (an external label of the metrics-generator), or
    #: whose Prometheus scraped it.
    TEMPO_CLUSTER = "cluster"
    #: The metrics-generator or sampler that wrote the series, by the host name of its pod.
    WRITER = "__metrics_gen_instance"
    #: Tenant of the spans, with `tenancy.mode`.
    TENANT = "tenant"
    SLO = "slo"
    OWNER = "owner"
    WINDOW = "window"
    KIND = "kind"
    OPERATION = "operation"
    TEMPLATE = "template"
    ALERT_NAME = "alertname"
    ALERT_STATE = "alertstate"
    SEVERITY = "severity"


#: Labels of what Prometheus scrapes from this stack's own pods. The first three come from the
#: scrape, as a ServiceMonitor of the charts configures it. The programs set the others.
SCRAPED_LABELS = frozenset(
    {
        *("namespace", "job", "pod"),
        *("component_path", "container", "daemonset", "data_type", "decision", "health_type"),
        *("group", "le", "name", "operation", "otel_signal", "persistentvolumeclaim", "policy"),
        *("error", "error_type", "process_name", "reason", "route"),
        *("state", "status", "status_code", "telemetry_type", "tenant", "url", "version"),
    }
)


class RequestLabel(StrEnum):
    """Labels of Beyla's request metrics in addition to `Label`, as Beyla 3.32 names them."""

    SERVICE = "service_name"
    SERVICE_NAMESPACE = "service_namespace"
    HTTP_STATUS = "http_response_status_code"
    RPC_METHOD = "rpc_method"
    #: Names of gRPC codes: OK, UNAVAILABLE, ...
    RPC_STATUS = "rpc_response_status_code"


class SpanMetric(StrEnum):
    """Tempo's span metrics."""

    CALLS = "traces_spanmetrics_calls_total"
    #: A native histogram, with `tempo.spanMetrics.histograms`; the next three are the classic one.
    LATENCY = "traces_spanmetrics_latency"
    LATENCY_BUCKET = "traces_spanmetrics_latency_bucket"
    LATENCY_SUM = "traces_spanmetrics_latency_sum"
    LATENCY_COUNT = "traces_spanmetrics_latency_count"
    SIZE = "traces_spanmetrics_size_total"


class KeptMetric(StrEnum):
    """Spans that the samplers keep, or would keep: written by them, with the labels of Tempo's."""

    CALLS = "traces_sampling_kept_calls_total"
    #: One bound and the exemplars, whose traces are stored.
    LATENCY_BUCKET = "traces_sampling_kept_latency_bucket"


class TargetInfo(StrEnum):
    """Tempo's description of each service, for users' own queries."""

    TARGET_INFO = "traces_target_info"


class ServiceGraphMetric(StrEnum):
    """Tempo's service graph; an edge is a pair of client and server."""

    REQUESTS = "traces_service_graph_request_total"
    FAILED = "traces_service_graph_request_failed_total"
    SERVER = "traces_service_graph_request_server_seconds"
    CLIENT = "traces_service_graph_request_client_seconds"
    SERVER_BUCKET = "traces_service_graph_request_server_seconds_bucket"
    SERVER_SUM = "traces_service_graph_request_server_seconds_sum"
    CLIENT_BUCKET = "traces_service_graph_request_client_seconds_bucket"


class SloMetric(StrEnum):
    """Recorded by the rules of SLOs; each SLO is one series, identified by `slo`."""

    #: Events and bad events per second; the other series are computed from these two.
    EVENTS = "slo:events:rate5m"
    ERRORS = "slo:errors:rate5m"
    #: Events and bad events of the last hour.
    EVENTS_HOUR = "slo:events:increase1h"
    ERRORS_HOUR = "slo:errors:increase1h"
    #: Share of bad events, from 0 to 1, by window. The last is over the SLO's own window.
    RATIO_5M = "slo:error_ratio:rate5m"
    RATIO_30M = "slo:error_ratio:rate30m"
    RATIO_1H = "slo:error_ratio:rate1h"
    RATIO_2H = "slo:error_ratio:rate2h"
    RATIO_6H = "slo:error_ratio:rate6h"
    RATIO_1D = "slo:error_ratio:rate1d"
    RATIO_3D = "slo:error_ratio:rate3d"
    RATIO_WINDOW = "slo:error_ratio:window"
    #: Share of the error budget that is left: 1 is all, below 0 is overspent.
    BUDGET_LEFT = "slo:error_budget:remaining"
    #: The objective, from 0 to 1, with labels for owner, window and kind.
    OBJECTIVE = "slo:objective:ratio"


class RulerMetric(StrEnum):
    """Written by Prometheus or a ruler for the alerts that it evaluates."""

    ALERTS = "ALERTS"


#: `reason` of the spans above the rate limit, among those that Tempo discards.
RATE_LIMITED = "rate_limited"


class TempoMetric(StrEnum):
    """Tempo's own metrics (recorded from Tempo 2.10.8)."""

    SPANS_RECEIVED = "tempo_distributor_spans_received_total"
    BYTES_RECEIVED = "tempo_distributor_bytes_received_total"
    PUSH_BUCKET = "tempo_distributor_push_duration_seconds_bucket"
    SPANS_DISCARDED = "tempo_discarded_spans_total"
    ATTRIBUTES_CUT = "tempo_distributor_attributes_truncated_total"
    BLOCKS_FLUSHED = "tempo_ingester_blocks_flushed_total"
    FAILED_FLUSHES = "tempo_ingester_failed_flushes_total"
    FLUSH_QUEUE = "tempo_ingester_flush_queue_length"
    LIVE_TRACES = "tempo_ingester_live_traces"
    RING_MEMBERS = "tempo_ring_members"
    REQUESTS = "tempo_request_duration_seconds_count"
    REQUEST_BUCKET = "tempo_request_duration_seconds_bucket"
    QUERY_QUEUE = "tempo_query_frontend_queue_length"
    CONFIG_LOADED = "tempo_runtime_config_last_reload_successful"
    STORAGE_REQUESTS = "tempodb_backend_request_duration_seconds_count"
    STORAGE_BUCKET = "tempodb_backend_request_duration_seconds_bucket"
    STORED_BYTES = "tempodb_backend_bytes_total"
    STORED_TRACES = "tempodb_backend_objects_total"
    BLOCKS = "tempodb_blocklist_length"
    POLL_ERRORS = "tempodb_blocklist_poll_errors_total"
    COMPACTION_OUTSTANDING = "tempodb_compaction_outstanding_blocks"
    BLOCKS_COMPACTED = "tempodb_compaction_blocks_total"
    COMPACTION_ERRORS = "tempodb_compaction_errors_total"
    RETENTION_RUNS = "tempodb_retention_duration_seconds_count"
    RETENTION_ERRORS = "tempodb_retention_errors_total"
    BLOCKS_DELETED = "tempodb_retention_deleted_total"
    GENERATOR_SPANS = "tempo_metrics_generator_spans_received_total"
    GENERATOR_DISCARDED = "tempo_metrics_generator_spans_discarded_total"
    GENERATOR_SERIES = "tempo_metrics_generator_registry_active_series"
    GENERATOR_MAX_SERIES = "tempo_metrics_generator_registry_max_active_series"
    GENERATOR_SERIES_LIMITED = "tempo_metrics_generator_registry_series_limited_total"


class Tempo3Metric(StrEnum):
    """What Tempo 3 names otherwise, by the name in `TempoMetric` (recorded from Tempo 3.0.3)."""

    BLOCKS_FLUSHED = "tempo_live_store_local_blocks_flushed_total"
    FAILED_FLUSHES = "tempo_live_store_local_failed_flushes_total"
    FLUSH_QUEUE = "tempo_live_store_complete_queue_length"
    LIVE_TRACES = "tempo_live_store_live_traces"


class TempoKafkaMetric(StrEnum):
    """Of Tempo 3 with Kafka: what it names otherwise, and what others don't have (3.0.3)."""

    BLOCKS_FLUSHED = "tempo_block_builder_flushed_blocks"
    #: Records of a partition that a group of consumers has not processed.
    LAG = "tempo_ingest_group_partition_lag"
    RECORDS_PRODUCED = "tempo_distributor_produce_records_total"
    PRODUCE_FAILURES = "tempo_distributor_produce_failures_total"
    PRODUCE_SECONDS = "tempo_distributor_kafka_write_latency_seconds_bucket"


def tempo_metric(metric: StrEnum, version: int, *, kafka: bool = False) -> StrEnum:
    """Return a metric of Tempo by its name in a major version, with Kafka or without."""
    if not isinstance(metric, TempoMetric):
        return metric
    renamed: dict[str, StrEnum] = {}
    if version == 3:
        renamed |= Tempo3Metric.__members__
    if kafka:
        renamed |= TempoKafkaMetric.__members__
    return renamed.get(metric.name, metric)


#: Matcher of `component_path`, as Alloy names its exporters to Tempo: one, or one for each tenant.
TO_TEMPO: Final = '=~"/send_to_tempo[.].+"'


class AlloyMetric(StrEnum):
    """Alloy's own metrics (recorded from Alloy 1.18.1 with this stack's pipeline)."""

    SPANS_ACCEPTED = "otelcol_receiver_accepted_spans_total"
    SPANS_REFUSED = "otelcol_receiver_refused_spans_total"
    ITEMS_PROCESSED = "otelcol_processor_outgoing_items_total"
    SPANS_LOST = "otelcol_exporter_send_failed_spans_total"
    SPANS_SENT = "otelcol_exporter_sent_spans_total"
    SPANS_FILTERED = "otelcol_processor_filter_spans_filtered_total"
    SPANS_NOT_QUEUED = "otelcol_exporter_enqueue_failed_spans_total"
    LOGS_LOST = "otelcol_exporter_send_failed_log_records_total"
    QUEUE_SIZE = "otelcol_exporter_queue_size"
    QUEUE_CAPACITY = "otelcol_exporter_queue_capacity"
    #: Decisions of the samplers; with a label `policy`, one for each policy that was asked.
    TRACES_DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
    TRACES_BY_POLICY = "otelcol_processor_tail_sampling_count_traces_sampled_total"
    TRACES_IN_MEMORY = "otelcol_processor_tail_sampling_sampling_traces_on_memory"
    TRACES_TOO_EARLY = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total"
    TRACES_TOO_LARGE = "otelcol_processor_tail_sampling_traces_dropped_too_large_total"
    #: Spans that arrive after the decision on their trace, and follow it.
    SPANS_LATE = "otelcol_processor_tail_sampling_early_releases_from_cache_decision_total"
    #: 0 only if the text of the configuration can't be parsed (internal/alloycli/cmd_run.go).
    CONFIG_LOADED = "alloy_config_last_load_successful"
    #: Label `sha256`: of the newest text, whether it was loaded or not.
    CONFIG_HASH = "alloy_config_hash"
    BUILD = "alloy_build_info"
    #: Components by `health_type`. A reload that a component refuses makes it `unhealthy`; one that
    #: fails as it starts is `exited`.
    COMPONENTS = "alloy_component_controller_running_components"
    STARTED = "alloy_resources_process_start_time_seconds"
    MEMORY = "alloy_resources_process_resident_memory_bytes"
    CPU = "alloy_resources_process_cpu_seconds_total"


class RequestMetric(StrEnum):
    """Metrics of Beyla's feature `application` on the services that it instruments.

    The names are OpenTelemetry's (attributes/metric.go of the OBI that Beyla 3.32 vendors); those
    of RPC contain `call` since then.
    """

    HTTP_SERVER_COUNT = "http_server_request_duration_seconds_count"
    HTTP_SERVER_BUCKET = "http_server_request_duration_seconds_bucket"
    HTTP_CLIENT_COUNT = "http_client_request_duration_seconds_count"
    HTTP_CLIENT_BUCKET = "http_client_request_duration_seconds_bucket"
    RPC_SERVER_COUNT = "rpc_server_call_duration_seconds_count"
    RPC_SERVER_BUCKET = "rpc_server_call_duration_seconds_bucket"
    RPC_CLIENT_COUNT = "rpc_client_call_duration_seconds_count"
    RPC_CLIENT_BUCKET = "rpc_client_call_duration_seconds_bucket"


class BeylaMetric(StrEnum):
    """Beyla's own metrics (pkg/export/imetrics of Beyla 3.32)."""

    TRACES_EXPORTED = "beyla_otel_trace_exports_total"
    EXPORT_ERRORS = "beyla_otel_trace_export_errors_total"
    PROCESSES = "beyla_instrumented_processes"
    #: Services that send OTLP themselves, by the signal that Beyla leaves to them.
    AVOIDED = "beyla_avoided_services"
    INSTRUMENTATION_ERRORS = "beyla_instrumentation_errors_total"
    BUILD = "beyla_internal_build_info"
    HTTP_REQUESTS = RequestMetric.HTTP_SERVER_COUNT.value


class CanaryMetric(StrEnum):
    """Metrics of the canary (cmd/tempo-vulture/metrics.go of Tempo 3.0)."""

    CHECKED = "tempo_vulture_trace_total"
    #: By `error`. Each is there, as 0, from the first check on.
    ERRORS = "tempo_vulture_trace_error_total"


class RemoteWriteMetric(StrEnum):
    """Remote write of Prometheus' own code, in Alloy and in Tempo's metrics-generator."""

    HIGHEST = "prometheus_remote_storage_queue_highest_timestamp_seconds"
    HIGHEST_SENT = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
    SENT = "prometheus_remote_storage_samples_total"
    FAILED = "prometheus_remote_storage_samples_failed_total"


class ProcessMetric(StrEnum):
    """Process metrics of a Go program; Tempo exposes them."""

    MEMORY = "process_resident_memory_bytes"
    CPU = "process_cpu_seconds_total"


class ClusterMetric(StrEnum):
    """Metrics of the cluster: Prometheus' scrapes, kube-state-metrics, the kubelets."""

    UP = "up"
    DAEMONSET_DESIRED = "kube_daemonset_status_desired_number_scheduled"
    DAEMONSET_READY = "kube_daemonset_status_number_ready"
    CONTAINER_MEMORY = "container_memory_working_set_bytes"
    CONTAINER_CPU = "container_cpu_usage_seconds_total"
    VOLUME_AVAILABLE = "kubelet_volume_stats_available_bytes"
    VOLUME_CAPACITY = "kubelet_volume_stats_capacity_bytes"


class SpanKind(StrEnum):
    """Values of the label `span_kind`."""

    SERVER = "SPAN_KIND_SERVER"
    CLIENT = "SPAN_KIND_CLIENT"
    CONSUMER = "SPAN_KIND_CONSUMER"
    PRODUCER = "SPAN_KIND_PRODUCER"
    INTERNAL = "SPAN_KIND_INTERNAL"


class Severity(StrEnum):
    """Values of the label `severity`."""

    CRITICAL = "critical"
    """Traces are lost or soon will be, nobody can read them, or an error budget burns fast: wake
    somebody."""
    WARNING = "warning"
    """Something is worse than it should be: handle it in working hours."""


#: Value of `status_code` on a failed span.
STATUS_ERROR = "STATUS_CODE_ERROR"
#: Pattern of the label `route` of queries to Tempo; the other routes are internal.
QUERY_ROUTES = "api_.+"
#: Values of `connection_type`; a call from service to service has no such label.
DATABASE, VIRTUAL_NODE = "database", "virtual_node"

_ORIGIN = frozenset({Label.SOURCE, Label.TEMPO_CLUSTER, Label.CLUSTER, Label.NAMESPACE})
_SLO = frozenset(
    {
        *(Label.SLO, Label.TEMPO_CLUSTER, Label.TEMPLATE, Label.SERVICE, Label.NAMESPACE),
        # Of the objective alone.
        *(Label.CLUSTER, Label.OPERATION, Label.OWNER, Label.WINDOW, Label.KIND),
    }
)
_SCRAPED = SCRAPED_LABELS | {Label.TEMPO_CLUSTER}
#: Labels that the series of a group may be selected and summed by.
LABELS: Mapping[type[StrEnum], frozenset[str]] = MappingProxyType(
    {
        SpanMetric: _ORIGIN
        | {Label.JOB, Label.ENVIRONMENT, Label.SERVICE, Label.SPAN_NAME, Label.SPAN_KIND}
        | {Label.STATUS_CODE, Label.SERVICE_VERSION, Label.HTTP_ROUTE, Label.LE},
        KeptMetric: _ORIGIN
        | {Label.JOB, Label.ENVIRONMENT, Label.SERVICE, Label.SPAN_NAME, Label.SPAN_KIND}
        | {Label.STATUS_CODE, Label.SERVICE_VERSION, Label.HTTP_ROUTE, Label.LE},
        TargetInfo: _ORIGIN
        | {Label.JOB, Label.ENVIRONMENT, Label.SERVICE_VERSION, Label.SDK_LANGUAGE},
        ServiceGraphMetric: _ORIGIN | {Label.CLIENT, Label.SERVER, Label.CONNECTION_TYPE, Label.LE},
        SloMetric: _SLO,
        RulerMetric: _SLO | {Label.ALERT_NAME, Label.ALERT_STATE, Label.SEVERITY},
        RequestMetric: _SCRAPED | {*RequestLabel, Label.CLUSTER, Label.NAMESPACE, Label.HTTP_ROUTE},
        **dict.fromkeys(
            (
                TempoMetric,
                Tempo3Metric,
                TempoKafkaMetric,
                CanaryMetric,
                AlloyMetric,
                BeylaMetric,
                RemoteWriteMetric,
                ProcessMetric,
            ),
            _SCRAPED,
        ),
        ClusterMetric: _SCRAPED,
    }
)

_RESERVED_NAMES = ("up", "ALERTS", "ALERTS_FOR_STATE")
_RESERVED_PREFIXES = (
    *("traces_spanmetrics", "traces_service_graph", "traces_target_info", "slo:"),
    "traces_sampling_kept",
    *("tempo_", "tempodb_", "otelcol_", "alloy_", "beyla_", "scrape_"),
    *("prometheus_remote_storage_", "kube_daemonset_", "kubelet_volume_stats_"),
)


def reserved_series() -> str:
    """Return a regular expression of the series that alerts, SLOs and dashboards rely on.

    Only this stack's programs and the cluster's own may write them. It matches whole names, as
    Prometheus stores them.
    """
    return "|".join([*_RESERVED_NAMES, *(f"{prefix}.*" for prefix in _RESERVED_PREFIXES)])


def latency_bound(seconds: float) -> str:
    """Return the value of `le` for a bound of the latency histogram.

    The checks across settings refuse a bound that `tempo.spanMetrics.buckets` does not contain.
    """
    # As Tempo writes it (modules/generator/registry/histogram.go): the shortest decimal, never with
    # an exponent.
    return f"{Decimal(repr(float(seconds))).normalize():f}"


def labels_of(metric: str) -> frozenset[str]:
    """Return the labels of a series; a KeyError if nothing emits it."""
    for group, labels in LABELS.items():
        if metric in {*group}:
            return labels
    raise KeyError(metric)
