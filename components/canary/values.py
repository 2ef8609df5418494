"""Values of the chart ``tempo-vulture``."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout
from ..core.names import CANARY_RELEASE
from ..core.overrides import MONITOR, MONITOR_LABELS, NAMES, Check, merged
from .sizes import workload

if TYPE_CHECKING:
    from .component import CanaryArgs

#: Port of its metrics (fixed in the chart).
METRICS_PORT = 8080
#: Image in the chart.
_IMAGE = "grafana/tempo-vulture"
#: User and group of the image (its Dockerfile).
_USER = 10001
#: Termination grace period (Kubernetes' default) and `minReadySeconds` of the chart, in seconds.
_GRACE_SECONDS, _READY_SECONDS = 30, 10

#: Keys of the chart that `canary.values` can't set: what sets them, or why the stack owns them.
OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "replicas": "two canaries would miss each other's traces",
    "image.repository": "charts.imageRegistry",
    "imagePullSecrets": "canary.placement.imagePullSecrets",
    "resources": "canary.workload",
    "extraArgs": "canary.intervalSeconds",
    "tempoAddress": "it sends to Alloy and asks Tempo",
    "podMonitor.enabled": MONITOR,
    "podMonitor.labels": MONITOR_LABELS,
    "podMonitor.namespace": NAMES,
    "serviceAccount": "the stack makes one without a token",
    **placement.owners("canary", priorityClassName="priorityClass"),
}


def values(args: "CanaryArgs") -> dict[str, Any]:
    """Return the values of the release, plain and fully known."""
    return merged(_built(args), args.settings.values)


def checks(args: "CanaryArgs") -> Iterator[Check]:
    """Yield what a stack file sets by the keys of the chart."""
    yield Check.of_values(
        "canary", args.settings.values, args.chart, owned=OWNED, built=lambda: _built(args)
    )


def rollouts() -> list[Rollout]:
    """Return how the one pod is replaced."""
    return [Rollout(pods=1, stop_seconds=_GRACE_SECONDS, ready_seconds=_READY_SECONDS)]


def _built(args: "CanaryArgs") -> dict[str, Any]:
    settings = args.settings
    placed = settings.placement.over(args.placement)
    registry = args.image_registry or "docker.io"
    return {
        "replicas": 1,
        "image": {"repository": f"{registry}/{_IMAGE}"},
        "resources": workload(settings).resources(),
        "tempoAddress": {"push": args.push_url, "query": args.query_url},
        "extraArgs": _arguments(args),
        "serviceAccount": {"create": False, "name": CANARY_RELEASE},
        "podMonitor": {
            "enabled": args.service_monitor.enabled,
            "labels": args.service_monitor.labels,
        },
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **placement.given(
            {
                "imagePullSecrets": placement.pull_secrets(placed),
                "nodeSelector": placement.node_selector(placed),
                "tolerations": placement.tolerations(placed),
                "affinity": placement.plain_affinity(placed),
                "priorityClassName": placed.priority_class,
                "podLabels": placed.pod_labels,
                "podAnnotations": placed.pod_annotations,
            }
        ),
    }


def _arguments(args: "CanaryArgs") -> list[str]:
    seconds = args.settings.interval_seconds
    return [
        f"-tempo-write-backoff-duration={seconds}s",
        f"-tempo-read-backoff-duration={seconds}s",
        f"-tempo-search-backoff-duration={2 * seconds}s",
        # Off: with Tempo 2, a query of metrics finds a span later than a search.
        "-tempo-metrics-backoff-duration=0s",
        # How long some traces go on, and are not looked up.
        f"-tempo-long-write-backoff-duration={seconds}s",
        f"-tempo-retention-duration={args.retention_hours}h",
        *([f"-tempo-org-id={args.tenant}"] if args.tenant else []),
    ]
