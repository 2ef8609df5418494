"""What all of Tempo's pods share: users, credentials, probes, and how they spread over nodes."""

from typing import Any

import yaml

from ..backends import credentials
from ..backends.credentials import METRICS_PASSWORD
from ..core.names import TEMPO_RELEASE, TEMPO_SERVICE_ACCOUNT
from .args import TempoArgs

#: User and group of Tempo's image (its Dockerfile).
_USER = 10001
#: Share of the memory limit that Go may fill before it collects harder; tempo-distributed's own
#: (global.goSettings.goMemLimitFactor).
GO_MEMORY_SHARE = 0.85

#: Pod security context, within pod-security level `restricted`.
POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    # Without it each start walks over all files of the volume.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: Container security context, within pod-security level `restricted`.
CONTAINER_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
#: Liveness. The charts ask /ready, which fails while a long WAL is replayed: the pod would be
#: killed, and start over.
LIVENESS: dict[str, Any] = {"httpGet": {"path": "/status/version"}}
#: Seconds in which an ingester reads its write-ahead log after a start; ours, for some GiB.
REPLAY_SECONDS = 60

_HOST = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"


def service_account(args: TempoArgs) -> dict[str, Any]:
    """Return the service account's values, the same in both charts."""
    annotations = {"eks.amazonaws.com/role-arn": args.irsa_role_arn} if args.irsa_role_arn else {}
    return {
        "create": True,
        "name": TEMPO_SERVICE_ACCOUNT,
        "annotations": annotations,
        # Tempo does not talk to Kubernetes; EKS brings the token for AWS in a volume of its own.
        "automountServiceAccountToken": False,
    }


def stand_in_credentials(args: TempoArgs) -> list[dict[str, str]]:
    """Return environment variables with AWS keys for an S3 stand-in; it accepts any."""
    if not args.storage_endpoint:
        return []
    return [
        {"name": "AWS_ACCESS_KEY_ID", "value": "test"},
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "test"},
    ]


def credential_volumes(args: TempoArgs) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return volumes and mounts with the metrics backend's password, if it requires one."""
    keys = [METRICS_PASSWORD] if args.metrics and args.metrics.username else []
    return credentials.volumes(args.credentials_secret, keys), credentials.mounts(keys)


def anti_affinity(component: str) -> str:
    """Return an affinity that prefers a node without another pod of the component.

    tempo-distributed takes it as text. Its own forbids a second pod on a node, so that there could
    be no more replicas than nodes.
    """
    term = {"labelSelector": _selector(component), "topologyKey": _HOST}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return yaml.safe_dump(
        {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    )


def ingester_spread() -> str:
    """Return topology spread constraints for the ingesters, as text.

    Copies of a span must not lie on one node, so that spread is demanded; the one over zones is
    asked for.
    """
    return yaml.safe_dump(
        [
            {
                "maxSkew": 1,
                "topologyKey": _HOST,
                "whenUnsatisfiable": "DoNotSchedule",
                # A drained or lost node does not count, or its pod could go nowhere.
                "nodeTaintsPolicy": "Honor",
                "labelSelector": _selector("ingester"),
            },
            {
                "maxSkew": 1,
                "topologyKey": _ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": _selector("ingester"),
            },
        ],
        sort_keys=False,
    )


def _selector(component: str) -> dict[str, Any]:
    """Return a selector of a component's pods, by the labels that the chart puts on them."""
    return {
        "matchLabels": {
            "app.kubernetes.io/name": "tempo",
            "app.kubernetes.io/instance": TEMPO_RELEASE,
            "app.kubernetes.io/component": component,
        }
    }
