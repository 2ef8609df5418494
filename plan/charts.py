"""What the pinned charts render with the stack's values, in all modes and sizes.

A test compares it with the objects of the real charts.
"""

from dataclasses import dataclass
from typing import Final

from components.core import helm

_COMMON = ("ConfigMap", "Service", "ServiceAccount")
_ACCESS = ("ClusterRole", "ClusterRoleBinding")
_SCALED = ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget")
_RBAC = "rbac.authorization.k8s.io/v1"
_ADMISSION = "admissionregistration.k8s.io/v1"
_DEFINITIONS = (
    "instrumentations",
    "opampbridges",
    "opentelemetrycollectors",
    "targetallocators",
)

#: API versions of the kinds that the charts render.
API: Final = {
    **dict.fromkeys(("ConfigMap", "Secret", "Service", "ServiceAccount"), "v1"),
    **dict.fromkeys(("DaemonSet", "Deployment", "StatefulSet"), "apps/v1"),
    **dict.fromkeys((*_ACCESS, "Role", "RoleBinding"), _RBAC),
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "MutatingWebhookConfiguration": _ADMISSION,
    "PodDisruptionBudget": "policy/v1",
    **dict.fromkeys(("PodMonitor", "ServiceMonitor"), "monitoring.coreos.com/v1"),
    "ValidatingWebhookConfiguration": _ADMISSION,
}


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Objects of a chart.

    Attributes:
        kinds: all kinds, without the monitor.
        monitor: kind that has Prometheus scrape the pods.
        cluster_wide: kind and name of the objects in no namespace, without those in the values;
            `{}` is `fullnameOverride`.
    """

    kinds: tuple[str, ...]
    monitor: str = "ServiceMonitor"
    cluster_wide: tuple[tuple[str, str], ...] = ()


RENDERED: Final = {
    helm.TEMPO.name: Rendered(kinds=(*_COMMON, "StatefulSet")),
    helm.TEMPO_DISTRIBUTED.name: Rendered(kinds=(*_COMMON, *_SCALED, "StatefulSet")),
    helm.ALLOY.name: Rendered(kinds=(*_COMMON, *_ACCESS, *_SCALED)),
    helm.BEYLA.name: Rendered(kinds=(*_COMMON, *_ACCESS, "DaemonSet", "Deployment")),
    helm.TEMPO_VULTURE.name: Rendered(kinds=("Deployment",), monitor="PodMonitor"),
    helm.OPERATOR.name: Rendered(
        kinds=(
            *(*_COMMON, *_ACCESS, "Role", "RoleBinding", "Secret", "Deployment"),
            "CustomResourceDefinition",
            *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
        ),
        cluster_wide=(
            *((kind, "{}-manager") for kind in _ACCESS),
            ("ClusterRole", "{}-metrics"),
            ("MutatingWebhookConfiguration", "{}-mutation"),
            ("ValidatingWebhookConfiguration", "{}-validation"),
            *(("CustomResourceDefinition", f"{name}.opentelemetry.io") for name in _DEFINITIONS),
        ),
    ),
}
