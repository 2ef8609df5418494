"""Helm values that each release of the chart `alloy` has: gateway, samplers, pod logs."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..backends import credentials
from ..backends.settings import Writers
from ..core import placement
from ..core.flows import pods_of
from ..core.names import ALLOY_HTTP_PORT
from ..core.overrides import MONITOR, MONITOR_LABELS, NAMES, POLICIES
from ..core.settings import IpFamily, PlacementSettings, ServiceMonitorSettings
from ..core.workload import Workload

#: User of the image grafana/alloy.
_UID = 473
#: Folder of Alloy's state (the write-ahead log of metrics), the only one that it writes to.
_STORAGE_PATH = "/tmp/alloy"  # noqa: S108 - the chart's own, a volume of the pod
#: Delay of the readiness probe and `minReadySeconds` together, in seconds (chart defaults).
READY_SECONDS = 20
#: Container security context within pod-security level `restricted`, with a read-only root.
RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


class Args(Protocol):
    """What the arguments of each component with the chart have."""

    @property
    def image_registry(self) -> str | None: ...  # noqa: D102 - see AlloyArgs
    @property
    def ip_family(self) -> IpFamily: ...  # noqa: D102
    @property
    def credentials_secret(self) -> str | None: ...  # noqa: D102
    @property
    def writers(self) -> Writers: ...  # noqa: D102
    @property
    def service_monitor(self) -> ServiceMonitorSettings: ...  # noqa: D102


def owned(settings: str) -> Mapping[str, str]:
    """Return keys of the chart that `values` can't set: what sets them, or why the stack owns them.

    Args:
        settings: key of the group that has `values`, `placement` and `workload`.
    """
    return {
        "fullnameOverride": NAMES,
        "nameOverride": NAMES,
        "namespaceOverride": NAMES,
        "global.image.registry": "charts.imageRegistry",
        "global.image.pullSecrets": f"{settings}.placement.imagePullSecrets",
        "image.pullSecrets": f"{settings}.placement.imagePullSecrets",
        "image.registry": "charts.imageRegistry",
        "alloy.configMap": "it is generated from the settings",
        "alloy.listenAddr": "probes and scrapes use it",
        "alloy.listenPort": POLICIES,
        "alloy.resources": f"{settings}.workload",
        "alloy.storagePath": "it mounts a volume there",
        "controller.hostNetwork": POLICIES,
        **placement.owners(settings, "controller", priorityClassName="priorityClass"),
        "networkPolicy": "namespaces.networkPolicies",
        "serviceMonitor.enabled": MONITOR,
        "serviceMonitor.additionalLabels": MONITOR_LABELS,
    }


def release(name: str, args: Args, placed: PlacementSettings) -> dict[str, Any]:
    """Return the values around the pods."""
    image = {"registry": args.image_registry, "pullSecrets": placement.pull_secrets(placed)}
    return {
        "fullnameOverride": name,
        "global": {
            **placement.given({"image": placement.given(image)}),
            "podSecurityContext": {
                "runAsNonRoot": True,
                "runAsUser": _UID,
                "runAsGroup": _UID,
                "fsGroup": _UID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
        # The stack uses no PodLogs, and two releases cannot own one custom resource definition.
        "crds": {"create": False},
        "rbac": {"create": False},
        "serviceMonitor": {
            "enabled": args.service_monitor.enabled,
            "additionalLabels": args.service_monitor.labels,
        },
    }


def process(args: Args, size: Workload, content: str) -> dict[str, Any]:
    """Return the values of `alloy`."""
    return {
        "configMap": {"create": True, "content": content},
        "stabilityLevel": "generally-available",
        "enableReporting": False,
        "listenPort": ALLOY_HTTP_PORT,
        **({} if args.ip_family is IpFamily.IPV4 else {"listenAddr": args.ip_family.any_address}),
        "storagePath": _STORAGE_PATH,
        # Alloy derives GOMEMLIMIT and the memory limiter's percentages from the memory limit.
        "resources": size.resources(),
        "securityContext": {**RESTRICTED, "runAsUser": _UID, "runAsGroup": _UID},
        "mounts": {
            "extra": [
                {"name": "storage", "mountPath": _STORAGE_PATH},
                *credentials.mounts(args.writers),
            ]
        },
    }


def port(name: str, number: int, protocol: str) -> dict[str, Any]:
    """Return a further port of the pods and the Service."""
    return {
        "name": name,
        "port": number,
        "targetPort": number,
        "protocol": "TCP",
        "appProtocol": protocol,
    }


def volumes(args: Args, storage: str) -> list[dict[str, Any]]:
    """Return the volumes that `process` mounts.

    Args:
        args: the component's arguments.
        storage: size of Alloy's state, at most.
    """
    return [
        {"name": "storage", "emptyDir": {"sizeLimit": storage}},
        *credentials.volumes(args.credentials_secret, args.writers),
    ]


def replicated(release_name: str, placed: PlacementSettings, size: Workload) -> dict[str, Any]:
    """Return the values of `controller` for pods that back each other up: budget and placement."""
    selector = pods_of(release_name)
    # A budget for a single pod would keep its node from draining.
    budget = {"enabled": True, "maxUnavailable": 1} if size.replicas > 1 else {"enabled": False}
    return {
        "replicas": size.replicas,
        "podDisruptionBudget": budget,
        "priorityClassName": placed.priority_class or "",
        "topologySpreadConstraints": placement.spread(placed, selector),
        "affinity": placement.affinity(placed, selector),
        **placement.given(
            {
                "nodeSelector": placement.node_selector(placed),
                "tolerations": placement.tolerations(placed),
                "podLabels": placed.pod_labels,
                "podAnnotations": placed.pod_annotations,
            }
        ),
    }
