"""Settings of Tempo."""

import re
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from annotated_types import Gt, Le
from pydantic import AfterValidator, Field, Strict

from ..backends.settings import SecretKeySettings
from ..core.base import Settings, explained
from ..core.names import OTLP_RETRY_MINUTES
from ..core.on_change import Direction, OnChange
from ..core.overrides import Overrides
from ..core.settings import (
    PLACED,
    PlacementSettings,
    PodSettings,
    ScalableWorkloadSettings,
    Size,
    StatefulPodSettings,
    StatefulWorkloadSettings,
    WorkloadSettings,
)
from ..core.texts import (
    AttributeName,
    ClassName,
    HostAndPort,
    TempoVersion,
    TenantId,
    TopicName,
    UserName,
)
from ..core.versions import TEMPO_VERSIONS
from ..telemetry.metrics import LATENCY_BUCKETS, Label

#: Attributes that become labels of the span metrics, with dots as underscores.
SPAN_DIMENSIONS = (
    "k8s.cluster.name",
    "k8s.namespace.name",
    "deployment.environment.name",
    "service.version",
    "http.route",
)
#: Labels of the span metrics without further dimensions.
_OWN_LABELS = (
    *(name.replace(".", "_") for name in SPAN_DIMENSIONS),
    *(str(label) for label in (Label.SERVICE, Label.SPAN_NAME, Label.SPAN_KIND)),
    *(str(label) for label in (Label.STATUS_CODE, Label.JOB, Label.LE, Label.SOURCE)),
    *(str(Label.TEMPO_CLUSTER), "instance", "status_message"),
)

_MODE = OnChange(
    happens="The Helm release is replaced by one of another chart. Queries fail during the change, "
    "spans that are not yet in S3 stay on the old volumes, and Alloy's queue in memory is lost.",
    do="Follow the steps, with Alloy's queue on volumes.",
    section="changes.md#change-tempos-mode",
)
_MAJOR = OnChange(
    happens="Tempo runs another major version, which doesn't read the other's volume: spans that "
    "are not yet in S3 are not found. Tempo 2 finds traces of Tempo 3 only if it is told since "
    "when.",
    do="Flush Tempo first. Before going back, set `query_frontend.rf1_after`.",
    section="upgrades.md#move-to-tempo-3",
)
_TOPIC = OnChange(
    happens="Tempo reads another topic: spans in the old one that are not yet in S3 are lost.",
    do="Stop the senders, and wait until the block builders have no lag.",
    section="kafka.md#change-topic-or-partitions",
)
_BROKERS = OnChange(
    happens="If it is a broker of another Kafka, spans in the old one that are not yet in S3 are "
    "lost.",
    do="Stop the senders, and wait until the block builders have no lag.",
    section="kafka.md#change-topic-or-partitions",
)
_PARTITIONS = OnChange(
    happens="Spans in the partitions that no longer have a block builder are lost.",
    do="Take the partitions out of use first.",
    section="kafka.md#change-topic-or-partitions",
    direction=Direction.LESS,
)
_RETENTION = OnChange(
    happens="Tempo deletes older traces within hours of `up`, which can't be undone.",
    do="Check that no one needs them.",
    section="changes.md#risky-changes",
    direction=Direction.LESS,
)
_CLASS = OnChange(
    happens="The upgrade fails: Kubernetes doesn't change the volumes of a StatefulSet.",
    do="Delete the StatefulSet by hand first. Existing volumes keep their class.",
    section="changes.md#resize-a-volume",
)
_TENANT = OnChange(
    happens="Older traces are not shown: they belong to the tenant that wrote them.",
    do="Add a datasource for the old tenant if you need them.",
    section="grafana.md#tenants",
)
_VERSION = OnChange(
    happens="Tempo runs another version. An older version may not read blocks of a newer one.",
    do="Read the release notes of all versions in between.",
    section="upgrades.md#upgrade-tempo",
)
_RECEIVER = OnChange(
    happens="Tempo refuses the spans of senders that still use this protocol.",
    do="Move them to OTLP first.",
    section="changes.md#risky-changes",
    direction=Direction.LESS,
)
_BUCKETS = OnChange(
    happens="Quantiles over a time range that spans the change mix both sets of bounds. For some "
    "minutes, an SLO whose threshold is a new bucket counts requests from before as slow.",
    do="Run `up` with the new bucket first, and set the threshold of an SLO to it ten minutes "
    "later.",
    section="slos.md#add-a-bucket",
)


