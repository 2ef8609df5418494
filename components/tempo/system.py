"""Tempo as one of the stack's systems."""

from collections.abc import Iterator, Mapping

from ..core import flows
from ..core.helm import TEMPO as CHART
from ..core.helm import TEMPO_DISTRIBUTED as DISTRIBUTED_CHART
from ..core.names import (
    ALLOY_RELEASE,
    ALLOY_SAMPLER_RELEASE,
    CREDENTIALS_SECRET,
    OTLP_GRPC_PORT,
    TEMPO_HTTP_PORT,
    TEMPO_RELEASE,
)
from ..core.settings import NamespaceKey
from ..core.system import Loss, System
from ..core.workload import Workload
from ..identity.role import role_arn
from ..identity.settings import IdentityMode
from ..settings import TracingSettings
from . import config, sizes
from .component import TempoArgs, checks, pinned_chart, rollouts
from .endpoints import pods
from .settings import TempoMode

#: Receivers of Tempo's charts beside OTLP.
_JAEGER: tuple[flows.Port, ...] = (("TCP", 14250), ("TCP", 14268), ("UDP", 6831), ("UDP", 6832))
_ZIPKIN = flows.tcp(9411)
#: Components of tempo-distributed that read or write blocks, by Tempo's major.
_STORES: Mapping[int, tuple[str, ...]] = {
    2: ("compactor", "ingester", "metrics-generator", "querier", "query-frontend"),
    3: ("backend-scheduler", "backend-worker", "block-builder", "querier", "query-frontend"),
}
#: Components that write to Kafka or read from it.
_KAFKA = ("distributor", "block-builder", "live-store", "metrics-generator")


def args(settings: TracingSettings, *, has_credentials: bool) -> TempoArgs:
    """Return the arguments of Tempo."""
    charts = settings.charts
    role = role_arn(
        settings.identity,
        role_name=settings.role_name,
        region=settings.cluster.region,
        account_id=settings.cluster.account_id,
    )
    return TempoArgs(
        settings=settings.tempo.model_copy(update={"slack_minutes": settings.slack_minutes}),
        placement=settings.placement,
        namespace=settings.namespaces.tracing,
        chart=pinned_chart(settings.tempo).from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        bucket=settings.bucket,
        region=settings.cluster.region,
        storage_endpoint=settings.storage.endpoint,
        s3_endpoint=settings.storage.s3_endpoint,
        ip_family=settings.cluster.ip_family,
        irsa_role_arn=role if settings.identity.mode is IdentityMode.IRSA else None,
        cluster_name=settings.cluster.name,
        tenants={
            tenant.name: config.limits_of_tenant(tenant.limits, tenant.retention_hours)
            for tenant in settings.tenancy.tenants
            if settings.tenancy.enabled
        },
        metrics=settings.backends.metrics,
        sampled=settings.alloy.sampling.decides,
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        service_monitor=settings.grafana.service_monitor,
    )


def workloads(settings: TracingSettings) -> dict[str, Workload]:
    """Return Tempo's workloads that run, by their names in `TempoWorkloadSettings`.

    Raises:
        KeyError: mode `distributed` has no such size.
    """
    generator = config.processors(settings.tempo, settings.backends.metrics)
    return sizes.workloads(settings.tempo, generator=bool(generator))


def _flows(settings: TracingSettings) -> flows.Flows:
    tempo, metrics = settings.tempo, flows.to_metrics(settings)
    sender = ALLOY_SAMPLER_RELEASE if settings.alloy.sampling.decides else ALLOY_RELEASE
    alloy = {"podSelector": flows.pods_of(sender)}
    received = [flows.rule("from", [alloy], flows.tcp(OTLP_GRPC_PORT))]
    if direct := (_JAEGER if tempo.jaeger else ()) + (_ZIPKIN if tempo.zipkin else ()):
        received.append(flows.rule("from", [flows.ANYONE], direct))
    yield "tempo-receive", flows.spec(pods(tempo.mode, "distributor"), ingress=received)
    # Queries and scrapes share a port.
    queried = flows.rule("from", flows.scrapers(settings), flows.tcp(TEMPO_HTTP_PORT))
    yield "tempo-query", flows.spec(pods(tempo.mode), ingress=[queried])
    yield (
        "tempo-storage",
        flows.spec(pods(tempo.mode, *_STORES[tempo.version]), egress=_storage(settings)),
    )
    if tempo.uses_kafka and tempo.kafka:
        brokers = flows.to_url(f"kafka://{tempo.kafka.address}", settings.namespaces.tracing)
        yield "tempo-kafka", flows.spec(pods(tempo.mode, *_KAFKA), egress=brokers)
    if metrics:
        yield "tempo-metrics", flows.spec(pods(tempo.mode, "metrics-generator"), egress=metrics)
    if tempo.mode is TempoMode.DISTRIBUTED:
        # Gossip, gRPC and memcached, each component with nearly each other one.
        every = pods(tempo.mode)
        members: list[flows.Peer] = [{"podSelector": every}]
        inward, outward = (flows.rule(direction, members) for direction in ("from", "to"))
        yield "tempo-members", flows.spec(every, ingress=[inward], egress=[outward])


def _storage(settings: TracingSettings) -> list[flows.Rule]:
    """Return the ways to the bucket and to the credentials for it."""
    endpoint = settings.storage.endpoint
    # The addresses of S3 and of STS (IRSA) are public, many, and change.
    own = settings.namespaces.tracing
    rules = flows.to_url(endpoint, own) if endpoint else [flows.rule("to", None, flows.tcp(443))]
    return [*rules, *flows.to_credentials(settings)]


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    its = settings.tempo
    yield "Tempo", f"{its.image_tag}, {its.mode}, size {its.size}"
    yield "retention", f"{its.retention_hours} hours ({its.retention_hours / 24:g} days)"


TEMPO = System(
    name="Tempo",
    release=TEMPO_RELEASE,
    charts=(CHART, DISTRIBUTED_CHART),
    namespace=NamespaceKey.TRACING,
    loss=Loss(
        deleted="Tempo with all its pods. Spans that are not yet in S3 stay on its volumes only.",
        replaced="Tempo's pods; spans that are not yet in S3 stay on the old volumes only.",
        data=True,
        section="changes.md#change-tempos-mode",
    ),
    placement=lambda settings: settings.tempo.placement,
    workloads=lambda settings: {
        f"tempo {name.replace('_', ' ')}": size for name, size in workloads(settings).items()
    },
    rollouts=lambda settings: rollouts(args(settings, has_credentials=True)),
    flows=_flows,
    checks=lambda settings: checks(args(settings, has_credentials=True)),
    summary=_summary,
)
