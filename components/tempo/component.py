"""Tempo as a component."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi

from ..backends.settings import MetricsSettings
from ..core import helm
from ..core.names import TEMPO_RELEASE
from ..core.outputs import register
from ..core.overrides import Check, merged, refuse
from ..core.regions import S3Endpoint
from ..core.settings import IpFamily, PlacementSettings, ServiceMonitorSettings
from . import config, distributed, endpoints, monolithic
from .settings import TempoMode, TempoSettings

__all__ = ["Tempo", "TempoArgs", "checks", "pinned_chart", "rollouts", "values"]


@dataclass(frozen=True, kw_only=True)
class TempoArgs:
    """Arguments of `Tempo`; all plain, so that its Helm values are known at preview."""

    settings: TempoSettings = TempoSettings()
    """Tempo's own settings."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace."""
    chart: helm.Chart | None = None
    """Chart of the mode and version in use; by default the pinned one."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public ones."""
    bucket: str
    """Name of the S3 bucket."""
    region: str
    """AWS region of the bucket."""
    storage_endpoint: str | None = None
    """URL of an S3-compatible emulator; by default S3 itself."""
    ip_family: IpFamily = IpFamily.IPV4
    """Addresses of the pods."""
    s3_endpoint: S3Endpoint = S3Endpoint.STANDARD
    """Which endpoint of S3 Tempo uses, without an emulator."""
    irsa_role_arn: str | None = None
    """ARN for the annotation of the service account; none with Pod Identity or an emulator."""
    cluster_name: str
    """Name of the cluster, a label of every span metric."""
    tenants: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Tenants and their own limits, in Tempo's format of overrides; one or more enable
    multitenancy, as `settings.tenant` does."""
    metrics: MetricsSettings | None = None
    """The metrics backend; without it there are no span metrics."""
    sampled: bool = False
    """Samplers write the span metrics and the service graph, because Tempo receives a part of the
    spans. Tempo still counts the bytes of the spans that it stores."""
    credentials_secret: str | None = None
    """Kubernetes Secret with the key `METRICS_PASSWORD`; required if the metrics backend requires a
    password or token that is in no other Secret."""
    service_monitor: ServiceMonitorSettings = ServiceMonitorSettings()
    """ServiceMonitor objects for Tempo itself."""

    @property
    def multitenant(self) -> bool:
        """Whether each request needs a tenant."""
        return self.settings.tenant is not None or bool(self.tenants)

    @property
    def chart_in_use(self) -> helm.Chart:
        """The chart given, or the pinned one of the mode."""
        return self.chart or pinned_chart(self.settings)


def pinned_chart(settings: TempoSettings) -> helm.Chart:
    """Return the pinned chart of the mode and the major version in use."""
    if settings.mode is TempoMode.DISTRIBUTED:
        return helm.TEMPO_DISTRIBUTED if settings.version == 2 else helm.TEMPO_DISTRIBUTED_3
    return helm.TEMPO if settings.version == 2 else helm.TEMPO_3


def values(args: TempoArgs) -> dict[str, Any]:
    """Return the Helm values of the mode in use."""
    return merged(_built(args), args.settings.values)


def _built(args: TempoArgs) -> dict[str, Any]:
    if args.settings.mode is TempoMode.MONOLITHIC:
        return monolithic.values(args)
    return distributed.values(args)


def checks(args: TempoArgs) -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    one = args.settings.mode is TempoMode.MONOLITHIC
    yield Check.of_values(
        "tempo",
        args.settings.values,
        args.chart_in_use,
        owned=(monolithic if one else distributed).owned(args.settings),
        built=lambda: _built(args),
    )
    yield from config.checks(args)


def rollouts(args: TempoArgs) -> list[helm.Rollout]:
    """Return how the pods of the mode in use are replaced."""
    if args.settings.mode is TempoMode.MONOLITHIC:
        return monolithic.rollouts()
    return distributed.rollouts(args)


class Tempo(pulumi.ComponentResource):
    """Grafana Tempo, installed from the chart of the mode in use.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Raises:
        SettingsError: `settings.values` has keys that the chart doesn't know or the stack owns.
        ValueError: the metrics backend requires a password, but `credentials_secret` is not set.

    Example:
        Tempo("tempo", TempoArgs(namespace="tracing", bucket="traces", region="eu-west-1",
        cluster_name="dev-1"))
    """

    query_url: pulumi.Output[str]
    """URL of Tempo's HTTP API inside the cluster."""
    otlp_endpoint: pulumi.Output[str]
    """Host and port of Tempo's OTLP gRPC receiver inside the cluster."""

    def __init__(
        self, name: str, args: TempoArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:Tempo", name, {}, opts)
        mode = args.settings.mode
        self._release = helm.release(
            f"{name}-release",
            name=TEMPO_RELEASE,
            chart=args.chart_in_use,
            namespace=args.namespace,
            values=values(args),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
            # Kubernetes doesn't replace a pod of the chart's StatefulSet that never became ready
            # (podManagementPolicy OrderedReady): a failed upgrade could not be rolled back. The
            # StatefulSets with volumes of chart tempo-distributed are Parallel.
            recreate_pods=mode is TempoMode.MONOLITHIC,
        )
        self.query_url = pulumi.Output.from_input(endpoints.query_url(mode, args.namespace))
        self.otlp_endpoint = pulumi.Output.from_input(endpoints.otlp_endpoint(mode, args.namespace))
        register(self)
