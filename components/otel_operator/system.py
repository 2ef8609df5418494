"""The OpenTelemetry Operator as one of the stack's systems."""

from collections.abc import Iterator

from ..alloy.endpoints import otlp_http_endpoint
from ..core import flows, helm
from ..core.names import OPERATOR_RELEASE, OPERATOR_WEBHOOK_PORT
from ..core.settings import NamespaceKey
from ..core.system import Loss, System
from ..settings import TracingSettings
from .component import OpenTelemetryOperatorArgs
from .sizes import workload
from .values import checks, rollouts


def args(settings: TracingSettings) -> OpenTelemetryOperatorArgs:
    """Return the arguments of the OpenTelemetry Operator."""
    charts, own = settings.charts, settings.namespaces.operator
    return OpenTelemetryOperatorArgs(
        settings=settings.operator,
        placement=settings.placement,
        namespace=own,
        chart=helm.OPERATOR.from_settings(charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        otlp_endpoint=otlp_http_endpoint(settings.namespaces.tracing),
        # Not its own namespace: the webhook must see the Instrumentation there.
        excluded_namespaces=["kube-system", *(n for n in settings.own_namespaces if n != own)],
    )


def _flows(settings: TracingSettings) -> flows.Flows:
    # The API server calls the webhooks, from addresses that change.
    called = flows.rule("from", None, flows.tcp(OPERATOR_WEBHOOK_PORT))
    pods = flows.pods_of(OPERATOR_RELEASE)
    yield "operator", flows.spec(pods, ingress=[called], egress=[flows.API_SERVER])


def _summary(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    if settings.operator.enabled:
        languages = "all languages" if settings.operator.go else "all languages except Go"
        yield "OpenTelemetry Operator", f"for annotated pods, {languages}"


OPERATOR = System(
    name="OpenTelemetry Operator",
    release=OPERATOR_RELEASE,
    charts=(helm.OPERATOR,),
    namespace=NamespaceKey.OPERATOR,
    loss=Loss(
        deleted="Pods that ask for an SDK start without one; those that run keep theirs.",
        replaced="Pods that start before the new one runs get no SDK.",
    ),
    placement=lambda settings: settings.operator.placement,
    workloads=lambda settings: (
        {"opentelemetry operator": workload(settings.operator)} if settings.operator.enabled else {}
    ),
    rollouts=lambda settings: rollouts(args(settings)),
    flows=_flows,
    checks=lambda settings: checks(args(settings)),
    summary=_summary,
)
