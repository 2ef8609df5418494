"""Names of the series and labels that the pipeline emits; no other module writes one down.

Each group of series is an enumeration. ``LABELS`` says which labels the series of a group have, as
far as anything here selects or groups by them. Seen on Tempo 2.10.8, Alloy 1.18 and Beyla 3.32 as
this stack configures them.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from .scraped import (
    AlloyMetric,
    BeylaMetric,
    ClusterMetric,
    ProcessMetric,
    RemoteWriteMetric,
    RequestLabel,
    RequestMetric,
    ScrapedLabel,
    TempoMetric,
)

#: Value of the label ``source`` on all that Tempo's metrics-generator writes.
TEMPO_SOURCE = "tempo"
#: Upper bounds of the latency histogram in seconds. Apdex reads the buckets 0.512 and 2.05; with
#: Tempo's built-in bounds (1.024, 2.048) it would stay empty.
LATENCY_BUCKETS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.02, 2.05, 4.1)
#: Bounds of Apdex in seconds, both among the buckets: satisfied up to the first, tolerating up to
#: the second (four times the first is 2.048).
APDEX_SATISFIED, APDEX_TOLERATING = 0.512, 2.05


class Label(StrEnum):
    """Labels of all series."""

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
    #: External label of Tempo's metrics-generator: the cluster whose Tempo wrote the series.
    TEMPO_CLUSTER = "cluster"
    SLO = "slo"
    OWNER = "owner"
    WINDOW = "window"
    KIND = "kind"
    OPERATION = "operation"
    TEMPLATE = "template"
    ALERT_NAME = "alertname"
    ALERT_STATE = "alertstate"
    SEVERITY = "severity"


class SpanMetric(StrEnum):
    """Tempo's span metrics."""

    CALLS = "traces_spanmetrics_calls_total"
    LATENCY_BUCKET = "traces_spanmetrics_latency_bucket"
    LATENCY_SUM = "traces_spanmetrics_latency_sum"
    LATENCY_COUNT = "traces_spanmetrics_latency_count"
    SIZE = "traces_spanmetrics_size_total"


class TargetInfo(StrEnum):
    """What Tempo says of each service besides its spans."""

    TARGET_INFO = "traces_target_info"


class ServiceGraphMetric(StrEnum):
    """Tempo's service graph; an edge is a pair of client and server."""

    REQUESTS = "traces_service_graph_request_total"
    FAILED = "traces_service_graph_request_failed_total"
    SERVER_BUCKET = "traces_service_graph_request_server_seconds_bucket"
    SERVER_SUM = "traces_service_graph_request_server_seconds_sum"
    SERVER_COUNT = "traces_service_graph_request_server_seconds_count"
    CLIENT_BUCKET = "traces_service_graph_request_client_seconds_bucket"
    CLIENT_SUM = "traces_service_graph_request_client_seconds_sum"
    CLIENT_COUNT = "traces_service_graph_request_client_seconds_count"


class SloMetric(StrEnum):
    """What the recording rules of SLOs make; each SLO is one series, told apart by ``slo``."""

    #: Events and bad events per second, from which all else follows.
    EVENTS = "slo:events:rate5m"
    ERRORS = "slo:errors:rate5m"
    #: Events and bad events of the last hour.
    EVENTS_HOUR = "slo:events:increase1h"
    ERRORS_HOUR = "slo:errors:increase1h"
    #: Share of bad events, from 0 to 1, by window; the last over the SLO's own window.
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
    """What Prometheus or a ruler writes of the alerts that it evaluates."""

    ALERTS = "ALERTS"


def reserved_series() -> str:
    """Return a regular expression of the series that alerts, SLOs and dashboards rely on.

    Only this stack's programs and the cluster's own write them. It matches whole names, as
    Prometheus has them.
    """
    return "|".join([*_RESERVED_NAMES, *(f"{prefix}.*" for prefix in _RESERVED_PREFIXES)])


_RESERVED_NAMES = ("up", "ALERTS", "ALERTS_FOR_STATE")
_RESERVED_PREFIXES = (
    *("traces_spanmetrics", "traces_service_graph", "traces_target_info", "slo:"),
    *("tempo_", "tempodb_", "otelcol_", "alloy_", "beyla_", "scrape_"),
    *("prometheus_remote_storage_", "kube_daemonset_", "kubelet_volume_stats_"),
)


class SpanKind(StrEnum):
    """Values of the label ``span_kind``."""

    SERVER = "SPAN_KIND_SERVER"
    CLIENT = "SPAN_KIND_CLIENT"
    CONSUMER = "SPAN_KIND_CONSUMER"
    PRODUCER = "SPAN_KIND_PRODUCER"
    INTERNAL = "SPAN_KIND_INTERNAL"


#: Value of ``status_code`` on a failed span.
STATUS_ERROR = "STATUS_CODE_ERROR"
#: Values of ``connection_type``; a call from service to service has no such label.
DATABASE, VIRTUAL_NODE = "database", "virtual_node"

#: Labels that a resource's attributes become, on span metrics and on the service graph.
_ORIGIN = frozenset({Label.SOURCE, Label.TEMPO_CLUSTER, Label.CLUSTER, Label.NAMESPACE})
_SPAN = _ORIGIN | {
    Label.JOB,
    Label.ENVIRONMENT,
    Label.SERVICE,
    Label.SPAN_NAME,
    Label.SPAN_KIND,
    Label.STATUS_CODE,
    Label.SERVICE_VERSION,
    Label.HTTP_ROUTE,
}
_SLO = frozenset(
    {
        Label.SLO,
        Label.TEMPO_CLUSTER,
        Label.TEMPLATE,
        Label.SERVICE,
        Label.NAMESPACE,
        # Of the objective alone.
        Label.CLUSTER,
        Label.OPERATION,
        Label.OWNER,
        Label.WINDOW,
        Label.KIND,
    }
)


#: Labels that the series of a group may be selected and summed by.
LABELS: Mapping[type[StrEnum], frozenset[str]] = MappingProxyType(
    {
        SpanMetric: _SPAN | {Label.LE},
        TargetInfo: _ORIGIN
        | {Label.JOB, Label.ENVIRONMENT, Label.SERVICE_VERSION, Label.SDK_LANGUAGE},
        ServiceGraphMetric: _ORIGIN | {Label.CLIENT, Label.SERVER, Label.CONNECTION_TYPE, Label.LE},
        SloMetric: _SLO,
        RulerMetric: _SLO | {Label.ALERT_NAME, Label.ALERT_STATE, Label.SEVERITY},
        RequestMetric: frozenset(ScrapedLabel)
        | frozenset(RequestLabel)
        | {Label.CLUSTER, Label.NAMESPACE, Label.HTTP_ROUTE},
        **dict.fromkeys(
            (
                TempoMetric,
                AlloyMetric,
                BeylaMetric,
                RemoteWriteMetric,
                ProcessMetric,
                ClusterMetric,
            ),
            frozenset(ScrapedLabel),
        ),
    }
)


def latency_bound(seconds: float) -> str:
    """Return the value of ``le`` for a bound of the latency histogram.

    Raises:
        ValueError: there is no such bucket; a query for it would find nothing.
    """
    if seconds not in LATENCY_BUCKETS:
        raise ValueError(f"no latency bucket of {seconds} s; there are {LATENCY_BUCKETS}")
    return f"{seconds:g}"


def labels_of(metric: str) -> frozenset[str]:
    """Return the labels that a series has.

    Raises:
        KeyError: nothing emits a series of that name.
    """
    for group, labels in LABELS.items():
        if metric in {*group}:
            return labels
    raise KeyError(metric)
