"""The Alloy gateway as a component."""

from dataclasses import replace

import pulumi

from ..core.helm import release
from ..core.names import ALLOY_RELEASE
from .args import AlloyArgs
from .endpoints import otlp_grpc_endpoint, otlp_http_endpoint
from .values import rollouts, values

__all__ = ["Alloy", "AlloyArgs"]


class Alloy(pulumi.ComponentResource):
    """The OTLP gateway that every sender talks to.

    It stamps cluster and environment, adds Kubernetes attributes, drops noise and sends spans to
    Tempo, log records to Loki and metrics to the metrics backend.
    """

    otlp_grpc_endpoint: pulumi.Output[str]
    """URL for OTLP over gRPC."""
    otlp_http_endpoint: pulumi.Output[str]
    """URL for OTLP over HTTP, without `/v1/traces`."""

    def __init__(
        self, name: str, args: AlloyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:Alloy", name, {}, opts)
        self._release = release(
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
        self.otlp_grpc_endpoint = pulumi.Output.from_input(otlp_grpc_endpoint(args.namespace))
        self.otlp_http_endpoint = pulumi.Output.from_input(otlp_http_endpoint(args.namespace))
        self.register_outputs(
            {
                "otlpGrpcEndpoint": self.otlp_grpc_endpoint,
                "otlpHttpEndpoint": self.otlp_http_endpoint,
            }
        )
