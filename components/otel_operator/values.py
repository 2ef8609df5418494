"""Values of the chart ``opentelemetry-operator``."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout
from ..core.names import OPERATOR_RELEASE
from ..core.overrides import NAMES, POLICIES, Check, merged
from .instrumentation import OPERATOR, image
from .sizes import workload

if TYPE_CHECKING:
    from .component import OpenTelemetryOperatorArgs

#: Labels that the chart selects the pods by.
_SELECTOR = {
    "matchLabels": {
        "app.kubernetes.io/name": OPERATOR_RELEASE,
        "app.kubernetes.io/instance": OPERATOR_RELEASE,
        "app.kubernetes.io/component": "controller-manager",
    }
}
#: GOMEMLIMIT as a share of the memory limit.
_GO_MEMORY = 0.8
#: Validity of the webhooks' certificate in days. Only an upgrade of the release renews it, and with
#: an expired one pods would start without their SDK.
_CERTIFICATE_DAYS = 3650
#: Termination grace period and delay of the readiness probe in seconds (both fixed in the chart).
_GRACE_SECONDS, _READY_SECONDS = 10, 5


#: Keys of the chart that `operator.values` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "namespaceOverride": NAMES,
    "replicaCount": "operator.workload.replicas",
    "imagePullSecrets": "operator.placement.imagePullSecrets",
    "crds.create": "the stack makes an Instrumentation",
    "hostNetwork": POLICIES,
    "manager.image.repository": "charts.imageRegistry",
    "manager.resources": "operator.workload",
    "manager.verticalPodAutoscaler": "operator.workload",
    "manager.autoInstrumentation.go.enabled": "operator.go",
    "manager.ports.webhookPort": POLICIES,
    "manager.serviceAccount.create": "the operator's permissions are bound to it",
    "manager.serviceAccount.name": "the operator's permissions are bound to it",
    "manager.podLabels": "operator.placement.podLabels",
    "manager.podAnnotations": "operator.placement.podAnnotations",
    "nodeSelector": "operator.placement.nodeSelector",
    "tolerations": "operator.placement.tolerations",
    "affinity": "operator.placement.affinity",
    "topologySpreadConstraints": "operator.placement.topologySpread",
    "priorityClassName": "operator.placement.priorityClass",
    "admissionWebhooks.create": "pods get their SDK from the webhook",
    "admissionWebhooks.namespaceSelector": "pods of the stack and of kube-system start without it",
    "clusterRole.create": "the operator's permissions are bound to it",
    "role.create": "the operator's permissions are bound to it",
}


def values(args: "OpenTelemetryOperatorArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "OpenTelemetryOperatorArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "operator", args.settings.values, args.chart, owned=OWNED, built=lambda: _built(args)
    )


def _built(args: "OpenTelemetryOperatorArgs") -> dict[str, Any]:
    size, placed = workload(args.settings), args.settings.placement.over(args.placement)
    built: dict[str, Any] = {
        # ClusterRoles and webhooks have it too, and must differ from those of another release in
        # any namespace.
        "fullnameOverride": f"{args.namespace}-otel",
        "replicaCount": size.replicas,
        "manager": {
            "image": {"repository": image(OPERATOR, args.image_registry)},
            "resources": size.resources(),
            "extraEnvs": [
                {"name": "GOMEMLIMIT", "value": f"{int(size.memory_limit_mib * _GO_MEMORY)}MiB"}
            ],
            "autoInstrumentation": {"go": {"enabled": args.settings.go}},
            **placement.given(
                {"podLabels": placed.pod_labels, "podAnnotations": placed.pod_annotations}
            ),
        },
        "admissionWebhooks": {
            # An operator that does not answer must block neither pods (the chart's default) nor the
            # Instrumentation, which is complete without the webhook.
            "failurePolicy": "Ignore",
            "pods": {"failurePolicy": "Ignore"},
            # A call that is ignored still waits for its timeout.
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "NotIn",
                        "values": list(args.excluded_namespaces),
                    }
                ]
            },
            # Helm creates the certificate, so that cert-manager is not needed. An upgrade keeps it,
            # because running pods would load a new one later than the API server.
            "certManager": {"enabled": False},
            "autoGenerateCert": {
                "enabled": True,
                "recreate": False,
                "certPeriodDays": _CERTIFICATE_DAYS,
            },
        },
    }
    return built | placement.given(
        {
            "nodeSelector": placement.node_selector(placed),
            "tolerations": placement.tolerations(placed),
            "affinity": placement.affinity(placed, _SELECTOR),
            "topologySpreadConstraints": placement.spread(placed, _SELECTOR),
            "priorityClassName": placed.priority_class,
            "imagePullSecrets": placement.pull_secrets(placed),
        }
    )


def rollouts(args: "OpenTelemetryOperatorArgs") -> list[Rollout]:
    """Return how the operator's pods are replaced: a quarter at a time, Kubernetes' default."""
    return [
        Rollout(
            pods=workload(args.settings).replicas,
            share=0.25,
            stop_seconds=_GRACE_SECONDS,
            ready_seconds=_READY_SECONDS,
        )
    ]
