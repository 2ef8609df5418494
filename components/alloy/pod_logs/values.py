"""Helm values of the chart `alloy` for the logs of pods."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...backends import credentials
from ...core import placement
from ...core.helm import Rollout
from ...core.names import ALLOY_HTTP_PORT, ALLOY_LOGS_RELEASE
from ...core.overrides import MONITOR, MONITOR_LABELS, NAMES, POLICIES, Check, merged
from ...core.rbac import cluster_access
from ...core.settings import IpFamily
from ..sizes import GRACE_SECONDS
from ..values import POD_SECURITY, READY_SECONDS, RESTRICTED, STORAGE_PATH, UID
from .pipeline import config
from .sizes import workload

if TYPE_CHECKING:
    from .component import AlloyPodLogsArgs

#: Share of the nodes on which a rolling update replaces the pods at the same time, rounded up.
_SHARE = 0.1
#: Seconds that a pod is ready until it is available (chart default).
_MIN_READY_SECONDS = 10
#: Access to the logs of pods, and to the pods for their attributes.
_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get", "list", "watch"]},
]
_ACCOUNT = "its permissions are bound to it"
#: Keys of the chart that `alloy.podLogs.values` can't set: what sets them, or why the stack owns
#: them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "namespaceOverride": NAMES,
    "global.image.registry": "charts.imageRegistry",
    "global.image.pullSecrets": "alloy.podLogs.placement.imagePullSecrets",
    "image.pullSecrets": "alloy.podLogs.placement.imagePullSecrets",
    "image.registry": "charts.imageRegistry",
    "alloy.configMap": "it is generated from the settings",
    "alloy.listenAddr": "probes and scrapes use it",
    "alloy.listenPort": POLICIES,
    "alloy.resources": "alloy.podLogs.workload",
    "alloy.storagePath": "it mounts a volume there",
    "configReloader.enabled": "a new configuration rolls out pod by pod",
    "controller.hostNetwork": POLICIES,
    "controller.type": "each pod reads the logs of its node",
    **placement.owners("alloy.podLogs", "controller", priorityClassName="priorityClass"),
    "extraObjects": "its permissions are in there; create other objects by other means",
    "networkPolicy": "namespaces.networkPolicies",
    "rbac": "it reads pods and their logs",
    "serviceAccount.create": _ACCOUNT,
    "serviceAccount.name": _ACCOUNT,
    "serviceMonitor.enabled": MONITOR,
    "serviceMonitor.additionalLabels": MONITOR_LABELS,
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
            ready_seconds=READY_SECONDS + _MIN_READY_SECONDS,
        )
    ]


def _built(args: "AlloyPodLogsArgs") -> dict[str, Any]:
    size = workload(args.settings, args.nodes)
    placed = args.settings.placement.over(args.placement)
    image = {"registry": args.image_registry, "pullSecrets": placement.pull_secrets(placed)}
    return {
        "fullnameOverride": ALLOY_LOGS_RELEASE,
        "nameOverride": ALLOY_LOGS_RELEASE,
        "global": {
            **placement.given({"image": placement.given(image)}),
            "podSecurityContext": POD_SECURITY,
        },
        # The stack uses no PodLogs, and two releases cannot own one custom resource definition.
        "crds": {"create": False},
        "alloy": {
            "configMap": {"create": True, "content": config(args)},
            "stabilityLevel": "generally-available",
            "enableReporting": False,
            "listenPort": ALLOY_HTTP_PORT,
            **(
                {}
                if args.ip_family is IpFamily.IPV4
                else {"listenAddr": args.ip_family.any_address}
            ),
            "storagePath": STORAGE_PATH,
            # Alloy derives GOMEMLIMIT from the memory limit.
            "resources": size.resources(),
            "securityContext": {**RESTRICTED, "runAsUser": UID, "runAsGroup": UID},
            "mounts": {
                "extra": [
                    {"name": "storage", "mountPath": STORAGE_PATH},
                    *credentials.mounts(args.writers),
                ]
            },
        },
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
            "volumes": {
                "extra": [
                    # Positions in the logs. A new pod on a node reads its logs again, and Loki
                    # drops lines that it has.
                    {"name": "storage", "emptyDir": {"sizeLimit": "1Gi"}},
                    *credentials.volumes(args.credentials_secret, args.writers),
                ]
            },
        },
        "rbac": {"create": False},
        "extraObjects": cluster_access(ALLOY_LOGS_RELEASE, args.namespace, _RULES),
        "serviceMonitor": {
            "enabled": args.service_monitor.enabled,
            "additionalLabels": args.service_monitor.labels,
        },
    }
