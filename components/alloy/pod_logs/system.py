"""The collector of pod logs as one of the stack's systems."""

from collections.abc import Iterator

from ...backends.settings import LogsSettings
from ...core import flows, helm
from ...core.names import ALLOY_HTTP_PORT, ALLOY_LOGS_RELEASE, CREDENTIALS_SECRET
from ...core.settings import NamespaceKey
from ...core.system import Loss, System
from ...settings import TracingSettings
from .component import AlloyPodLogsArgs
from .sizes import workload
from .values import checks, rollouts


def runs(settings: TracingSettings) -> bool:
    """Return whether the stack installs it. Without a logs backend, a rule refuses it."""
    return settings.alloy.pod_logs.enabled and settings.backends.logs is not None


def args(settings: TracingSettings, *, has_credentials: bool) -> AlloyPodLogsArgs:
    """Return the arguments of the collector."""
    charts = settings.charts
    return AlloyPodLogsArgs(
        settings=settings.alloy.pod_logs,
        logs=_logs(settings),
        redaction=settings.alloy.redaction,
        limits=settings.alloy.limits,
        placement=settings.placement,
        namespace=settings.namespaces.tracing,
        chart=helm.ALLOY.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        ip_family=settings.cluster.ip_family,
        nodes=settings.cluster.nodes,
        environment=settings.environment.name,
        cluster_name=settings.cluster.name,
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        service_monitor=settings.grafana.service_monitor,
    )


def _logs(settings: TracingSettings) -> LogsSettings:
    if settings.backends.logs is None:
        raise ValueError("backends.logs is not set")
    return settings.backends.logs


def _flows(settings: TracingSettings) -> flows.Flows:
    scraped = flows.rule("from", flows.scrapers(settings), flows.tcp(ALLOY_HTTP_PORT))
    sent = flows.to_url(_logs(settings).otlp_url, settings.namespaces.tracing)
    yield (
        "alloy-logs",
        flows.spec(
            flows.pods_of(ALLOY_LOGS_RELEASE),
            ingress=[scraped],
            egress=[flows.API_SERVER, *sent],
        ),
    )


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    if runs(settings):
        yield "pod logs", f"of namespaces {', '.join(settings.alloy.pod_logs.namespaces)}"


ALLOY_LOGS = System(
    name="Alloy for pod logs",
    release=ALLOY_LOGS_RELEASE,
    charts=(helm.ALLOY,),
    namespace=NamespaceKey.TRACING,
    loss=Loss(
        deleted="Logs of pods are not sent any more, and spans lead to no lines.",
        replaced="Lines that the nodes rotate away before the new one runs.",
    ),
    placement=lambda settings: settings.alloy.pod_logs.placement,
    workloads=lambda settings: (
        {"alloy for pod logs": workload(settings.alloy.pod_logs, settings.cluster.nodes)}
        if runs(settings)
        else {}
    ),
    rollouts=lambda settings: rollouts(args(settings, has_credentials=True)),
    flows=_flows,
    checks=lambda settings: checks(args(settings, has_credentials=True)) if runs(settings) else (),
    summary=_summary,
)
