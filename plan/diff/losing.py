"""What is lost with a resource that is deleted, or deleted and made anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from plan.diff.changes import Change, Operation
from plan.diff.replacing import COMPONENTS, STACK, STACK_REFERENCE


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a resource takes with it.

    Attributes:
        deleted: a sentence for when it is deleted for good.
        replaced: a sentence for when a new one takes its place.
        data: whether data or access goes, so that each such resource is named on its own.
        section: page and heading under docs/ with the steps, or empty.
    """

    deleted: str
    replaced: str
    data: bool = False
    section: str = ""


_GUARD = Loss(
    deleted="The bucket loses this guard.",
    replaced="The guard moves to the new bucket.",
)
_BUCKET: Final = "aws:s3/bucket:Bucket"

#: By resource type. A Release has rows of its own below.
LOSSES: Final[Mapping[str, Loss]] = {
    _BUCKET: Loss(
        deleted="All traces in it, if it is emptied first; else the deletion fails at the end.",
        replaced=(
            "Tempo starts with an empty bucket and finds none of the old traces. The old bucket is "
            "deleted if it is empty; else `up` fails at its end."
        ),
        data=True,
        section="changes.md#replace-the-bucket",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _GUARD,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _GUARD,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _GUARD
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _GUARD,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _GUARD,
    "aws:kms/key:Key": Loss(
        deleted=(
            "Traces that were encrypted with this key can't be read any more. AWS keeps the key "
            "for 30 days, in which it can be brought back."
        ),
        replaced="Traces that were encrypted with the old key can't be read any more.",
        data=True,
        section="changes.md#protect-or-delete-the-bucket",
    ),
    "aws:kms/alias:Alias": Loss(
        deleted="A name of the key; the key stays.", replaced="The key gets another name."
    ),
    "aws:iam/role:Role": Loss(
        deleted="Tempo's access to the bucket.",
        replaced="Tempo's pods keep credentials of the old role until they are restarted.",
        data=True,
        section="credentials.md#aws-identity",
    ),
    "aws:iam/rolePolicy:RolePolicy": Loss(
        deleted="A part of Tempo's permissions.",
        replaced="Tempo is without these permissions until the new policy is there.",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Loss(
        deleted="Tempo's pods get no credentials when they start.",
        replaced="Pods that start before the new one is there get no credentials.",
        data=True,
        section="credentials.md#aws-identity",
    ),
    "kubernetes:core/v1:Namespace": Loss(
        deleted="Everything in it: pods, volumes with spans not yet in S3, what others put there.",
        replaced="Everything in it: pods, volumes with spans not yet in S3, what others put there.",
        data=True,
        section="changes.md#move-to-another-cluster-or-namespace",
    ),
    "kubernetes:core/v1:ConfigMap": Loss(
        deleted="Grafana or the ruler no longer has what it holds.",
        replaced="Grafana or the ruler is without what it holds until the new one is there.",
    ),
    "kubernetes:core/v1:Secret": Loss(
        deleted="The password in it, for whoever reads it in the cluster.",
        replaced="Whoever reads the password is without it until the new one is there.",
        section="credentials.md#backend-passwords",
    ),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": Loss(
        deleted="Traffic that only this policy admits is refused, if others select the same pods.",
        replaced="What it admits is refused until the new one is there.",
    ),
    "kubernetes:monitoring.coreos.com/v1:PrometheusRule": Loss(
        deleted="Its alerts and recording rules are no longer evaluated.",
        replaced="Its alerts and recording rules are not evaluated until the new one is there.",
    ),
    "kubernetes:opentelemetry.io/v1alpha1:Instrumentation": Loss(
        deleted="Pods that ask for an SDK start without one.",
        replaced="Pods that start before the new one is there get no SDK.",
    ),
    "pulumi:providers:kubernetes": Loss(
        deleted="The way to the cluster.",
        replaced="Everything in the cluster is replaced with it, which fails half-way.",
        data=True,
        section="changes.md#move-to-another-cluster-or-namespace",
    ),
    "pulumi:providers:aws": Loss(deleted="The way to the account.", replaced="Nothing by itself."),
    STACK: Loss(deleted="Nothing by itself.", replaced="Nothing by itself."),
    STACK_REFERENCE: Loss(deleted="Nothing by itself.", replaced="Nothing by itself."),
}

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
#: By the name of the Helm release.
RELEASES: Final[Mapping[str, Loss]] = {
    "tempo": Loss(
        deleted="Tempo with all its pods. Spans that are not yet in S3 stay on its volumes only.",
        replaced="Tempo's pods; spans that are not yet in S3 stay on the old volumes only.",
        data=True,
        section="changes.md#change-tempos-mode",
    ),
    "alloy": Loss(
        deleted="The address that all senders use, and the spans that wait in its queues.",
        replaced="Spans that wait in its queues; senders find no gateway until the new one runs.",
        data=True,
    ),
    "beyla": Loss(
        deleted="Spans of all services without an SDK.",
        replaced="Spans of services without an SDK until the new one runs.",
        data=True,
    ),
    "opentelemetry-operator": Loss(
        deleted="Pods that ask for an SDK start without one; those that run keep theirs.",
        replaced="Pods that start before the new one runs get no SDK.",
    ),
}
_COMPONENT = Loss(deleted="Nothing by itself.", replaced="Nothing by itself.")


def loss(change: Change) -> Loss | None:
    """Return what a resource takes with it; None for a type that this stack does not make."""
    if change.type == RELEASE:
        return RELEASES.get(str((change.before or change.after).get("name")))
    return _COMPONENT if change.type.startswith(COMPONENTS) else LOSSES.get(change.type)


def sentence(change: Change) -> str:
    """Return what is lost by a replacement or deletion, in one sentence or two."""
    found = loss(change)
    if found is None:
        return "What it holds."
    if change.operation is not Operation.DELETE:
        return found.replaced
    if change.type == _BUCKET and change.before.get("forceDestroy"):
        return "All traces in it: `forceDestroy` is on."
    return found.deleted
