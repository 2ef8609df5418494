"""Alloy as one of the stack's systems."""

from collections.abc import Iterator, Mapping

from ..core import flows, helm
from ..core.names import (
    ALLOY_HTTP_PORT,
    ALLOY_RELEASE,
    CANARY_SERVICE,
    CREDENTIALS_SECRET,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
)
from ..core.settings import NamespaceKey
from ..core.system import Loss, System
from ..identity.role import role_arn
from ..identity.settings import IdentityMode
from ..settings import TracingSettings
from ..tempo.endpoints import otlp_endpoint, pods
from ..tempo.settings import TempoMode
from . import ingress
from .component import AlloyArgs
from .own_modules import NO_MODULES
from .sizes import queue_minutes, workload
from .values import checks, rollouts


def args(
    settings: TracingSettings, *, has_credentials: bool, modules: Mapping[str, str] = NO_MODULES
) -> AlloyArgs:
    """Return the arguments of Alloy."""
    charts = settings.charts
    return AlloyArgs(
        settings=settings.alloy,
        placement=settings.placement,
        namespace=settings.namespaces.tracing,
        chart=helm.ALLOY.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        environment=settings.environment.name,
        cluster_name=settings.cluster.name,
        ip_family=settings.cluster.ip_family,
        tempo_endpoint=otlp_endpoint(settings.tempo.mode, settings.namespaces.tracing),
        balance=settings.tempo.mode is TempoMode.DISTRIBUTED,
        tenant=settings.tempo.tenant,
        tenancy=settings.tenancy,
        load=settings.load,
        stack_namespaces=settings.own_namespaces,
        kept_services=[CANARY_SERVICE] if settings.canary.enabled else [],
        trusted_namespaces=[
            *([settings.namespaces.beyla] if settings.beyla_runs else []),
            *settings.alloy.trusted_namespaces,
        ],
        trust_unidentified=settings.trusts_unidentified,
        metrics=settings.backends.metrics,
        logs=settings.backends.logs,
        modules=dict(modules),
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        irsa_role_arn=role_arn(
            settings.identity.of_alloy,
            role_name=settings.alloy_role_name,
            region=settings.cluster.region,
            account_id=settings.cluster.account_id,
        )
        if settings.alloy_has_role and settings.identity.mode is IdentityMode.IRSA
        else None,
        service_monitor=settings.grafana.service_monitor,
    )


def _flows(settings: TracingSettings) -> flows.Flows:
    senders = [flows.ANYONE]
    if settings.beyla_in_host_network:
        senders += flows.addresses(settings.cluster.node_cidrs)
    logs = settings.backends.logs
    tempo = {"podSelector": pods(settings.tempo.mode, "distributor")}
    to_tempo = flows.rule("to", [tempo], flows.tcp(OTLP_GRPC_PORT))
    yield (
        "alloy",
        flows.spec(
            flows.pods_of(ALLOY_RELEASE),
            ingress=[
                flows.rule("from", senders, flows.tcp(OTLP_GRPC_PORT, OTLP_HTTP_PORT)),
                flows.rule("from", flows.scrapers(settings), flows.tcp(ALLOY_HTTP_PORT)),
                *ingress.flows(settings.alloy.ingress),
            ],
            egress=[
                *([] if settings.alloy.sampling.decides else [to_tempo]),
                flows.API_SERVER,
                *flows.to_metrics(settings),
                *(flows.to_url(logs.otlp_url, settings.namespaces.tracing) if logs else []),
                *(
                    rule
                    for url in settings.alloy.modules.destinations
                    for rule in flows.to_url(url, settings.namespaces.tracing)
                ),
                *(flows.to_credentials(settings) if settings.alloy_has_role else []),
            ],
        ),
    )


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    minutes = queue_minutes(settings.alloy, settings.load)
    held = "" if minutes is None else f", queues for {minutes:.1f} minutes of the busiest hour"
    yield "Alloy", f"size {settings.alloy.size}{held}"
    if its := settings.alloy.ingress:
        yield "OTLP from outside the cluster", f"auth {its.auth}"


ALLOY = System(
    name="Alloy",
    release=ALLOY_RELEASE,
    charts=(helm.ALLOY,),
    namespace=NamespaceKey.TRACING,
    loss=Loss(
        deleted="The address that all senders use, and the spans that wait in its queues.",
        replaced="Spans that wait in its queues; senders find no gateway until the new one runs.",
        data=True,
    ),
    placement=lambda settings: settings.alloy.placement,
    workloads=lambda settings: {"alloy": workload(settings.alloy, settings.load)},
    rollouts=lambda settings: rollouts(args(settings, has_credentials=True)),
    flows=_flows,
    checks=lambda settings: checks(args(settings, has_credentials=True)),
    summary=_summary,
)
