"""Helm values of the chart `alloy` for the logs of pods."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...core import placement
from ...core.helm import Rollout
from ...core.names import ALLOY_LOGS_RELEASE
from ...core.overrides import Check, merged
from ...core.rbac import cluster_access
from .. import chart
from ..sizes import GRACE_SECONDS
from .pipeline import config
from .sizes import workload

if TYPE_CHECKING:
    from .component import AlloyPodLogsArgs

#: Share of the nodes on which a rolling update replaces the pods at the same time, rounded up.
_SHARE = 0.1
#: Access to the logs of pods, and to the pods for their attributes.
_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get", "list", "watch"]},
]
_ACCOUNT = "its permissions are bound to it"
#: Keys of the chart that `alloy.podLogs.values` can't set: what sets them, or why the stack owns
#: them.
OWNED: Mapping[str, str] = {
    **chart.owned("alloy.podLogs"),
    "configReloader.enabled": "a new configuration rolls out pod by pod",
    "controller.type": "each pod reads the logs of its node",
    "extraObjects": "its permissions are in there; create other objects by other means",
    "rbac": "it reads pods and their logs",
    "serviceAccount.create": _ACCOUNT,
    "serviceAccount.name": _ACCOUNT,
}


def values(args: "AlloyPodLogsArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "AlloyPodLogsArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "alloy.podLogs",
        args.settings.values,
        args.chart,
        owned=OWNED,
        built=lambda: _built(args),
    )


def rollouts(args: "AlloyPodLogsArgs") -> list[Rollout]:
    """Return how the pods are replaced."""
    return [
        Rollout(
            pods=args.nodes,
            share=_SHARE,
            rounded_up=True,
            stop_seconds=GRACE_SECONDS,
            ready_seconds=chart.READY_SECONDS,
        )
    ]


def _built(args: "AlloyPodLogsArgs") -> dict[str, Any]:
    size = workload(args.settings, args.nodes)
    placed = args.settings.placement.over(args.placement)
    return {
        **chart.release(ALLOY_LOGS_RELEASE, args, placed),
        "nameOverride": ALLOY_LOGS_RELEASE,
        "alloy": chart.process(args, size, config(args)),
        # The chart's checksum of the configuration restarts the pods instead, a share at a time.
        "configReloader": {"enabled": False},
        "controller": {
            "type": "daemonset",
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": f"{_SHARE:.0%}"},
            },
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "priorityClassName": placed.priority_class or "",
            **placement.on_every_node(args.settings.placement),
            **placement.given(
                {"podLabels": placed.pod_labels, "podAnnotations": placed.pod_annotations}
            ),
            # Positions in the logs. A new pod on a node reads its logs again, and Loki drops lines
            # that it has.
            "volumes": {"extra": chart.volumes(args, "1Gi")},
        },
        "extraObjects": cluster_access(ALLOY_LOGS_RELEASE, args.namespace, _RULES),
    }
