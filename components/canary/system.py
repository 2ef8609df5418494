"""The canary as one of the stack's systems."""

from collections.abc import Iterator

from ..alloy.endpoints import otlp_grpc_endpoint
from ..core import flows, helm
from ..core.names import ALLOY_RELEASE, CANARY_RELEASE, OTLP_GRPC_PORT, TEMPO_HTTP_PORT
from ..core.settings import NamespaceKey
from ..core.system import Loss, System
from ..settings import TracingSettings
from ..tempo.endpoints import pods, query_url
from .component import CanaryArgs
from .sizes import workload
from .values import METRICS_PORT, checks, rollouts


def args(settings: TracingSettings) -> CanaryArgs:
    """Return the arguments of the canary."""
    charts, own = settings.charts, settings.namespaces.tracing
    return CanaryArgs(
        settings=settings.canary,
        placement=settings.placement,
        namespace=own,
        chart=helm.TEMPO_VULTURE.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        push_url=otlp_grpc_endpoint(own),
        query_url=query_url(settings.tempo.mode, own),
        retention_hours=settings.tempo.retention_hours,
        tenant=settings.read_as,
        service_monitor=settings.grafana.service_monitor,
    )


def _flows(settings: TracingSettings) -> flows.Flows:
    canary = flows.pods_of(CANARY_RELEASE)
    tempo = pods(settings.tempo.mode, "query-frontend")
    alloy: flows.Peer = {"podSelector": flows.pods_of(ALLOY_RELEASE)}
    yield (
        "canary",
        flows.spec(
            canary,
            ingress=[flows.rule("from", flows.scrapers(settings), flows.tcp(METRICS_PORT))],
            egress=[
                flows.rule("to", [alloy], flows.tcp(OTLP_GRPC_PORT)),
                flows.rule("to", [{"podSelector": tempo}], flows.tcp(TEMPO_HTTP_PORT)),
            ],
        ),
    )
    asks = flows.rule("from", [{"podSelector": canary}], flows.tcp(TEMPO_HTTP_PORT))
    yield "canary-query", flows.spec(tempo, ingress=[asks])


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    if settings.canary.enabled:
        yield "canary", f"a trace every {settings.canary.interval_seconds} seconds"


CANARY = System(
    name="Canary",
    release=CANARY_RELEASE,
    charts=(helm.TEMPO_VULTURE,),
    namespace=NamespaceKey.TRACING,
    loss=Loss(
        deleted="Nobody notices by itself that traces are not found.",
        replaced="The new one looks up its own traces only.",
    ),
    placement=lambda settings: settings.canary.placement,
    workloads=lambda settings: (
        {"canary": workload(settings.canary)} if settings.canary.enabled else {}
    ),
    rollouts=lambda settings: rollouts(),
    flows=_flows,
    checks=lambda settings: checks(args(settings)),
    summary=_summary,
)
