"""Helm values of the chart `alloy` for the samplers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...backends import credentials
from ...core import placement
from ...core.flows import pods_of
from ...core.helm import Rollout
from ...core.names import ALLOY_HTTP_PORT, ALLOY_SAMPLER_RELEASE, OTLP_GRPC_PORT
from ...core.overrides import MONITOR, MONITOR_LABELS, NAMES, POLICIES, Check, merged
from ...core.settings import IpFamily
from ...core.workload import Workload
from ..sizes import GRACE_SECONDS
from ..values import POD_SECURITY, READY_SECONDS, RESTRICTED, STORAGE_PATH, UID
from .pipeline import POD_NAME, config
from .sizes import workload

if TYPE_CHECKING:
    from .component import AlloySamplerArgs

_SIZE = "alloy.sampling.workload"
_PODS = "the gateway sends to the pods by their names"
#: Keys of the chart that `alloy.sampling.values` can't set: what sets them, or why the stack owns
#: them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "namespaceOverride": NAMES,
    "global.image.registry": "charts.imageRegistry",
    "global.image.pullSecrets": "alloy.sampling.placement.imagePullSecrets",
    "image.pullSecrets": "alloy.sampling.placement.imagePullSecrets",
    "image.registry": "charts.imageRegistry",
    "alloy.configMap": "it is generated from the settings",
    "alloy.listenAddr": "probes and scrapes use it",
    "alloy.listenPort": POLICIES,
    "alloy.resources": _SIZE,
    "alloy.storagePath": "it mounts a volume there",
    "configReloader.enabled": "a reload would drop the traces in flight",
    "controller.autoscaling": _PODS,
    "controller.hostNetwork": POLICIES,
    "controller.replicas": "alloy.sampling.replicas",
    "controller.type": _PODS,
    **placement.owners(
        "alloy.sampling",
        "controller",
        priorityClassName="priorityClass",
        topologySpreadConstraints="topologySpread",
    ),
    "networkPolicy": "namespaces.networkPolicies",
    "rbac": "the samplers need no access to the cluster",
    "service.clusterIP": _PODS,
    "service.enabled": _PODS,
    "service.type": _PODS,
    "serviceAccount.create": "its AWS identity follows from backends.metrics",
    "serviceAccount.name": "its AWS identity follows from backends.metrics",
    "serviceMonitor.enabled": MONITOR,
    "serviceMonitor.additionalLabels": MONITOR_LABELS,
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
            pods=args.settings.replicas, stop_seconds=GRACE_SECONDS, ready_seconds=READY_SECONDS
        )
    ]


def _built(args: "AlloySamplerArgs") -> dict[str, Any]:
    size = workload(args.settings, args.load, args.survive_minutes)
    placed = args.settings.placement.over(args.placement)
    image = {"registry": args.image_registry, "pullSecrets": placement.pull_secrets(placed)}
    account = (
        {"create": False, "name": args.service_account}
        if args.service_account
        else {"automountServiceAccountToken": False}
    )
    return {
        "fullnameOverride": ALLOY_SAMPLER_RELEASE,
        "nameOverride": ALLOY_SAMPLER_RELEASE,
        "global": {
            **placement.given({"image": placement.given(image)}),
            "podSecurityContext": POD_SECURITY,
        },
        # The stack uses no PodLogs, and two releases cannot own one custom resource definition.
        "crds": {"create": False},
        "alloy": _alloy(args, size),
        # A reload would start the processor anew, without the traces in flight. The chart's
        # checksum of the configuration restarts the pods one by one instead.
        "configReloader": {"enabled": False},
        "controller": _controller(args, size),
        "rbac": {"create": False},
        "serviceAccount": account,
        # Headless, and the StatefulSet's own: each pod has a name in DNS.
        "service": {"clusterIP": "None"},
        "serviceMonitor": {
            "enabled": args.service_monitor.enabled,
            "additionalLabels": args.service_monitor.labels,
        },
    }


def _alloy(args: "AlloySamplerArgs", size: Workload) -> dict[str, Any]:
    return {
        "configMap": {"create": True, "content": config(args)},
        "stabilityLevel": "generally-available",
        "enableReporting": False,
        "listenPort": ALLOY_HTTP_PORT,
        **({} if args.ip_family is IpFamily.IPV4 else {"listenAddr": args.ip_family.any_address}),
        "storagePath": STORAGE_PATH,
        "extraPorts": [
            {
                "name": "otlp-grpc",
                "port": OTLP_GRPC_PORT,
                "targetPort": OTLP_GRPC_PORT,
                "protocol": "TCP",
                "appProtocol": "grpc",
            }
        ],
        "extraEnv": [{"name": POD_NAME, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        # Alloy derives GOMEMLIMIT and the memory limiter's percentages from the memory limit.
        "resources": size.resources(),
        "securityContext": {**RESTRICTED, "runAsUser": UID, "runAsGroup": UID},
        "mounts": {
            "extra": [
                {"name": "storage", "mountPath": STORAGE_PATH},
                *credentials.mounts(args.writers),
            ]
        },
    }


def _controller(args: "AlloySamplerArgs", size: Workload) -> dict[str, Any]:
    placed, selector = args.settings.placement.over(args.placement), pods_of(ALLOY_SAMPLER_RELEASE)
    # A budget for a single pod would keep its node from draining.
    budget = {"enabled": True, "maxUnavailable": 1} if size.replicas > 1 else {"enabled": False}
    return {
        "type": "statefulset",
        "replicas": size.replicas,
        "podDisruptionBudget": budget,
        "updateStrategy": {"type": "RollingUpdate"},
        "terminationGracePeriodSeconds": GRACE_SECONDS,
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
        "volumes": {
            "extra": [
                {"name": "storage", "emptyDir": {"sizeLimit": "2Gi"}},
                *credentials.volumes(args.credentials_secret, args.writers),
            ]
        },
    }
