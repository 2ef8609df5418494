"""Names of the series that programs say of themselves, or of requests that they see.

They come with a scrape, whose labels they all have; `components.telemetry.metrics` has the rest.
"""

from enum import StrEnum


class ScrapedLabel(StrEnum):
    """Labels of what Prometheus scrapes from this stack's own pods.

    The first four are the scrape's, as a ServiceMonitor of the charts makes them; the others are
    the program's own.
    """

    NAMESPACE = "namespace"
    JOB = "job"
    POD = "pod"
    INSTANCE = "instance"
    COMPONENT_PATH = "component_path"
    CONTAINER = "container"
    DAEMONSET = "daemonset"
    DATA_TYPE = "data_type"
    ERROR = "error"
    HEALTH = "health_type"
    LE = "le"
    NAME = "name"
    SIGNAL = "otel_signal"
    OPERATION = "operation"
    PROCESS = "process_name"
    PROCESSOR = "processor"
    REASON = "reason"
    ROUTE = "route"
    STATE = "state"
    STATUS = "status"
    STATUS_CODE = "status_code"
    TENANT = "tenant"
    URL = "url"
    VERSION = "version"
    VOLUME = "persistentvolumeclaim"


class TempoMetric(StrEnum):
    """What Tempo says of itself (read off a running Tempo 2.10.8)."""

    SPANS_RECEIVED = "tempo_distributor_spans_received_total"
    BYTES_RECEIVED = "tempo_distributor_bytes_received_total"
    PUSH_BUCKET = "tempo_distributor_push_duration_seconds_bucket"
    SPANS_DISCARDED = "tempo_discarded_spans_total"
    BLOCKS_FLUSHED = "tempo_ingester_blocks_flushed_total"
    FAILED_FLUSHES = "tempo_ingester_failed_flushes_total"
    FLUSH_QUEUE = "tempo_ingester_flush_queue_length"
    FLUSH_BUCKET = "tempo_ingester_flush_duration_seconds_bucket"
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
    POLLS = "tempodb_blocklist_poll_duration_seconds_count"
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


class AlloyMetric(StrEnum):
    """What Alloy says of itself (read off a running Alloy 1.18.1 with this stack's pipeline)."""

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
    CONFIG_LOADED = "alloy_config_last_load_successful"
    BUILD = "alloy_build_info"
    COMPONENTS = "alloy_component_controller_running_components"
    STARTED = "alloy_resources_process_start_time_seconds"
    MEMORY = "alloy_resources_process_resident_memory_bytes"
    CPU = "alloy_resources_process_cpu_seconds_total"


class RequestLabel(StrEnum):
    """Labels of Beyla's metrics of requests besides `Label`, as Beyla 3.32 names them."""

    SERVICE = "service_name"
    HTTP_METHOD = "http_request_method"
    HTTP_STATUS = "http_response_status_code"
    RPC_METHOD = "rpc_method"
    #: Names of gRPC's codes: OK, UNAVAILABLE, ...
    RPC_STATUS = "rpc_response_status_code"


class RequestMetric(StrEnum):
    """What Beyla's feature `application` says of the services that it looks at.

    The names are OpenTelemetry's (attributes/metric.go of the OBI that is vendored in Beyla 3.32):
    those of RPC have had `call` in them since then.
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
    """What Beyla says of itself (pkg/export/imetrics of its version 3.32)."""

    TRACES_EXPORTED = "beyla_otel_trace_exports_total"
    EXPORT_ERRORS = "beyla_otel_trace_export_errors_total"
    PROCESSES = "beyla_instrumented_processes"
    INSTRUMENTATION_ERRORS = "beyla_instrumentation_errors_total"
    BUILD = "beyla_internal_build_info"
    HTTP_REQUESTS = RequestMetric.HTTP_SERVER_COUNT.value


class RemoteWriteMetric(StrEnum):
    """Remote write of Prometheus' own code, in Alloy and in Tempo's metrics-generator alike."""

    HIGHEST = "prometheus_remote_storage_queue_highest_timestamp_seconds"
    HIGHEST_SENT = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
    SENT = "prometheus_remote_storage_samples_total"
    FAILED = "prometheus_remote_storage_samples_failed_total"


class ProcessMetric(StrEnum):
    """What a Go program says of its process; Tempo does."""

    MEMORY = "process_resident_memory_bytes"
    CPU = "process_cpu_seconds_total"


class ClusterMetric(StrEnum):
    """What the cluster says: Prometheus of its scrapes, kube-state-metrics, the kubelets."""

    UP = "up"
    DAEMONSET_DESIRED = "kube_daemonset_status_desired_number_scheduled"
    DAEMONSET_READY = "kube_daemonset_status_number_ready"
    CONTAINER_MEMORY = "container_memory_working_set_bytes"
    CONTAINER_CPU = "container_cpu_usage_seconds_total"
    VOLUME_AVAILABLE = "kubelet_volume_stats_available_bytes"
    VOLUME_CAPACITY = "kubelet_volume_stats_capacity_bytes"
