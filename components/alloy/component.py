"""The Alloy gateway as a component."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.core import v1 as core

from ..backends import credentials
from ..backends.settings import BackendSettings, LogsSettings, MetricsSettings, Writers
from ..core import helm
from ..core.names import ALLOY_RELEASE
from ..core.objects import metadata
from ..core.outputs import register
from ..core.overrides import refuse
from ..core.problem import SettingsError
from ..core.settings import IpFamily, PlacementSettings, ServiceMonitorSettings
from ..load.settings import LoadSettings
from ..tenancy.settings import TenancySettings
from . import ingress
from .endpoints import otlp_grpc_endpoint, otlp_http_endpoint
from .own_modules import problems
from .settings import AlloySettings, IngressSettings
from .values import checks, rollouts, values

__all__ = ["Alloy", "AlloyArgs"]


@dataclass(frozen=True, kw_only=True)
class AlloyArgs:
    """Arguments of `Alloy`; all plain but `tempo_endpoint`, so that a preview shows the values.

    Raises:
        ValueError: a backend requires a password, but `credentials_secret` is not set.
    """

    settings: AlloySettings = AlloySettings()
    """Alloy's own settings."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace."""
    chart: helm.Chart = helm.ALLOY
    """The chart `alloy`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    environment: str
    """`deployment.environment.name` of senders that set none."""
    ip_family: IpFamily = IpFamily.IPV4
    """Addresses of the pods."""
    cluster_name: str
    """`k8s.cluster.name` of senders that set none."""
    tempo_endpoint: pulumi.Input[str]
    """Host and port of Tempo's OTLP gRPC receiver. If unknown at preview, the preview does not
    check the chart."""
    tls: bool = False
    """Use TLS with `tempoEndpoint`, for a Tempo outside the cluster. A publicly trusted authority
    must have signed its certificate."""
    balance: bool = False
    """Spread batches over every address that the host of `tempoEndpoint` has in DNS (a headless
    Service); otherwise one connection."""
    tenant: str | None = None
    """Tempo's tenant; none without multitenancy."""
    tenancy: TenancySettings = TenancySettings()
    """Tenants, which replace `tenant`."""
    load: LoadSettings = LoadSettings()
    """Expected load, for `settings.surviveMinutes`."""
    stack_namespaces: Sequence[str] = ()
    """Namespaces of the tracing stack, whose own spans are dropped."""
    kept_services: Sequence[str] = ()
    """Services in these namespaces whose spans are kept."""
    trusted_namespaces: Sequence[str] = ()
    """Namespaces of senders that report for other pods: their `k8s.*` attributes are kept instead
    of those of the pod that sends. Beyla's namespace must be one."""
    trust_unidentified: bool = False
    """Keep the `k8s.*` attributes of senders whose connection belongs to no pod, such as Beyla with
    context propagation; otherwise they are dropped."""
    metrics: MetricsSettings | None = None
    """Backend of OTLP metrics; without it they are refused."""
    logs: LogsSettings | None = None
    """Backend of OTLP logs; without it they are refused."""
    modules: dict[str, str] = field(default_factory=dict[str, str])
    """Content of the files in `settings.modules`, by their paths there."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the keys `METRICS_PASSWORD` and `LOGS_PASSWORD` of the backends that
    require a password or token that is in no other Secret."""
    irsa_role_arn: str | None = None
    """ARN for the annotation of the service account; none with Pod Identity or without a backend
    that requires signed requests."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for Alloy itself."""

    def __post_init__(self) -> None:
        credentials.volumes(self.credentials_secret, self.writers)

    @property
    def writers(self) -> Writers:
        """The backends that Alloy writes to."""
        return BackendSettings(metrics=self.metrics, logs=self.logs).writers


class Alloy(pulumi.ComponentResource):
    """Grafana Alloy, the OTLP gateway for all senders.

    It adds cluster, environment and Kubernetes attributes, drops noise, and sends spans to Tempo,
    log records to Loki and metrics to the metrics backend.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        Alloy("alloy", AlloyArgs(namespace="tracing", environment="dev", cluster_name="dev-1",
        tempo_endpoint="tempo.tracing.svc.cluster.local:4317"))
    """

    otlp_grpc_endpoint: pulumi.Output[str]
    """URL for OTLP over gRPC."""
    otlp_http_endpoint: pulumi.Output[str]
    """URL for OTLP over HTTP, without `/v1/traces`."""

    def __init__(
        self, name: str, args: AlloyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        if found := list(problems(args.settings.modules, args.modules)):
            raise SettingsError(name, found)
        super().__init__("tracing:index:Alloy", name, {}, opts)
        self._release = helm.release(
            f"{name}-release",
            name=ALLOY_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=pulumi.Output.from_input(args.tempo_endpoint).apply(
                lambda known: values(replace(args, tempo_endpoint=known))
            ),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        if args.settings.ingress:
            self._ingress(f"{name}-ingress", args.settings.ingress, args.namespace)
        self.otlp_grpc_endpoint = pulumi.Output.from_input(otlp_grpc_endpoint(args.namespace))
        self.otlp_http_endpoint = pulumi.Output.from_input(otlp_http_endpoint(args.namespace))
        register(self)

    def _ingress(self, name: str, its: IngressSettings, namespace: str) -> None:
        """Make the Service and the routes of the entry, outside the chart.

        Helm would wait for the address of a load balancer, and roll Alloy back without one.
        """
        spec: Any = ingress.service(its)
        notes = ingress.service_annotations(its)
        service = core.Service(
            f"{name}-service",
            metadata=metadata(ingress.INGRESS_SERVICE, namespace, annotations=notes),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._release]),
        )
        for kind, route in (ingress.routes(its.gateway) if its.gateway else {}).items():
            apiextensions.CustomResource(
                f"{name}-{kind.lower()}",
                api_version=ingress.GATEWAY_API,
                kind=kind,
                metadata=metadata(ingress.INGRESS_SERVICE, namespace),
                spec=route,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )
