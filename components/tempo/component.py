"""Tempo in the cluster."""

from typing import Any

import pulumi

from ..core import helm
from ..core.names import TEMPO_RELEASE
from . import distributed, endpoints, monolithic
from .args import TempoArgs
from .settings import TempoMode

__all__ = ["Tempo", "TempoArgs", "rollouts", "values"]


def values(args: TempoArgs) -> dict[str, Any]:
    """Return the Helm values of the mode in use."""
    if args.settings.mode is TempoMode.MONOLITHIC:
        return monolithic.values(args)
    return distributed.values(args)


def rollouts(args: TempoArgs) -> list[helm.Rollout]:
    """Return how the pods of the mode in use are replaced."""
    if args.settings.mode is TempoMode.MONOLITHIC:
        return monolithic.rollouts()
    return distributed.rollouts(args)


class Tempo(pulumi.ComponentResource):
    """Grafana Tempo, installed by the chart of the mode in use."""

    query_url: pulumi.Output[str]
    """URL of Tempo's HTTP API inside the cluster."""
    otlp_endpoint: pulumi.Output[str]
    """Host and port of Tempo's OTLP gRPC receiver inside the cluster."""

    def __init__(
        self, name: str, args: TempoArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
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
        )
        self.query_url = pulumi.Output.from_input(endpoints.query_url(mode, args.namespace))
        self.otlp_endpoint = pulumi.Output.from_input(endpoints.otlp_endpoint(mode, args.namespace))
        self.register_outputs({"queryUrl": self.query_url, "otlpEndpoint": self.otlp_endpoint})
