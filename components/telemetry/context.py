"""The one projection of a stack's settings for dashboards, alerts and SLOs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..alloy.sampling.settings import SamplingMode
from ..alloy.sampling.sizes import num_traces
from ..alloy.settings import QueuePlace
from ..backends.settings import LogLabelsSettings
from ..core.names import (
    ALLOY_RELEASE,
    ALLOY_SAMPLER_RELEASE,
    CANARY_RELEASE,
    OTLP_RETRY_MINUTES,
    TEMPO_RELEASE,
)
from ..load import capacity
from ..settings import TracingSettings
from ..tempo import config
from ..tempo.settings import Histograms, TempoMode, TempoSettings, has_kafka
from ..tempo.sizes import Blocks, Limits, blocks, copies, limits
from .metrics import (
    LATENCY_BUCKETS,
    RATE_LIMITED,
    ClusterMetric,
    Label,
    TempoMetric,
    tempo_metric,
)
from .promql import FROM_TEMPO, counted, quoted, select

#: Parts of a distributed Tempo, as the chart's ServiceMonitors name their jobs.
_PARTS = ("distributor", "ingester", "querier", "query-frontend", "compactor")
#: The same of Tempo 3.
_PARTS_3 = (
    *("distributor", "live-store", "block-builder", "querier", "query-frontend"),
    *("backend-scheduler", "backend-worker"),
)
_GENERATOR = "metrics-generator"


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """Projection of a stack for dashboards and rules, with the selectors of its series.

    Attributes:
        beyla_namespace: namespace of Beyla; None if it does not run.
        spare_ingesters: ingesters that may be missing while Tempo ingests spans.
        version: major version of Tempo.
        block_minutes: age at which an ingester writes a block to S3.
        slack_minutes: age up to which a span counts in span metrics.
        canary_seconds: interval of the canary; 0 if it does not run.
        grafana_url: address of Grafana, for links from alerts to dashboards; None if it is unknown
            or there are no dashboards.
        metrics_uid: uid of the metrics datasource; None without a metrics backend, and then there
            are no dashboards.
        logs_uid: uid of the logs datasource; None without a logs backend.
        logs_filter: label of a dashboard's filter, with the label of log lines that it selects.
        scraped: ServiceMonitors scrape the stack's own programs, so that their metrics exist.
        series_labels: labels of this cluster's series in a backend that several clusters share.
        runbook_base_url: URL of the runbooks, without a slash at the end; None for no links.
        queue_minutes: how long Alloy's queue lasts at the planned peak; None without a load.
        retry_minutes: how long Alloy retries a batch before it drops it.
        queue_on_volume: whether Alloy's queue survives its pod.
        native: latencies are native histograms only.
        longest_bucket: largest bound of the latency histogram in seconds.
        samplers: number of samplers.
        sampled_traces: traces that one sampler holds.
        kept_hours: retention of traces.
        stored_share: bytes of a span in the bucket by its bytes on the wire.
    """

    environment: str
    cluster: str
    namespace: str
    beyla_namespace: str | None
    mode: TempoMode
    limits: Limits
    generator: bool
    org_id: int
    tempo_uid: str
    metrics_uid: str | None
    logs_uid: str | None
    profiles_uid: str | None
    scraped: bool
    slos: bool
    series_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    alert_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    runbook_base_url: str | None = None
    queue_minutes: float | None = None
    retry_minutes: int = OTLP_RETRY_MINUTES
    queue_on_volume: bool = False
    native: bool = False
    longest_bucket: float = LATENCY_BUCKETS[-1]
    logs_filter: tuple[Label, str] = LogLabelsSettings().filter
    spare_ingesters: int = 1
    block_minutes: int = Blocks.max_minutes
    version: int = 2
    slack_minutes: int = TempoSettings().slack_minutes
    grafana_url: str | None = None
    canary_seconds: int = 0
    sampling: SamplingMode = SamplingMode.OFF
    samplers: int = 0
    sampled_traces: int = 0
    kept_hours: int = TempoSettings().retention_hours
    stored_share: float = capacity.STORED_SHARE

    @property
    def samples(self) -> bool:
        """Whether samplers run."""
        return self.sampling is not SamplingMode.OFF

    @property
    def decides(self) -> bool:
        """Whether samplers decide what is stored, and write the span metrics."""
        return self.sampling is SamplingMode.ON

    @property
    def written_here(self) -> tuple[str, str]:
        """Matchers of everything that this stack's Tempo writes; a backend may hold more."""
        return FROM_TEMPO, f"{Label.TEMPO_CLUSTER}={quoted(self.cluster)}"

    @property
    def kafka(self) -> bool:
        """Whether spans pass through Kafka on their way through Tempo."""
        return has_kafka(self.mode, self.version)

    @property
    def tempo_jobs(self) -> list[str]:
        """Values of the label `job` of Tempo's parts, as the charts' ServiceMonitors set them."""
        if self.mode is TempoMode.MONOLITHIC:
            return [TEMPO_RELEASE]
        parts = [*(_PARTS_3 if self.kafka else _PARTS), *([_GENERATOR] if self.generator else [])]
        return [f"{self.namespace}/{part}" for part in parts]

    def tempo(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Tempo's pods expose.

        Matchers have an operator and a value: `status_code='=~"5.."'`.
        """
        jobs = self.tempo_jobs
        # A job's name has no character with a meaning in a regular expression.
        job = f'="{jobs[0]}"' if len(jobs) == 1 else f'=~"{"|".join(jobs)}"'
        its = tempo_metric(metric, self.version, kafka=self.kafka)
        return self._select(its, self.namespace, job=job, **matchers)

    def tempo_lost(self) -> str:
        """Select the counter of spans that Tempo refuses for good, or drops.

        Spans above the rate limit are not lost: Tempo asks for another try, and Alloy makes it.
        """
        return self.tempo(TempoMetric.SPANS_DISCARDED, reason=f"!={quoted(RATE_LIMITED)}")

    def tempo_count(self, metric: StrEnum, over: str, *, by: str = "", **matchers: str) -> str:
        """Sum the count of a histogram of Tempo; see `counted` for the arguments."""
        return counted(self.tempo(metric, **matchers), over, by=[by] if by else [])

    def alloy(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Alloy's pods expose."""
        return self._select(metric, self.namespace, job=f'="{ALLOY_RELEASE}"', **matchers)

    def sampler(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that the samplers' pods expose."""
        return self._select(metric, self.namespace, job=f'="{ALLOY_SAMPLER_RELEASE}"', **matchers)

    def collectors(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that the pods of the gateway and of the samplers expose."""
        if not self.samples:
            return self.alloy(metric, **matchers)
        job = f'=~"{ALLOY_RELEASE}|{ALLOY_SAMPLER_RELEASE}"'
        return self._select(metric, self.namespace, job=job, **matchers)

    def canary_metric(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that the canary exposes."""
        job = f'="{self.namespace}/{CANARY_RELEASE}"'
        return self._select(metric, self.namespace, job=job, **matchers)

    def beyla(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Beyla's pods expose.

        There is no job among the labels, because Beyla sets that label itself on request metrics.
        """
        return select(metric, *self.beyla_matchers(**matchers))

    def beyla_matchers(self, **matchers: str) -> list[str]:
        """Return matchers of the series that Beyla's pods expose; a ValueError without Beyla."""
        if self.beyla_namespace is None:
            raise ValueError("Beyla does not run")
        return self._matchers(self.beyla_namespace, **matchers)

    def volumes(self, metric: ClusterMetric) -> str:
        """Select a metric of the kubelets on the volumes in Tempo's namespace."""
        return self._select(metric, self.namespace)

    @property
    def queue_lasts(self) -> str:
        """How long an outage of Tempo may last before Alloy refuses spans, in a sentence."""
        if self.queue_minutes is None:
            return "Alloy's queue holds a few minutes of spans; set `load` to compute how many."
        return f"At the planned peak, Alloy's queue lasts {self.queue_minutes:.1f} minutes."

    @property
    def cluster_matchers(self) -> dict[str, str]:
        """Labels that tell this cluster's scraped series from others', with operator and value.

        By default these series have the cluster's name as label `cluster`, as a Prometheus adds it
        for a shared backend, or have no such label, as in the Prometheus of the cluster itself.
        """
        if not self.series_labels:
            return {str(Label.TEMPO_CLUSTER): f'=~"|{self.cluster}"'}
        return {label: f"={quoted(value)}" for label, value in self.series_labels.items()}

    def _matchers(self, namespace: str, **matchers: str) -> list[str]:
        its_own = {"namespace": f'="{namespace}"', **matchers}
        return [f"{k}{v}" for k, v in {**self.cluster_matchers, **its_own}.items()]

    def _select(self, metric: StrEnum, namespace: str, **matchers: str) -> str:
        return select(metric, *self._matchers(namespace, **matchers))


def stack_context(settings: TracingSettings) -> StackContext:
    """Return the projection of a stack's settings."""
    backends, grafana, alerts = settings.backends, settings.grafana, settings.alerts
    spread = settings.tempo.mode is TempoMode.DISTRIBUTED
    return StackContext(
        environment=settings.environment.name,
        cluster=settings.cluster.name,
        namespace=settings.namespaces.tracing,
        beyla_namespace=settings.namespaces.beyla if settings.beyla_runs else None,
        mode=settings.tempo.mode,
        version=settings.tempo.version,
        limits=limits(settings.tempo),
        # The ring needs more than half of the copies.
        spare_ingesters=(copies(settings.tempo) - 1) // 2 if spread else 0,
        block_minutes=blocks(settings.tempo).max_minutes,
        slack_minutes=settings.slack_minutes,
        generator=bool(config.processors(settings.tempo, backends.metrics)),
        org_id=grafana.org_id,
        tempo_uid=grafana.tempo_uid,
        metrics_uid=backends.metrics.uid if backends.metrics else None,
        logs_uid=backends.logs.uid if backends.logs else None,
        profiles_uid=backends.profiles.uid if backends.profiles else None,
        scraped=grafana.service_monitor.enabled,
        slos=settings.has_slos,
        series_labels=alerts.series_labels,
        alert_labels=alerts.alert_labels,
        runbook_base_url=alerts.runbook_base_url,
        queue_minutes=capacity.queue_minutes(settings),
        retry_minutes=settings.alloy.retry_minutes,
        queue_on_volume=settings.alloy.queue is QueuePlace.VOLUME,
        logs_filter=(backends.logs.labels if backends.logs else LogLabelsSettings()).filter,
        native=settings.tempo.span_metrics.histograms is Histograms.NATIVE,
        longest_bucket=settings.tempo.span_metrics.buckets[-1],
        sampling=settings.alloy.sampling.mode,
        samplers=settings.alloy.sampling.replicas,
        sampled_traces=num_traces(settings.alloy.sampling, settings.load),
        kept_hours=settings.tempo.retention_hours,
        stored_share=capacity.stored_bytes_per_span(settings.load) / settings.load.bytes_per_span,
        canary_seconds=settings.canary.interval_seconds if settings.canary.enabled else 0,
        grafana_url=grafana.url if grafana.dashboards and backends.metrics else None,
    )
