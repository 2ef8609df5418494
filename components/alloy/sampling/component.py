"""The samplers behind the gateway as a component."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pulumi

from ...backends import credentials
from ...backends.settings import BackendSettings, MetricsSettings, Writers
from ...core import helm
from ...core.names import ALLOY_SAMPLER_RELEASE
from ...core.outputs import register
from ...core.overrides import refuse
from ...core.settings import IpFamily, PlacementSettings, ServiceMonitorSettings
from ...load.settings import LoadSettings
from ...tempo.settings import TempoSpanMetricsSettings
from ...tenancy.settings import TenancySettings
from ..endpoints import sampler_hosts
from ..settings import AlloyModulesSettings
from .settings import SamplingMode, SamplingSettings
from .values import checks, rollouts, values

__all__ = ["AlloySampler", "AlloySamplerArgs"]


@dataclass(frozen=True, kw_only=True)
class AlloySamplerArgs:
    """Arguments of `AlloySampler`; all plain but `tempo_endpoint`.

    Raises:
        ValueError: a backend requires a password, but `credentials_secret` is not set.
    """

    settings: SamplingSettings = SamplingSettings(mode=SamplingMode.ON)
    """What is kept, and the samplers' size. `mode` must be `on` or `rehearse`."""
    span_metrics: TempoSpanMetricsSettings = TempoSpanMetricsSettings()
    """Buckets, dimensions and kind of the span metrics."""
    load: LoadSettings = LoadSettings()
    """The expected load; traces in memory and the memory limit follow from it."""
    max_active_series: int = 50_000
    """Series of one sampler's span metrics that one service may have."""
    max_trace_mib: int = 10
    """Largest trace in MiB on the wire; larger ones are dropped."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace: that of the gateway."""
    chart: helm.Chart = helm.ALLOY
    """The chart `alloy`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    ip_family: IpFamily = IpFamily.IPV4
    """Addresses of the pods."""
    cluster_name: str
    """Name of the cluster, a label of every span metric."""
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
    survive_minutes: int | None = None
    """Minutes for which the queues to Tempo hold what is kept of the busiest hour of `load`."""
    metrics: MetricsSettings | None = None
    """Backend of the span metrics; without it there are none."""
    modules: AlloyModulesSettings = AlloyModulesSettings()
    """Own modules, of which `beforeExport` run here."""
    module_texts: dict[str, str] = field(default_factory=dict[str, str])
    """Content of the files in `modules`, by their paths there."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the key `METRICS_PASSWORD`, if the metrics backend requires a password
    or token that is in no other Secret."""
    service_account: str | None = None
    """Existing service account with an AWS role, to sign requests to the metrics backend; by
    default one without permissions is made."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for the samplers themselves."""

    def __post_init__(self) -> None:
        credentials.volumes(self.credentials_secret, self.writers)

    @property
    def decides(self) -> bool:
        """Whether what is not kept is dropped; otherwise this is a rehearsal."""
        return self.settings.decides

    @property
    def writers(self) -> Writers:
        """The backends that the samplers write to."""
        return BackendSettings(metrics=self.metrics).writers


class AlloySampler(pulumi.ComponentResource):
    """Samplers that decide on whole traces, for a gateway that sends each trace to one of them.

    They also write span metrics and the service graph of all spans, before the decision.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        AlloySampler("sampler", AlloySamplerArgs(namespace="tracing", cluster_name="dev-1",
        tempo_endpoint="tempo.tracing.svc.cluster.local:4317"))
    """

    hosts: pulumi.Output[Sequence[str]]
    """Host names of the samplers."""

    def __init__(
        self, name: str, args: AlloySamplerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:AlloySampler", name, {}, opts)
        self._release = helm.release(
            f"{name}-release",
            name=ALLOY_SAMPLER_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=pulumi.Output.from_input(args.tempo_endpoint).apply(
                lambda known: values(replace(args, tempo_endpoint=known))
            ),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        self.hosts = pulumi.Output.from_input(sampler_hosts(args.settings.replicas, args.namespace))
        register(self)
