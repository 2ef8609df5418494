"""Beyla as a component."""

from dataclasses import replace

import pulumi

from ..core.helm import release
from ..core.names import BEYLA_RELEASE
from .args import BeylaArgs
from .values import rollouts, values

__all__ = ["Beyla", "BeylaArgs"]


class Beyla(pulumi.ComponentResource):
    """The eBPF agent on every node, for services without instrumentation.

    It has no outputs: it sends to others, and nobody needs its address.
    """

    def __init__(
        self, name: str, args: BeylaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Install Beyla.

        Args:
            name: name of the component.
            args: what to install, where and for whom.
            opts: options of the component.
        """
        super().__init__("tracing:index:Beyla", name, {}, opts)
        self._release = release(
            f"{name}-release",
            name=BEYLA_RELEASE,
            chart=args.chart,
            namespace=args.namespace,
            values=pulumi.Output.from_input(args.otlp_endpoint).apply(
                lambda known: values(replace(args, otlp_endpoint=known))
            ),
            rollouts=rollouts(args),
            atomic=args.atomic,
            parent=self,
        )
        self.register_outputs({})
