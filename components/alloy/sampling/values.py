"""Helm values of the chart `alloy` for the samplers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core.helm import Rollout
from ...core.names import ALLOY_SAMPLER_RELEASE, OTLP_GRPC_PORT
from ...core.overrides import Check, merged
from .. import chart
from ..sizes import GRACE_SECONDS
from .pipeline import POD_NAME, config
from .sizes import workload

if TYPE_CHECKING:
    from .component import AlloySamplerArgs

_PODS = "the gateway sends to the pods by their names"
_ACCOUNT = "its AWS identity follows from backends.metrics"
#: Keys of the chart that `alloy.sampling.values` can't set: what sets them, or why the stack owns
#: them.
OWNED: Mapping[str, str] = {
    **chart.owned("alloy.sampling"),
    "configReloader.enabled": "a reload would drop the traces in flight",
    "controller.autoscaling": _PODS,
    "controller.replicas": "alloy.sampling.replicas",
    "controller.topologySpreadConstraints": "alloy.sampling.placement.topologySpread",
    "controller.type": _PODS,
    "rbac": "the samplers need no access to the cluster",
    "service.clusterIP": _PODS,
    "service.enabled": _PODS,
    "service.type": _PODS,
    "serviceAccount.create": _ACCOUNT,
    "serviceAccount.name": _ACCOUNT,
}


def values(args: "AlloySamplerArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "AlloySamplerArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "alloy.sampling",
        args.settings.values,
        args.chart,
        owned=OWNED,
        # The endpoint may be known only after an update, and is in no list.
        built=lambda: _built(replace(args, tempo_endpoint="")),
    )


def rollouts(args: "AlloySamplerArgs") -> list[Rollout]:
    """Return how the pods are replaced: one at a time."""
    return [
        Rollout(
            pods=args.settings.replicas,
            stop_seconds=GRACE_SECONDS,
            ready_seconds=chart.READY_SECONDS,
        )
    ]


def _built(args: "AlloySamplerArgs") -> dict[str, Any]:
    size = workload(args.settings, args.load, args.survive_minutes)
    placed = args.settings.placement.over(args.placement)
    account = (
        {"create": False, "name": args.service_account}
        if args.service_account
        else {"automountServiceAccountToken": False}
    )
    pod_name = {"name": POD_NAME, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    return {
        **chart.release(ALLOY_SAMPLER_RELEASE, args, placed),
        "nameOverride": ALLOY_SAMPLER_RELEASE,
        "alloy": {
            **chart.process(args, size, config(args)),
            "extraPorts": [chart.port("otlp-grpc", OTLP_GRPC_PORT, "grpc")],
            "extraEnv": [pod_name],
        },
        # A reload would start the processor anew, without the traces in flight. The chart's
        # checksum of the configuration restarts the pods one by one instead.
        "configReloader": {"enabled": False},
        "controller": {
            **chart.replicated(ALLOY_SAMPLER_RELEASE, placed, size),
            "type": "statefulset",
            "updateStrategy": {"type": "RollingUpdate"},
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "volumes": {"extra": chart.volumes(args, "2Gi")},
        },
        "serviceAccount": account,
        # Headless, and the StatefulSet's own: each pod has a name in DNS.
        "service": {"clusterIP": "None"},
    }
