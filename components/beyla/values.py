"""Values of the chart ``beyla``."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout, no_template
from ..core.names import BEYLA_RELEASE
from ..core.overrides import MONITOR, MONITOR_LABELS, NAMES, POLICIES, Check, merged
from ..core.rbac import cluster_access
from ..core.settings import PlacementSettings
from ..core.texts import map_strings
from ..core.workload import Workload
from .config import config
from .settings import MAPS_MIB, BeylaSettings
from .sizes import workloads

if TYPE_CHECKING:
    from .component import BeylaArgs

#: Service, Deployment and name label of the Kubernetes cache, and its port (chart defaults).
CACHE_SERVICE = "beyla-k8s-cache"
CACHE_PORT = 50055

#: GOMEMLIMIT of the cache as a share of its memory limit, as Beyla's docs advise.
_CACHE_GO_MEMORY = 0.9

#: Share of the nodes on which a rolling update replaces Beyla at the same time, rounded up. It is
#: small, because Helm accepts as many pods of a DaemonSet that are not ready.
_AGENT_SHARE = 0.1
#: Share of the cache's pods (Kubernetes' default).
_CACHE_SHARE = 0.25
#: Termination grace period in seconds (Kubernetes' default; the chart sets none).
_GRACE_SECONDS = 30
#: Seconds until an agent is ready. There is no probe, but hundreds of nodes pull the image at the
#: same time.
_READY_SECONDS = 60

#: Access of the agent and of the cache to the API server, as in the chart.
_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list", "watch"]},
    {
        "apiGroups": [""],
        "resources": ["pods", "services", "nodes"],
        "verbs": ["get", "list", "watch"],
    },
]

#: Reason why the stack owns where Beyla's metrics are.
_SCRAPED = "dashboards and alerts read what is scraped there"
#: Keys of the chart that `beyla.values` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "namespaceOverride": NAMES,
    "global.image.registry": "charts.imageRegistry",
    "global.image.pullSecrets": "beyla.placement.imagePullSecrets",
    "image.registry": "charts.imageRegistry",
    "image.pullSecrets": "beyla.placement.imagePullSecrets",
    "preset": "the stack collects traces, not network metrics",
    "config.create": "it is generated from the settings",
    "config.name": "it is generated from the settings",
    "config.data.discovery.instrument": "beyla.namespaces",
    "config.data.ebpf.context_propagation": "beyla.contextPropagation",
    "config.data.attributes.kubernetes.cluster_name": "cluster.name",
    "config.data.routes.ignored_patterns": "alloy.ignoredPaths",
    "config.data.routes.ignore_mode": "alloy.ignoredPaths",
    "config.data.otel_traces_export": "Beyla sends to Alloy",
    "config.data.metrics.features": "Tempo writes the other series from spans",
    "config.data.prometheus_export.path": _SCRAPED,
    "config.data.prometheus_export.port": "beyla.metricsPort",
    "config.data.internal_metrics": _SCRAPED,
    "contextPropagation": "beyla.contextPropagation",
    "config.data.ebpf.log_enricher": "beyla.enrichLogs",
    "resources": "beyla.workload",
    "k8sCache.image.registry": "charts.imageRegistry",
    "k8sCache.image.pullSecrets": "beyla.placement.imagePullSecrets",
    "k8sCache.replicas": "cluster.nodes",
    "k8sCache.resources": "beyla.workload",
    "k8sCache.service.name": POLICIES,
    "k8sCache.service.port": POLICIES,
    **placement.owners("beyla", priorityClassName="priorityClass"),
    **placement.owners("beyla", "k8sCache"),
    "extraObjects": "its permissions are in there; create other objects by other means",
    "rbac": "Beyla reads pods, services and nodes",
    "service.enabled": MONITOR,
    "serviceAccount.create": "Beyla's permissions are bound to it",
    "serviceAccount.name": "Beyla's permissions are bound to it",
    "serviceMonitor.enabled": MONITOR,
    "serviceMonitor.additionalLabels": MONITOR_LABELS,
}


def values(args: "BeylaArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "BeylaArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "beyla",
        args.settings.values,
        args.chart,
        owned=OWNED,
        # The endpoint may be known only after an update, and is in no list.
        built=lambda: _built(replace(args, otlp_endpoint="")),
    )


def _built(args: "BeylaArgs") -> dict[str, Any]:
    sizes = workloads(args.settings, args.nodes)
    placed = args.settings.placement.over(args.placement)
    built: dict[str, Any] = {
        "preset": "application",
        "config": {"data": config(args)},
        # The chart then requests capabilities by name.
        "privileged": False,
        "resources": sizes["beyla"].resources(),
        "env": {"GOMEMLIMIT": f"{sizes['beyla'].memory_limit_mib - MAPS_MIB}MiB"},
        "serviceAccount": {"create": True, "automount": True},
        "rbac": {"create": False},
        "extraObjects": cluster_access(BEYLA_RELEASE, args.namespace, _RULES),
        **_agent_placement(args, placed),
        # A share, because clusters have hundreds of nodes. While a node's pod restarts, its
        # services' spans are lost.
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": f"{_AGENT_SHARE:.0%}"},
        },
        "k8sCache": _cache(sizes.get("k8s-cache"), placed),
        "contextPropagation": {"enabled": args.settings.propagates_context},
        **_host_paths(args),
        **placement.given({"extraCapabilities": _capabilities(args.settings)}),
    }
    image = {"registry": args.image_registry, "pullSecrets": placement.pull_secrets(placed)}
    if image := placement.given(image):
        built["global"] = {"image": image}
    if args.service_monitor.enabled:
        # The chart creates a ServiceMonitor only if there is a Service.
        built["service"] = {"enabled": True}
        built["serviceMonitor"] = {
            "enabled": True,
            "additionalLabels": dict(args.service_monitor.labels),
            # The templates read this key, not the documented serviceMonitor.metrics.endpoint.
            # Beyla's own `instance` tells processes apart and must not be overwritten.
            "endpoint": {"interval": "15s", "honorLabels": True},
        }
    return built


def rollouts(args: "BeylaArgs") -> list[Rollout]:
    """Return how the pods of the agent and of the cache are replaced."""
    return [
        Rollout(
            pods=size.replicas,
            share=_AGENT_SHARE if name == "beyla" else _CACHE_SHARE,
            rounded_up=name == "beyla",
            stop_seconds=_GRACE_SECONDS,
            ready_seconds=_READY_SECONDS,
        )
        for name, size in workloads(args.settings, args.nodes).items()
    ]


def _capabilities(its: BeylaSettings) -> list[str]:
    """Return the capabilities that the chart doesn't request by itself.

    Each is for processes of other users than root.
    """
    return [
        # To send the signal that opens the debugger of Node.
        *(["KILL"] if its.propagates_context else []),
        # To write an extended line to their output.
        *(["DAC_OVERRIDE"] if its.enrich_logs else []),
    ]


def _host_paths(args: "BeylaArgs") -> dict[str, Any]:
    """Return the folders of the node that writing trace context or log lines requires."""
    its = args.settings
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if its.enrich_logs or its.propagates_context:
        # Beyla reads here whether the kernel is locked down, and then does not write to the memory
        # of processes.
        name, path = "kernel-security", "/sys/kernel/security"
        volumes.append({"name": name, "hostPath": {"path": path}})
        mounts.append({"name": name, "mountPath": path, "readOnly": True})
    if its.enrich_logs:
        # The enricher pins its maps here ("BPF filesystem" in the documentation of Beyla).
        name, path = "bpf", "/sys/fs/bpf"
        volumes.append({"name": name, "hostPath": {"path": path, "type": "Directory"}})
        mounts.append({"name": name, "mountPath": path})
    return placement.given({"volumes": volumes, "volumeMounts": mounts})


def _agent_placement(args: "BeylaArgs", placed: PlacementSettings) -> dict[str, Any]:
    scheduling = placement.on_every_node(args.settings.placement)
    selector = scheduling.pop("nodeSelector")
    return {
        **scheduling,
        **placement.given(
            {
                "nodeSelector": selector,
                "priorityClassName": placed.priority_class,
                "podLabels": placed.pod_labels,
                "podAnnotations": placed.pod_annotations,
            }
        ),
    }


def _cache(size: Workload | None, placed: PlacementSettings) -> dict[str, Any]:
    if size is None:
        return {"replicas": 0}
    # Its Deployment selects by this label alone.
    selector = {"matchLabels": {"app.kubernetes.io/name": CACHE_SERVICE}}
    affinity = placement.affinity(placed, selector, (placement.HOST, placement.ZONE))
    return {
        "replicas": size.replicas,
        "service": {"name": CACHE_SERVICE, "port": CACHE_PORT},
        "resources": size.resources(),
        "env": {"GOMEMLIMIT": f"{int(size.memory_limit_mib * _CACHE_GO_MEMORY)}MiB"},
        **placement.given(
            {
                # The chart takes no topology spread constraints.
                "affinity": affinity,
                "nodeSelector": placement.node_selector(placed),
                "tolerations": placement.tolerations(placed),
                "podLabels": placed.pod_labels,
                # The chart runs them through its template engine.
                "podAnnotations": map_strings(no_template, placed.pod_annotations or {}),
            }
        ),
    }
