"""The OpenTelemetry Operator as a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions

from ..core import helm
from ..core.names import INSTRUMENTATION, OPERATOR_RELEASE
from ..core.outputs import register
from ..core.overrides import refuse
from ..core.settings import PlacementSettings
from .instrumentation import API_VERSION, KIND, instrumentation
from .settings import OperatorSettings
from .values import checks, rollouts, values

__all__ = ["OpenTelemetryOperator", "OpenTelemetryOperatorArgs"]


@dataclass(frozen=True, kw_only=True)
class OpenTelemetryOperatorArgs:
    """Arguments of `OpenTelemetryOperator`."""

    settings: OperatorSettings = OperatorSettings()
    """The operator's settings."""
    placement: PlacementSettings = PlacementSettings()
    """Placement of the whole stack; each key of `settings.placement` replaces the same key."""
    namespace: str
    """An existing namespace; pod-security level `restricted` is enough."""
    chart: helm.Chart = helm.OPERATOR
    """The chart `opentelemetry-operator`."""
    atomic: bool = True
    """Roll back a failed upgrade."""
    image_registry: str | None = None
    """Registry that mirrors the images; by default the public one."""
    otlp_endpoint: str
    """URL that the SDKs send OTLP over HTTP to."""
    excluded_namespaces: Sequence[str] = ()
    """Namespaces whose pods the operator's webhook does not receive."""


class OpenTelemetryOperator(pulumi.ComponentResource):
    """The OpenTelemetry Operator, and one `Instrumentation` for pods of every namespace.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Example:
        OpenTelemetryOperator("operator", OpenTelemetryOperatorArgs(namespace="tracing-operator",
        otlp_endpoint="http://alloy.tracing.svc.cluster.local:4318"))
    """

    instrumentation: pulumi.Output[str]
    """Namespace and name of the `Instrumentation`, as annotations take it. It is known only when
    the object exists, because a pod that starts before gets no SDK."""

    def __init__(
        self, name: str, args: OpenTelemetryOperatorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(name, checks(args))
        super().__init__("tracing:index:OpenTelemetryOperator", name, {}, opts)
        installed = helm.release(
            f"{name}-release",
            name=OPERATOR_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=values(args),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        made = apiextensions.CustomResource(
            f"{name}-instrumentation",
            api_version=API_VERSION,
            kind=KIND,
            metadata={"name": INSTRUMENTATION, "namespace": args.namespace},
            spec=instrumentation(args),
            # The chart brings the custom resource definition.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed]),
        )
        self.instrumentation = made.urn.apply(lambda _: f"{args.namespace}/{INSTRUMENTATION}")
        register(self)
