"""The samplers as one of the stack's systems."""

from collections.abc import Iterator, Mapping

from ...core import flows, helm
from ...core.names import (
    ALLOY_HTTP_PORT,
    ALLOY_RELEASE,
    ALLOY_SAMPLER_RELEASE,
    ALLOY_SERVICE_ACCOUNT,
    CREDENTIALS_SECRET,
    OTLP_GRPC_PORT,
)
from ...core.settings import NamespaceKey
from ...core.system import Loss, System
from ...settings import TracingSettings
from ...tempo.endpoints import otlp_endpoint, pods
from ...tempo.settings import TempoMode
from ...tempo.sizes import limits
from ..own_modules import NO_MODULES
from .component import AlloySamplerArgs
from .policies import kept
from .sizes import workload
from .values import checks, rollouts


def args(
    settings: TracingSettings, *, has_credentials: bool, modules: Mapping[str, str] = NO_MODULES
) -> AlloySamplerArgs:
    """Return the arguments of the samplers."""
    charts, most = settings.charts, limits(settings.tempo)
    return AlloySamplerArgs(
        settings=settings.alloy.sampling,
        span_metrics=settings.tempo.span_metrics,
        load=settings.load,
        max_active_series=most.max_active_series,
        max_trace_mib=most.max_trace_mib,
        placement=settings.placement,
        namespace=settings.namespaces.tracing,
        chart=helm.ALLOY.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        ip_family=settings.cluster.ip_family,
        cluster_name=settings.cluster.name,
        tempo_endpoint=otlp_endpoint(settings.tempo.mode, settings.namespaces.tracing),
        balance=settings.tempo.mode is TempoMode.DISTRIBUTED,
        tenant=settings.tempo.tenant,
        tenancy=settings.tenancy,
        survive_minutes=settings.alloy.survive_minutes,
        metrics=settings.backends.metrics,
        modules=settings.alloy.modules,
        module_texts=dict(modules),
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        # The role trusts one service account. The token of the Kubernetes API is the gateway's too.
        service_account=ALLOY_SERVICE_ACCOUNT if settings.alloy_has_role else None,
        service_monitor=settings.grafana.service_monitor,
    )


def _flows(settings: TracingSettings) -> flows.Flows:
    its, own = settings.alloy, settings.namespaces.tracing
    gateway = {"podSelector": flows.pods_of(ALLOY_RELEASE)}
    sampler = {"podSelector": flows.pods_of(ALLOY_SAMPLER_RELEASE)}
    tempo = {"podSelector": pods(settings.tempo.mode, "distributor")}
    to_tempo = [flows.rule("to", [tempo], flows.tcp(OTLP_GRPC_PORT))]
    destinations = its.modules.destinations
    yield (
        "alloy-to-sampler",
        flows.spec(
            flows.pods_of(ALLOY_RELEASE),
            egress=[flows.rule("to", [sampler], flows.tcp(OTLP_GRPC_PORT))],
        ),
    )
    yield (
        "alloy-sampler",
        flows.spec(
            flows.pods_of(ALLOY_SAMPLER_RELEASE),
            ingress=[
                flows.rule("from", [gateway], flows.tcp(OTLP_GRPC_PORT)),
                flows.rule("from", flows.scrapers(settings), flows.tcp(ALLOY_HTTP_PORT)),
            ],
            egress=[
                *(to_tempo if its.sampling.decides else []),
                *flows.to_metrics(settings),
                *(
                    rule
                    for url in (destinations if its.sampling.decides else [])
                    for rule in flows.to_url(url, own)
                ),
                *(flows.to_credentials(settings) if settings.alloy_has_role else []),
            ],
        ),
    )


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    its = settings.alloy.sampling
    if not its.runs:
        return
    general = kept(its)
    parts = [
        f"{its.mode}, {its.replicas} samplers, decides after {its.decision_wait_seconds} s",
        *(["keeps errors"] if general.errors else []),
        *([f"from {general.slower_than_ms} ms"] if general.slower_than_ms else []),
        f"{general.keep_percent:g} % of the rest",
    ]
    yield "sampling", ", ".join(parts)


ALLOY_SAMPLER = System(
    name="Alloy sampler",
    release=ALLOY_SAMPLER_RELEASE,
    charts=(helm.ALLOY,),
    namespace=NamespaceKey.TRACING,
    loss=Loss(
        deleted="The samplers with the traces in flight, and span metrics until Tempo writes them.",
        replaced="The traces in flight in the samplers. The gateway queues spans meanwhile.",
        data=True,
        section="pipeline.md#turn-sampling-on",
    ),
    placement=lambda settings: settings.alloy.sampling.placement,
    workloads=lambda settings: (
        {
            "alloy sampler": workload(
                settings.alloy.sampling, settings.load, settings.alloy.survive_minutes
            )
        }
        if settings.alloy.sampling.runs
        else {}
    ),
    rollouts=lambda settings: rollouts(args(settings, has_credentials=True)),
    flows=_flows,
    checks=lambda settings: (
        checks(args(settings, has_credentials=True)) if settings.alloy.sampling.runs else ()
    ),
    summary=_summary,
)