_HISTOGRAMS = OnChange(
    happens="Dashboards and rules read the new kind of histograms only, which begins with the "
    "change. Latency SLOs have no data until the backend has some minutes of it.",
    do="Run `up` with `both` first, and change to `native` when the graphs no longer need the "
    "older series.",
    section="slos.md#use-native-histograms",
)


def _increasing(buckets: list[float]) -> list[float]:
    for low, high in pairwise(buckets):
        if low >= high:
            raise explained(
                "must be in strictly increasing order, for example [0.512, 2.05, 4.1, 10]: "
                f"{high:g} follows {low:g}"
            )
    return buckets


def _not_ours(dimensions: list[str]) -> list[str]:
    labels: dict[str, str] = dict.fromkeys(_OWN_LABELS, "")
    for name in dimensions:
        label = re.sub(r"\W", "_", name)
        if label in labels:
            raise explained(
                f"becomes the label {label} for {name}, which "
                + (f"{labels[label]} becomes too" if labels[label] else "span metrics have already")
                + ": remove it"
            )
        labels[label] = name
    return dimensions


class Histograms(StrEnum):
    """Kind of the histograms that the metrics-generator writes."""

    CLASSIC = "classic"
    NATIVE = "native"
    BOTH = "both"


class TempoMode(StrEnum):
    """How Tempo is deployed."""

    MONOLITHIC = "monolithic"
    DISTRIBUTED = "distributed"


def has_kafka(mode: TempoMode, version: int) -> bool:
    """Return whether spans pass through Kafka on their way through Tempo."""
    return version == 3 and mode is TempoMode.DISTRIBUTED


# Only distributor and querier scale: ingesters and generators hold data, a compactor's load doesn't
# follow its CPU, and Tempo's documentation asks for two query-frontends at any load.
class TempoWorkloadSettings(Settings):
    """Single values of the size preset to replace, by workload of the mode in use."""

    monolithic: StatefulPodSettings = StatefulPodSettings()
    """The one process of mode monolithic; always one replica."""
    distributor: ScalableWorkloadSettings = ScalableWorkloadSettings()
    """Receives spans and passes them to the ingesters."""
    ingester: StatefulWorkloadSettings = StatefulWorkloadSettings()
    """Keeps recent spans on its volume and writes blocks to S3."""
    querier: ScalableWorkloadSettings = ScalableWorkloadSettings()
    """Reads blocks and recent spans for a query."""
    query_frontend: WorkloadSettings = WorkloadSettings()
    """Splits queries and answers Grafana."""
    compactor: WorkloadSettings = WorkloadSettings()
    """Merges blocks and applies retention."""
    metrics_generator: StatefulWorkloadSettings = StatefulWorkloadSettings()
    """Turns spans into metrics for the metrics backend."""
    memcached: WorkloadSettings = WorkloadSettings()
    """Caches bloom filters and footers of blocks."""
    live_store: PodSettings = PodSettings()
    """Tempo 3: answers queries for recent spans from Kafka; one for each partition."""
    block_builder: PodSettings = PodSettings()
    """Tempo 3: writes the spans in Kafka to S3 as blocks; one for each partition."""
    backend_scheduler: PodSettings = PodSettings()
    """Tempo 3: plans merging of blocks and retention; always one."""
    backend_worker: WorkloadSettings = WorkloadSettings()
    """Tempo 3: merges blocks and applies retention, as the scheduler plans it."""


