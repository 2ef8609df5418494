"""The OpenTelemetry Operator as a component."""

import pulumi
from pulumi_kubernetes import apiextensions

from ..core.helm import release
from ..core.names import INSTRUMENTATION, OPERATOR_RELEASE
from .args import OpenTelemetryOperatorArgs
from .instrumentation import API_VERSION, KIND, instrumentation
from .values import rollouts, values

__all__ = ["OpenTelemetryOperator", "OpenTelemetryOperatorArgs"]


class OpenTelemetryOperator(pulumi.ComponentResource):
    """The operator, and one ``Instrumentation`` that pods of every namespace may name."""

    instrumentation: pulumi.Output[str]
    """Namespace and name of the `Instrumentation`, as annotations take it. A pod that was made
    before the object would start without an SDK: what uses this output comes after it."""

    def __init__(
        self,
        name: str,
        args: OpenTelemetryOperatorArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Install the operator.

        Args:
            name: name of the component.
            args: what to install, where, and where SDKs send to.
            opts: options of the component.
        """
        super().__init__("tracing:index:OpenTelemetryOperator", name, {}, opts)
        installed = release(
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
            # The chart brings the kind.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed]),
        )
        self.instrumentation = made.urn.apply(lambda _: f"{args.namespace}/{INSTRUMENTATION}")
        self.register_outputs({"instrumentation": self.instrumentation})
