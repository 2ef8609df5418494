"""Warnings about valid settings, shown at every preview."""

from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from ..alerting.settings import RuleDelivery, RuleEvaluator
from ..backends.settings import MetricsType
from ..core import versions
from ..core.helm import TEMPO_3
from ..core.registry import pinned_charts, running
from ..core.tier import Tier
from ..grafana.settings import GrafanaDelivery
from ..identity.settings import IdentityMode
from ..load import capacity
from ..settings import TracingSettings
from ..tempo.component import pinned_chart
from ..tempo.settings import Histograms, TempoMode
from . import sampling
from .clean import clean_notices
from .ingress import ingress_notices
from .rules import never_instrumented
from .survival import survival_notices
from .tenancy import tenancy_notices

#: Regions of the partition `aws` that minio-go, Tempo's client, doesn't know (endpoints.go of the
#: version in Tempo 2.10.8). In other partitions it keeps the host that is configured.
_UNKNOWN_TO_TEMPO = ("ap-southeast-6", "me-west-1", "sa-west-1")


def warnings(settings: TracingSettings) -> Iterator[str]:
    """Yield one sentence for each risk or restriction."""
    production = settings.environment.tier is Tier.PRODUCTION
    if production and settings.tempo.mode is TempoMode.MONOLITHIC:
        yield (
            "tempo.mode monolithic is one replica: while it restarts, spans wait in Alloy and "
            "queries fail."
        )
    if settings.tempo.uses_kafka:
        yield (
            "tempo.kafka is experimental: it was tested with one broker and little load, and Tempo "
            f"{versions.TEMPO_VERSIONS[3]} connects to Kafka without TLS. See docs/kafka.md."
        )
    elif settings.tempo.version == 3:
        yield (
            f"tempo.version 3: the published package of chart tempo {TEMPO_3.version} is not "
            f"tested, only Tempo {versions.TEMPO_VERSIONS[3]} with the configuration that the "
            "stack renders. See docs/versions.md."
        )
    if settings.tempo.version == 3 and not settings.tempo.traceql_metrics:
        yield "tempo.traceqlMetrics has no effect: Tempo 3 always answers TraceQL metrics."
    if production and not settings.storage.protect:
        yield "storage.protect is off in production: the bucket can be deleted with its traces."
    if settings.storage.existing:
        yield (
            f"storage.existing: encryption, lifecycle and access of {settings.bucket} are its "
            "owner's; objects are expired by Tempo alone."
        )
    if settings.cluster.region in _UNKNOWN_TO_TEMPO:
        yield (
            f"cluster.region {settings.cluster.region}: the S3 client of Tempo 2.10.8 does not "
            "know this region, and sends its requests to us-east-1. Set tempo.imageTag to a "
            "version that knows it."
        )
    if settings.identity.role_arn and settings.identity.mode is not IdentityMode.NONE:
        yield "identity.roleArn: the role's permissions and trust are its owner's, unchecked here."
    if settings.backends.metrics is None:
        yield "backends.metrics is not set: no span metrics, no service graph, no OTLP metrics."
    if settings.backends.logs is None:
        yield "backends.logs is not set: OTLP logs are not accepted, traces do not lead to logs."
    histograms = settings.tempo.span_metrics.histograms
    if settings.backends.metrics and histograms is not Histograms.CLASSIC:
        yield (
            f"tempo.spanMetrics.histograms {histograms}: backends.metrics, and the ruler that "
            "evaluates SLOs, must store native histograms. Prometheus before 3 needs "
            "--enable-feature=native-histograms, Mimir the limit "
            "native_histograms_ingestion_enabled."
        )
    yield from _unused(settings)
    yield from alert_notices(settings)
    yield from load_notices(settings)
    yield from sampling.notices(settings)
    yield from ingress_notices(settings)
    yield from clean_notices(settings)
    yield from tenancy_notices(settings)
    yield from survival_notices(settings)
    if settings.beyla.enabled and not settings.beyla_runs:
        yield "beyla.namespaces is empty, as is beyla.services: Beyla is not installed."
    if settings.beyla_runs and settings.beyla.sample_ratio < 1:
        yield (
            f"beyla.sampleRatio {settings.beyla.sample_ratio:g}: span metrics, the service graph "
            "and SLOs count only the kept traces of services that Beyla instruments. The "
            "dashboard of Beyla counts all requests."
        )
    if never := never_instrumented(settings):
        yield f"beyla: Beyla never instruments {', '.join(never)}."
    if settings.beyla_in_host_network:
        yield (
            f"beyla.contextPropagation {settings.beyla.context_propagation}: on nodes with Cilium, "
            "or with Linux from 6.6.128, 6.12.75, 6.18.14 or 6.19 on, it stalls or fails requests "
            'of applications. Test it on one node group first: see "Enable context propagation" '
            "in docs/beyla.md."
        )
    if settings.beyla_runs and settings.beyla.enrich_logs:
        yield (
            f"beyla.enrichLogs {', '.join(settings.beyla.enrich_logs)}: experimental. Beyla takes "
            "each line from the process and writes it again, so that lines are lost while it "
            "fails. It needs nodes without kernel lockdown: see "
            '"Add ids to log lines" in docs/beyla.md.'
        )
    match settings.grafana.delivery:
        case GrafanaDelivery.SIDECAR:
            pass
        case GrafanaDelivery.OPERATOR:
            yield (
                "grafana.delivery operator: the cluster must have the Grafana operator's kinds; "
                "without them `pulumi up` fails at these objects."
            )
        case GrafanaDelivery.FILES:
            yield (
                "grafana.delivery files: `pulumi up` changes nothing in Grafana. Import the files "
                "in the plan's folder grafana: see docs/grafana.md."
            )
    if settings.operator.enabled and settings.operator.go:
        yield "operator.go is on: pods that ask for Go's agent get a privileged container."
    if not settings.namespaces.network_policies:
        yield "namespaces.networkPolicies is off: any pod can reach Tempo and Alloy."
    yield from _untested(settings)
    for system in running(settings):
        for check in system.checks(settings):
            if check.given and check.contract is None:
                yield (
                    f"{check.setting} is not checked: no keys are recorded for the version in use."
                )


