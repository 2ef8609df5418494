"""Helm values of the chart `alloy` for the gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout
from ..core.names import ALLOY_RELEASE, OTLP_GRPC_PORT, OTLP_HTTP_PORT
from ..core.overrides import Check, merged
from ..core.rbac import cluster_access
from ..core.settings import PlacementSettings
from ..core.workload import Workload
from ..identity.role import irsa_annotation
from . import chart, ingress, queues
from .pipeline import HASH_KEY_VARIABLE, config
from .settings import QueuePlace
from .sizes import stop_seconds, wait_seconds, workload

if TYPE_CHECKING:
    from .component import AlloyArgs

#: Share of the pods that a rolling update replaces at the same time. New pods start before old ones
#: stop, so that no span is refused.
_ROLLOUT_SHARE = 0.25
#: CPU in percent of the request at which autoscaling adds a pod; our choice.
_CPU_TARGET_PERCENT = 70
#: Memory in percent of the limit at which autoscaling adds a pod; from 65 % on, data is refused
#: (limit_memory.alloy).
_MEMORY_TARGET_PERCENT = 60

#: The only access that the pipeline needs. The chart's own includes all Secrets of the cluster.
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]

#: Keys of the chart that `alloy.values` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    **chart.owned("alloy"),
    "controller.autoscaling.enabled": "alloy.workload.maxReplicas",
    "controller.autoscaling.minReplicas": "alloy.workload.replicas",
    "controller.autoscaling.maxReplicas": "alloy.workload.maxReplicas",
    "controller.autoscaling.horizontal.enabled": "alloy.workload.maxReplicas",
    "controller.autoscaling.horizontal.minReplicas": "alloy.workload.replicas",
    "controller.autoscaling.horizontal.maxReplicas": "alloy.workload.maxReplicas",
    "controller.autoscaling.vertical": "alloy.workload",
    "controller.replicas": "alloy.workload.replicas",
    "controller.topologySpreadConstraints": "alloy.placement.topologySpread",
    "controller.type": "alloy.queue",
    "controller.volumeClaimTemplates": "alloy.queue",
    "extraObjects": "its permissions are in there; create other objects by other means",
    "rbac": "Alloy reads the pods of all namespaces",
    "service.enabled": "all senders use it",
    "serviceAccount.create": "Alloy's permissions are bound to it",
    "serviceAccount.name": "Alloy's permissions are bound to it",
    "serviceAccount.annotations.eks.amazonaws.com/role-arn": "identity.mode",
}


def values(args: "AlloyArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "AlloyArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "alloy",
        args.settings.values,
        args.chart,
        owned=OWNED,
        # The endpoint may be known only after an update, and is in no list.
        built=lambda: _built(replace(args, tempo_endpoint="")),
    )


def _built(args: "AlloyArgs") -> dict[str, Any]:
    size, placed = workload(args.settings, args.load), args.settings.placement.over(args.placement)
    content = config(args)
    return {
        **chart.release(ALLOY_RELEASE, args, placed),
        "alloy": _alloy(args, size, content),
        "configReloader": _config_reloader(size),
        "controller": _controller(args, size, placed, content),
        "extraObjects": cluster_access(ALLOY_RELEASE, args.namespace, _RULES),
        **placement.given({"serviceAccount": irsa_annotation(args.irsa_role_arn)}),
    }


def rollouts(args: "AlloyArgs") -> list[Rollout]:
    """Return how the gateway's pods are replaced."""
    size = workload(args.settings, args.load)
    on_volume = args.settings.queue is QueuePlace.VOLUME
    return [
        Rollout(
            pods=size.max_replicas or size.replicas,
            # Kubernetes replaces the pods of a StatefulSet one by one.
            share=0 if on_volume else _ROLLOUT_SHARE,
            stop_seconds=stop_seconds(args.settings, args.load),
            ready_seconds=chart.READY_SECONDS,
        )
    ]


def _alloy(args: "AlloyArgs", size: Workload, content: str) -> dict[str, Any]:
    common = chart.process(args, size, content)
    on_volume = args.settings.queue is QueuePlace.VOLUME
    return {
        **common,
        **({"stabilityLevel": queues.STABILITY} if on_volume else {}),
        "extraPorts": [
            chart.port("otlp-grpc", OTLP_GRPC_PORT, "grpc"),
            chart.port("otlp-http", OTLP_HTTP_PORT, "http"),
        ],
        **placement.given({"extraEnv": _hash_key(args)}),
        "mounts": {
            "extra": [
                *common["mounts"]["extra"],
                *ingress.mounts(args.settings.ingress),
                *queues.mounts(args.settings),
            ]
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": wait_seconds(args.settings)}}},
    }


def _hash_key(args: "AlloyArgs") -> list[dict[str, Any]]:
    """Return the environment variable with the key of hashes; none without a key."""
    if not (its := args.settings.redaction.hash_key):
        return []
    source = {"secretKeyRef": {"name": its.secret, "key": its.key}}
    return [{"name": HASH_KEY_VARIABLE, "valueFrom": source}]


def _config_reloader(size: Workload) -> dict[str, Any]:
    # Requests as in the chart; limits and the group are ours.
    return {
        "resources": {
            "requests": {"cpu": "10m", "memory": "50Mi"},
            "limits": {
                # The pod has a CPU limit for both containers or for none.
                **({"cpu": "100m"} if size.cpu_limit_millicores else {}),
                "memory": "100Mi",
            },
        },
        "securityContext": {**chart.RESTRICTED, "runAsUser": 65534, "runAsGroup": 65534},
    }


def _controller(
    args: "AlloyArgs", size: Workload, placed: PlacementSettings, content: str
) -> dict[str, Any]:
    return {
        **chart.replicated(ALLOY_RELEASE, placed, size),
        # A changed configuration rolls out, so that a bad one fails `up` at the first new pod while
        # the old pods continue. With a reload only, it would fail at the next restart of a pod.
        "podAnnotations": {
            "checksum/config": sha256(content.encode()).hexdigest(),
            **(placed.pod_annotations or {}),
        },
        "type": "deployment",
        "autoscaling": {"horizontal": _autoscaling(size)},
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": f"{_ROLLOUT_SHARE:.0%}", "maxUnavailable": 0},
        },
        **queues.controller(args.settings, size),
        "terminationGracePeriodSeconds": stop_seconds(args.settings, args.load),
        "volumes": {
            "extra": [*chart.volumes(args, "2Gi"), *ingress.volumes(args.settings.ingress)]
        },
    }


def _autoscaling(size: Workload) -> dict[str, Any]:
    if size.max_replicas is None or size.max_replicas <= size.replicas:
        return {"enabled": False}
    # Kubernetes computes in percent of the request.
    memory = round(_MEMORY_TARGET_PERCENT * size.memory_limit_mib / size.memory_request_mib)
    return {
        "enabled": True,
        "minReplicas": size.replicas,
        "maxReplicas": size.max_replicas,
        "targetCPUUtilizationPercentage": _CPU_TARGET_PERCENT,
        "targetMemoryUtilizationPercentage": memory,
    }