class TempoKafkaSettings(Settings):
    """Kafka, through which spans pass in mode distributed of Tempo 3: see docs/kafka.md."""

    address: Annotated[HostAndPort, _BROKERS]
    """Host and port of one broker, which names the others. Tempo 3.0 connects without TLS."""
    topic: Annotated[TopicName, _TOPIC] = "tempo-traces"
    """Topic, which must exist, and which nothing else may use."""
    partitions: Annotated[int | None, _PARTITIONS] = Field(default=None, ge=1, le=200)
    """Partitions of the topic, by default 2, 3 or 6 in size s, m or l. There is one live store and
    one block builder for each."""
    username: UserName | None = None
    """User for SASL/PLAIN, the only mechanism of Tempo 3.0. User and password are sent without
    encryption."""
    password_secret: SecretKeySettings | None = None
    """Password of that user, in a Secret that exists."""
    acknowledge_experimental: bool = False
    """Allow Kafka in production, where it is refused otherwise: it was tested with one broker
    and little load."""


class TempoLimitSettings(Settings):
    """Ingestion limits of the preset to replace; spans over a limit are refused and counted."""

    rate_limit_mib: int | None = Field(default=None, ge=1, le=10_000)
    """Sustained ingestion in MiB per second, over all pods together."""
    burst_size_mib: int | None = Field(default=None, ge=1, le=10_000)
    """Largest burst in MiB."""
    max_live_traces: int | None = Field(default=None, ge=100, le=10_000_000)
    """Traces that one ingester holds at a time."""
    max_trace_mib: int | None = Field(default=None, ge=1, le=1_000)
    """Largest single trace in MiB."""
    max_active_series: int | None = Field(default=None, ge=1_000, le=50_000_000)
    """Series that one metrics-generator keeps."""
    max_attribute_bytes: int | None = Field(default=None, ge=64, le=1_048_576)
    """Largest key and string value of an attribute in bytes. Tempo truncates longer ones, such as
    statements and stack traces, and counts them."""


class TempoBlockSettings(Settings):
    """Block timings of the preset to replace."""

    max_minutes: int | None = Field(default=None, ge=5, le=60)
    """Age in minutes at which an ingester completes a block and writes it to S3. A block of 500 MiB
    is complete earlier. Lower values bring traces to S3 sooner, in more and smaller blocks."""
    kept_minutes: int | None = Field(default=None, ge=10, le=60)
    """Minutes that an ingester keeps a block after it is in S3. Queriers list S3 every 5 minutes,
    so they must find the block there first."""
    idle_seconds: int | None = Field(default=None, ge=1, le=300)
    """Seconds without a new span after which a trace moves from memory to the volume. For traces
    with longer pauses, a higher value keeps their spans together, and costs memory."""


class TempoSpanMetricsSettings(Settings):
    """Span metrics: requests, failures and durations of each operation, computed from spans."""

    # Strict, because pydantic would convert true and "10" in a list.
    buckets: Annotated[
        list[Annotated[float, Gt(0), Le(3600), Strict()]],
        AfterValidator(_increasing),
        _BUCKETS,
    ] = Field(default=[*LATENCY_BUCKETS], min_length=1, max_length=50)
    """Upper bounds of the latency histogram in seconds, in increasing order; replaces the default
    list. Each adds two series for an operation that succeeds and fails."""
    dimensions: Annotated[list[AttributeName], AfterValidator(_not_ours)] = Field(
        default=[], max_length=20
    )
    """Attributes of spans or resources that become labels of span metrics, in addition to
    namespace, cluster, environment, version and route. Each value adds series."""
    histograms: Annotated[Histograms, _HISTOGRAMS] = Histograms.CLASSIC
    """Histograms of span metrics and the service graph: `classic`, `native` or `both`. Dashboards
    and SLOs read native ones with `native` only. The metrics backend must accept them."""


