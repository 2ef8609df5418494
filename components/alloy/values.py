"""Helm values of the chart `alloy` for the gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..backends import credentials
from ..core import placement
from ..core.flows import pods_of
from ..core.helm import Rollout
from ..core.names import ALLOY_HTTP_PORT, ALLOY_RELEASE, OTLP_GRPC_PORT, OTLP_HTTP_PORT
from ..core.overrides import MONITOR, MONITOR_LABELS, NAMES, POLICIES, Check, merged
from ..core.rbac import cluster_access
from ..core.settings import IpFamily, PlacementSettings
from ..core.workload import Workload
from ..identity.role import irsa_annotation
from . import ingress, queues
from .pipeline import HASH_KEY_VARIABLE, config
from .settings import QueuePlace
from .sizes import stop_seconds, workload

if TYPE_CHECKING:
    from .component import AlloyArgs

#: User of the image grafana/alloy.
UID = 473
#: Folder of Alloy's state (the write-ahead log of metrics), the only one that it writes to.
STORAGE_PATH = "/tmp/alloy"  # noqa: S108 - the chart's own, a volume of the pod
#: Seconds of the termination grace period in which a stopping pod still accepts connections, while
#: the Service removes it.
_DRAIN_SECONDS = 5
#: Delay of the readiness probe in seconds (chart default).
READY_SECONDS = 10
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

#: Pod security context within pod-security level `restricted`.
POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": UID,
    "runAsGroup": UID,
    "fsGroup": UID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: Container security context within pod-security level `restricted`, with a read-only root.
RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


#: Keys of the chart that `alloy.values` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "namespaceOverride": NAMES,
    "global.image.registry": "charts.imageRegistry",
    "global.image.pullSecrets": "alloy.placement.imagePullSecrets",
    "image.pullSecrets": "alloy.placement.imagePullSecrets",
    "image.registry": "charts.imageRegistry",
    "alloy.configMap": "it is generated from the settings",
    "alloy.listenAddr": "probes and scrapes use it",
    "alloy.listenPort": POLICIES,
    "alloy.resources": "alloy.workload",
    "alloy.storagePath": "it mounts a volume there",
    "controller.autoscaling.enabled": "alloy.workload.maxReplicas",
    "controller.autoscaling.minReplicas": "alloy.workload.replicas",
    "controller.autoscaling.maxReplicas": "alloy.workload.maxReplicas",
    "controller.autoscaling.horizontal.enabled": "alloy.workload.maxReplicas",
    "controller.autoscaling.horizontal.minReplicas": "alloy.workload.replicas",
    "controller.autoscaling.horizontal.maxReplicas": "alloy.workload.maxReplicas",
    "controller.autoscaling.vertical": "alloy.workload",
    "controller.hostNetwork": POLICIES,
    "controller.replicas": "alloy.workload.replicas",
    "controller.type": "alloy.queue",
    "controller.volumeClaimTemplates": "alloy.queue",
    **placement.owners(
        "alloy",
        "controller",
        priorityClassName="priorityClass",
        topologySpreadConstraints="topologySpread",
    ),
    "networkPolicy": "namespaces.networkPolicies",
    "extraObjects": "its permissions are in there; create other objects by other means",
    "rbac": "Alloy reads the pods of all namespaces",
    "service.enabled": "all senders use it",
    "serviceAccount.create": "Alloy's permissions are bound to it",
    "serviceAccount.name": "Alloy's permissions are bound to it",
    "serviceAccount.annotations.eks.amazonaws.com/role-arn": "identity.mode",
    "serviceMonitor.enabled": MONITOR,
    "serviceMonitor.additionalLabels": MONITOR_LABELS,
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
    image = {"registry": args.image_registry, "pullSecrets": placement.pull_secrets(placed)}
    return {
        "fullnameOverride": ALLOY_RELEASE,
        "global": {
            **placement.given({"image": placement.given(image)}),
            "podSecurityContext": POD_SECURITY,
        },
        # The stack uses no PodLogs, and two releases cannot own one custom resource definition.
        "crds": {"create": False},
        "alloy": _alloy(args, size, content),
        "configReloader": _config_reloader(size),
        "controller": _controller(args, size, placed, content),
        "rbac": {"create": False},
        "extraObjects": cluster_access(ALLOY_RELEASE, args.namespace, _RULES),
        **placement.given({"serviceAccount": irsa_annotation(args.irsa_role_arn)}),
        "serviceMonitor": {
            "enabled": args.service_monitor.enabled,
            "additionalLabels": args.service_monitor.labels,
        },
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
            ready_seconds=READY_SECONDS,
        )
    ]


def _stability(args: "AlloyArgs") -> str:
    on_volume = args.settings.queue is QueuePlace.VOLUME
    return queues.STABILITY if on_volume else "generally-available"


def _alloy(args: "AlloyArgs", size: Workload, content: str) -> dict[str, Any]:
    ports = {"otlp-grpc": (OTLP_GRPC_PORT, "grpc"), "otlp-http": (OTLP_HTTP_PORT, "http")}
    return {
        "configMap": {"create": True, "content": content},
        "stabilityLevel": _stability(args),
        "enableReporting": False,
        "listenPort": ALLOY_HTTP_PORT,
        **({} if args.ip_family is IpFamily.IPV4 else {"listenAddr": args.ip_family.any_address}),
        "storagePath": STORAGE_PATH,
        "extraPorts": [
            {"name": name, "port": port, "targetPort": port, "protocol": "TCP", "appProtocol": app}
            for name, (port, app) in ports.items()
        ],
        **placement.given({"extraEnv": _hash_key(args)}),
        # Alloy derives GOMEMLIMIT and the memory limiter's percentages from the memory limit.
        "resources": size.resources(),
        "securityContext": {**RESTRICTED, "runAsUser": UID, "runAsGroup": UID},
        "mounts": {
            "extra": [
                {"name": "storage", "mountPath": STORAGE_PATH},
                *credentials.mounts(args.writers),
                *ingress.mounts(args.settings.ingress),
                *queues.mounts(args.settings),
            ]
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}},
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
        "securityContext": {**RESTRICTED, "runAsUser": 65534, "runAsGroup": 65534},
    }


def _controller(
    args: "AlloyArgs", size: Workload, placed: PlacementSettings, content: str
) -> dict[str, Any]:
    selector = pods_of(ALLOY_RELEASE)
    # A budget for a single pod would keep its node from draining.
    budget = {"enabled": True, "maxUnavailable": 1} if size.replicas > 1 else {"enabled": False}
    return {
        # A changed configuration rolls out, so that a bad one fails `up` at the first new pod while
        # the old pods continue. With a reload only, it would fail at the next restart of a pod.
        "podAnnotations": {
            "checksum/config": sha256(content.encode()).hexdigest(),
            **(placed.pod_annotations or {}),
        },
        "type": "deployment",
        "replicas": size.replicas,
        "autoscaling": {"horizontal": _autoscaling(size)},
        "podDisruptionBudget": budget,
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": f"{_ROLLOUT_SHARE:.0%}", "maxUnavailable": 0},
        },
        **queues.controller(args.settings, size),
        "terminationGracePeriodSeconds": stop_seconds(args.settings, args.load),
        "priorityClassName": placed.priority_class or "",
        "topologySpreadConstraints": placement.spread(placed, selector),
        "affinity": placement.affinity(placed, selector),
        **placement.given(
            {
                "nodeSelector": placement.node_selector(placed),
                "tolerations": placement.tolerations(placed),
                "podLabels": placed.pod_labels,
            }
        ),
        "volumes": {
            "extra": [
                {"name": "storage", "emptyDir": {"sizeLimit": "2Gi"}},
                *credentials.volumes(args.credentials_secret, args.writers),
                *ingress.volumes(args.settings.ingress),
            ]
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
