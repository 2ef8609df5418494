"""Values of the chart ``opentelemetry-operator``."""

from typing import Any

from ..core.helm import Rollout
from .args import OpenTelemetryOperatorArgs
from .images import OPERATOR, image
from .sizes import workload

#: Part of the memory limit that Go's collector aims to stay below.
_GO_MEMORY = 0.8
#: Days that the webhooks' certificate is good for. Only an upgrade of the release makes a new one,
#: and with an old one pods would start without their SDK.
_CERTIFICATE_DAYS = 3650
#: Termination grace period and delay of the readiness probe in seconds (both fixed in the chart).
_GRACE_SECONDS, _READY_SECONDS = 10, 5


def values(args: OpenTelemetryOperatorArgs) -> dict[str, Any]:
    """Return the Helm values of the operator.

    Args:
        args: arguments of the component.

    Returns:
        Values of chart ``opentelemetry-operator``, plain and fully known.
    """
    size = workload(args.settings)
    built: dict[str, Any] = {
        "replicaCount": size.replicas,
        "manager": {
            "image": {"repository": image(OPERATOR, args.image_registry)},
            "resources": size.resources(),
            "extraEnvs": [
                {
                    "name": "GOMEMLIMIT",
                    "value": f"{int(size.memory_limit_mib * _GO_MEMORY)}MiB",
                }
            ],
            "autoInstrumentation": {"go": {"enabled": args.settings.go}},
        },
        "admissionWebhooks": {
            # An operator that does not answer must stop nobody: neither pods (the chart's default)
            # nor the Instrumentation, which sets all that the webhook would fill in.
            "failurePolicy": "Ignore",
            "pods": {"failurePolicy": "Ignore"},
            # Even to be passed over takes time where it does not answer.
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "NotIn",
                        "values": list(args.excluded_namespaces),
                    }
                ]
            },
            # Helm makes the certificate: cert-manager need not be there. Kept at an upgrade, since
            # pods that run would read a new one later than the API server expects it.
            "certManager": {"enabled": False},
            "autoGenerateCert": {
                "enabled": True,
                "recreate": False,
                "certPeriodDays": _CERTIFICATE_DAYS,
            },
        },
    }
    if args.settings.priority_class:
        built["priorityClassName"] = args.settings.priority_class
    return built


def rollouts(args: OpenTelemetryOperatorArgs) -> list[Rollout]:
    """Return how the operator's pods are replaced: a quarter at a time, Kubernetes' default."""
    return [
        Rollout(
            pods=workload(args.settings).replicas,
            share=0.25,
            stop_seconds=_GRACE_SECONDS,
            ready_seconds=_READY_SECONDS,
        )
    ]
