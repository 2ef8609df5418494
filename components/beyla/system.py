"""Beyla as one of the stack's systems."""

from collections.abc import Iterator

from ..alloy.endpoints import otlp_grpc_endpoint
from ..core import flows, helm
from ..core.names import ALLOY_RELEASE, BEYLA_RELEASE, OTLP_GRPC_PORT
from ..core.settings import NamespaceKey
from ..core.system import Loss, System
from ..core.workload import Workload
from ..onboarding.annotations import INJECT, INJECT_SDK
from ..settings import TracingSettings
from . import sizes
from .component import BeylaArgs
from .settings import BeylaServiceSettings
from .values import CACHE_PORT, CACHE_SERVICE, checks, rollouts

_EVERYTHING = "all namespaces except the system's"


def args(settings: TracingSettings) -> BeylaArgs:
    """Return the arguments of Beyla."""
    charts = settings.charts
    return BeylaArgs(
        settings=settings.beyla,
        placement=settings.placement,
        namespace=settings.namespaces.beyla,
        chart=helm.BEYLA.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        nodes=settings.cluster.nodes,
        cluster_name=settings.cluster.name,
        otlp_endpoint=otlp_grpc_endpoint(settings.namespaces.tracing),
        excluded_namespaces=settings.own_namespaces,
        excluded_annotations=[*INJECT.values(), INJECT_SDK] if settings.operator.enabled else [],
        ignored_paths=settings.alloy.ignored_paths,
        service_monitor=settings.grafana.service_monitor,
    )


def _workloads(settings: TracingSettings) -> dict[str, Workload]:
    if not settings.beyla_runs:
        return {}
    return sizes.workloads(settings.beyla, settings.cluster.nodes)


def _flows(settings: TracingSettings) -> flows.Flows:
    agent = flows.pods_of(BEYLA_RELEASE)
    # Its Service selects by this label alone.
    cache = {"matchLabels": {"app.kubernetes.io/name": CACHE_SERVICE}}
    has_cache = "k8s-cache" in _workloads(settings)
    agents: list[flows.Peer] = [{"podSelector": agent}]
    if settings.beyla_in_host_network:
        # Policies don't apply to pods in the host network, which send from the nodes' addresses.
        agents = flows.addresses(settings.cluster.node_cidrs)
    else:
        tracing = flows.namespace(settings.namespaces.tracing)
        alloy = {**tracing, "podSelector": flows.pods_of(ALLOY_RELEASE)}
        egress = [flows.rule("to", [alloy], flows.tcp(OTLP_GRPC_PORT)), flows.API_SERVER]
        if has_cache:
            egress.append(flows.rule("to", [{"podSelector": cache}], flows.tcp(CACHE_PORT)))
        port = flows.tcp(settings.beyla.metrics_port)
        scraped = flows.rule("from", flows.scrapers(settings), port)
        yield "beyla-agent", flows.spec(agent, ingress=[scraped], egress=egress)
    if has_cache:
        # An empty list of peers would admit everyone.
        asked = [flows.rule("from", agents, flows.tcp(CACHE_PORT))] if agents else []
        yield "beyla-cache", flows.spec(cache, ingress=asked, egress=[flows.API_SERVER])


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    its = settings.beyla
    if not settings.beyla_runs:
        yield "Beyla", "not installed"
        return
    selected = [
        *(_EVERYTHING if name == "*" else name for name in its.namespaces),
        *map(_named, its.services),
    ]
    yield "Beyla", f"{', '.join(selected)}, context propagation {its.context_propagation}"


def _named(service: BeylaServiceSettings) -> str:
    labels = [f"{key}={value}" for key, value in service.labels.items()]
    what = " ".join([*([service.workload] if service.workload else []), *labels])
    return f"{what} in {service.namespace or _EVERYTHING}".lstrip()


BEYLA = System(
    name="Beyla",
    release=BEYLA_RELEASE,
    charts=(helm.BEYLA,),
    namespace=NamespaceKey.BEYLA,
    pod_security="privileged",
    loss=Loss(
        deleted="Spans of all services without an SDK.",
        replaced="Spans of services without an SDK until the new one runs.",
        data=True,
    ),
    placement=lambda settings: settings.beyla.placement,
    workloads=_workloads,
    rollouts=lambda settings: rollouts(args(settings)),
    flows=_flows,
    checks=lambda settings: checks(args(settings)),
    summary=_summary,
)