class TempoSettings(Settings):
    """Grafana Tempo, the trace backend."""

    mode: Annotated[TempoMode, _MODE] = TempoMode.MONOLITHIC
    """`monolithic` (one process, down while it restarts) or `distributed` (replicated; needs `size`
    s, m or l, and with `version: 3` Kafka). Which for which load: docs/sizing.md."""
    version: Annotated[int, _MAJOR] = Field(default=2, ge=2, le=3)
    """Major version of Tempo: 2 or 3. Tempo 3 in mode distributed needs `kafka`. What is tested of
    each: docs/versions.md."""
    size: Size = Size.S
    """Preset of replicas, requests, limits, volumes and ingestion limits: see docs/sizing.md."""
    kafka: TempoKafkaSettings | None = None
    """Kafka of mode distributed with `version: 3`; experimental."""
    accept_two_ingesters: bool = False
    """Allow two ingesters in mode distributed, each with every span. While one of them
    restarts or is lost, Tempo ingests nothing and answers no queries, and spans wait in Alloy's
    queue. Required by size s, unless `workloads.ingester.replicas` is higher."""
    image_tag: Annotated[TempoVersion, _VERSION] = Field(
        default_factory=lambda known: TEMPO_VERSIONS[known.get("version", 2)]
    )
    """Version of Tempo, 2.10 or later, of the major in `version`; by default 2.10.8 or 3.0.3."""
    # 2 hours at least: younger blocks are still being written (`blocks`, and compaction_window 1 h
    # of Tempo).
    retention_hours: Annotated[int, _RETENTION] = Field(default=336, ge=2, le=87_600)
    """Trace retention in hours. Lowering it permanently deletes older traces. A week later, S3
    deletes objects that Tempo left behind."""
    tenant: Annotated[TenantId | None, _TENANT] = None
    """Tenant that Alloy writes and Grafana reads as; it enables multitenancy. Traces of other
    tenants, or from before, are not shown."""
    jaeger: Annotated[bool, _RECEIVER] = False
    """Accept spans in Jaeger's protocols at Tempo, from any namespace. They bypass Alloy, which
    would replace the senders' `k8s.*` attributes by those of their pods."""
    zipkin: Annotated[bool, _RECEIVER] = False
    """Accept spans in Zipkin's protocol at Tempo, from any namespace. They bypass Alloy as well."""
    traceql_metrics: bool = True
    """Answer TraceQL metrics queries, which Grafana's Traces Drilldown needs; costs memory in the
    metrics-generator. Tempo 3 always answers them."""
    storage_class: Annotated[ClassName | None, _CLASS] = None
    """Storage class of the volumes; by default the cluster's own default."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of Tempo's pods; each key replaces that of the stack's `placement`."""
    workloads: TempoWorkloadSettings = TempoWorkloadSettings()
    """Single values of the size preset to replace."""
    limits: TempoLimitSettings = TempoLimitSettings()
    """Single ingestion limits of the size preset to replace."""
    blocks: TempoBlockSettings = TempoBlockSettings()
    """Single block timings of the size preset to replace."""
    # The upper bound is that of Tempo (modules/generator/validation/fields.go).
    slack_minutes: int = Field(default=OTLP_RETRY_MINUTES + 1, ge=OTLP_RETRY_MINUTES + 1, le=720)
    """Age in minutes up to which a span counts in span metrics, and up to which a search by time
    finds it. The default covers Alloy's retries. Raise it if senders queue spans for longer."""
    max_search_hours: int | None = Field(default=None, ge=1, le=87_600)
    """Longest time range of a search in hours; by default the retention, and 168 at least."""
    max_metrics_hours: int = Field(default=24, ge=1, le=87_600)
    """Longest time range of a TraceQL metrics query in hours. The default is that of Tempo 3; a
    longer query reads more blocks and takes more time and memory of the queriers."""
    span_metrics: TempoSpanMetricsSettings = TempoSpanMetricsSettings()
    """Span metrics, which need `backends.metrics`."""
    config: Overrides = Field(default={})
    """Other keys of Tempo's configuration, merged last: see docs/overrides.md."""
    overrides: dict[TenantId, Overrides] = Field(default={})
    """Other limits of single tenants, in Tempo's format of overrides: see docs/overrides.md."""
    values: Overrides = Field(default={})
    """Other values of the chart in use, `tempo` or `tempo-distributed`, merged last: see
    docs/overrides.md."""

    @property
    def uses_kafka(self) -> bool:
        """Whether spans pass through Kafka."""
        return has_kafka(self.mode, self.version)

    @property
    def local_blocks(self) -> bool:
        """Whether metrics-generators write blocks too, for TraceQL metrics.

        The live store of Tempo 3 answers these queries.
        """
        return self.traceql_metrics and self.version == 2