def _untested(settings: TracingSettings) -> Iterator[str]:
    """Yield a warning for each version of a chart or program that is not tested."""
    for chart in pinned_charts(settings):
        own = chart.own_settings(settings.charts).version
        if own and own != chart.version:
            yield versions.chart_notice(f"charts.{to_camel(chart.key)}.version", chart, own)
    tempo = versions.of_chart(pinned_chart(settings.tempo))
    yield from versions.image_notices("tempo.imageTag", tempo, settings.tempo.image_tag)
    for system in running(settings):
        for check in system.checks(settings):
            if not check.setting.endswith(".values"):
                continue
            for its in map(versions.of_chart, system.charts):
                if tag := versions.tag_in(check.given, its.image_tag):
                    yield from versions.image_notices(f"{check.setting}.{its.image_tag}", its, tag)


def _unused(settings: TracingSettings) -> Iterator[str]:
    """Yield a warning for each setting that only a datasource of the stack would use."""
    its = settings.backends
    for name, backend, keys in (
        ("logs", its.logs, ["url"]),
        ("profiles", its.profiles, ["url", "tenant", "auth", "username"]),
    ):
        if backend is None or backend.create_datasource:
            continue
        for key in keys:
            if key in backend.model_fields_set:
                yield (
                    f"backends.{name}.{key} has no effect: only the datasource of "
                    f"backends.{name}.createDatasource uses it."
                )
    for name, backend in (("metrics", its.metrics), ("logs", its.logs)):
        if backend and backend.ca and backend.create_datasource:
            yield (
                f"backends.{name}.ca: the datasource of backends.{name}.createDatasource doesn't "
                "have the certificate authority. Grafana itself must trust it."
            )


def alert_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield warnings about the delivery and evaluation of alerts.

    The plan can't check whether the cluster has the Prometheus operator's kinds, so that each use
    of one is a warning.
    """
    delivery = settings.alerts.delivery
    if settings.has_slos:
        yield from _slo_rules(settings)
    if RuleDelivery.PROMETHEUS_RULE in (delivery, settings.has_slos and settings.slo_delivery):
        yield (
            "alerts.delivery prometheusRule: the cluster must have the Prometheus operator's kind "
            "PrometheusRule; without it `pulumi up` fails at these objects."
        )
    if delivery is RuleDelivery.NONE:
        return
    if not settings.alerts.labels:
        yield (
            f"alerts.labels is empty: with delivery {delivery.value}, whoever evaluates the rules "
            "must take objects without a label of its own."
        )
    if not settings.grafana.service_monitor.enabled:
        yield (
            "grafana.serviceMonitor is off: the alerts read what a scrape of Tempo, Alloy and "
            "Beyla gives; without one AlloyDown and TempoDown fire."
        )
    if settings.alerts.evaluator is RuleEvaluator.METRICS_BACKEND:
        if settings.backends.metrics is None:
            yield (
                "alerts.evaluator metricsBackend: backends.metrics is not set, so that no ruler "
                "evaluates the alerts."
            )
        elif not settings.alerts.series_labels:
            yield (
                "alerts.evaluator metricsBackend: without alerts.seriesLabels, alerts also read "
                "series without a label `cluster`, of every cluster that writes to "
                "backends.metrics."
            )


def _slo_rules(settings: TracingSettings) -> Iterator[str]:
    """Yield reasons why the rules of SLOs have no series, as far as the settings show them."""
    its, metrics = settings.alerts.slo_rules, settings.backends.metrics
    if settings.slo_delivery is RuleDelivery.NONE:
        yield "alerts.sloRules.delivery is none: the rules of SLOs are not delivered."
    elif metrics is None or metrics.type is not MetricsType.MIMIR:
        return
    elif its.evaluator is RuleEvaluator.SCRAPER:
        yield (
            "alerts.sloRules.evaluator scraper: Tempo writes span metrics to Mimir, where the "
            "Prometheus that scrapes this cluster does not find them. Every SLO is without data."
        )
    elif its.delivery is None and settings.alerts.evaluator is RuleEvaluator.SCRAPER:
        yield (
            "alerts.sloRules.delivery is not set: the rules of SLOs go where the alerts go, to the "
            "Prometheus that scrapes this cluster. Tempo writes span metrics to Mimir: deliver "
            "the rules to its ruler."
        )


def load_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield a warning for each size that is too small for the busiest hour."""
    for check in capacity.checks(settings):
        if not check.fits:
            yield (
                f"load: the busiest hour asks for {_shown(check.asked)} of {_shown(check.held)} "
                f"({check.what}): {check.otherwise}."
            )


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
