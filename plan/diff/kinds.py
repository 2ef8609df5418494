"""Resource types: what makes Pulumi replace one, and what goes with it.

Every type that a plan may hold has a row; a test fails for a type without one.

Sources of the properties that force a replacement:

* AWS: the properties that the Terraform provider, which pulumi-aws 7.51 is built on, marks with
  ForceNew or RequiresReplace (internal/service/{s3,iam,eks,kms}/*.go), as far as this stack sets
  them.
* Kubernetes 4.34: `forceNew` in provider/pkg/provider/diff.go; for a Release `forceNewFields` of
  its Diff in helm_release.go; for the provider itself DiffConfig in provider.go. The stack sets
  `enableConfigMapMutable` and `enableSecretMutable`; without them data would be listed here too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.core.registry import SYSTEMS
from components.core.system import Loss
from components.grafana.delivery import IMMUTABLE
from plan.recorder import REFERENCE_TYPE, STACK_TYPE
from plan.write import (
    CONFIG_MAP,
    GRAFANA_DASHBOARD,
    GRAFANA_DATASOURCE,
    GRAFANA_FOLDER,
    PROMETHEUS_RULE,
)
from policy.rules.reading import RELEASE

KUBERNETES_PROVIDER: Final = "pulumi:providers:kubernetes"
BUCKET: Final = "aws:s3/bucket:Bucket"
#: Type tokens of this project's components begin with it.
COMPONENTS: Final = "tracing:index:"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type.

    Attributes:
        replacing: properties whose change replaces the resource; an object counts with all that is
            in it.
        ignored: inputs that the provider removes before it compares.
    """

    replacing: tuple[str, ...]
    loss: Loss
    ignored: frozenset[str] = frozenset()


_METADATA = ("metadata.name", "metadata.namespace")
_NOTHING = Loss(deleted="Nothing by itself.", replaced="Nothing by itself.")
_GUARD = Loss(deleted="The bucket loses this guard.", replaced="The guard moves to the new bucket.")
_EVERYTHING = "Everything in it: pods, volumes with spans not yet in S3, what others put there."
_COMPONENT = Kind(replacing=(), loss=_NOTHING)

#: By resource type. What goes with a Release follows from its system.
KINDS: Final[Mapping[str, Kind]] = {
    BUCKET: Kind(
        replacing=("bucket", "bucketPrefix", "objectLockEnabled"),
        loss=Loss(
            deleted="All traces in it, if it is emptied first; else the deletion fails at the end.",
            replaced=(
                "Tempo starts with an empty bucket and finds none of the old traces. The old "
                "bucket is deleted if it is empty; else `up` fails at its end."
            ),
            data=True,
            section="changes.md#replace-the-bucket",
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Kind(
        replacing=("bucket",), loss=_GUARD
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Kind(
        replacing=("bucket",), loss=_GUARD
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Kind(
        replacing=("bucket", "expectedBucketOwner"), loss=_GUARD
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Kind(replacing=("bucket",), loss=_GUARD),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Kind(
        replacing=("bucket", "expectedBucketOwner"), loss=_GUARD
    ),
    "aws:kms/key:Key": Kind(
        replacing=(
            "customKeyStoreId",
            "customerMasterKeySpec",
            "keyUsage",
            "multiRegion",
            "xksKeyId",
        ),
        loss=Loss(
            deleted=(
                "Traces that were encrypted with this key can't be read any more. AWS keeps the "
                "key for 30 days, in which it can be restored."
            ),
            replaced="Traces that were encrypted with the old key can't be read any more.",
            data=True,
            section="changes.md#protect-or-delete-the-bucket",
        ),
    ),
    "aws:kms/alias:Alias": Kind(
        replacing=("name", "namePrefix"),
        loss=Loss(
            deleted="A name of the key; the key stays.", replaced="The key gets another name."
        ),
    ),
    "aws:iam/role:Role": Kind(
        replacing=("name", "namePrefix", "path"),
        loss=Loss(
            deleted="Tempo's access to the bucket.",
            replaced="Tempo's pods keep credentials of the old role until they are restarted.",
            data=True,
            section="credentials.md#aws-identity",
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        replacing=("name", "namePrefix", "role"),
        loss=Loss(
            deleted="A part of Tempo's permissions.",
            replaced="Tempo is without these permissions until the new policy is there.",
        ),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Kind(
        replacing=("clusterName", "namespace", "serviceAccount"),
        loss=Loss(
            deleted="Tempo's pods get no credentials when they start.",
            replaced="Pods that start before the new one is there get no credentials.",
            data=True,
            section="credentials.md#aws-identity",
        ),
    ),
    RELEASE: Kind(replacing=("name", "namespace"), loss=_NOTHING, ignored=frozenset({"compat"})),
    "kubernetes:core/v1:Namespace": Kind(
        replacing=_METADATA,
        loss=Loss(
            deleted=_EVERYTHING,
            replaced=_EVERYTHING,
            data=True,
            section="changes.md#move-to-another-cluster-or-namespace",
        ),
    ),
    CONFIG_MAP: Kind(
        replacing=_METADATA,
        loss=Loss(
            deleted="Grafana or the ruler no longer has what it holds.",
            replaced="Grafana or the ruler is without what it holds until the new one is there.",
        ),
    ),
    "kubernetes:core/v1:Secret": Kind(
        replacing=(*_METADATA, "type"),
        loss=Loss(
            deleted="The password in it, for whoever reads it in the cluster.",
            replaced="Whoever reads the password is without it until the new one is there.",
            section="credentials.md#backend-passwords",
        ),
    ),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": Kind(
        replacing=_METADATA,
        loss=Loss(
            deleted=(
                "Traffic that only this policy admits is refused, if others select the same pods."
            ),
            replaced="What it admits is refused until the new one is there.",
        ),
    ),
    PROMETHEUS_RULE: Kind(
        replacing=_METADATA,
        loss=Loss(
            deleted="Its alerts and recording rules are no longer evaluated.",
            replaced=(
                "Its alerts and recording rules are not evaluated until the new one is there."
            ),
        ),
    ),
    **{
        kind: Kind(
            replacing=(*_METADATA, *IMMUTABLE),
            loss=Loss(
                deleted="The Grafana operator deletes it from Grafana.",
                replaced="Grafana is without it until the new one is there.",
            ),
        )
        for kind in (GRAFANA_DATASOURCE, GRAFANA_DASHBOARD, GRAFANA_FOLDER)
    },
    "kubernetes:opentelemetry.io/v1alpha1:Instrumentation": Kind(
        replacing=_METADATA,
        loss=Loss(
            deleted="Pods that ask for an SDK start without one.",
            replaced="Pods that start before the new one is there get no SDK.",
        ),
    ),
    KUBERNETES_PROVIDER: Kind(
        replacing=("clusterIdentifier",),
        loss=Loss(
            deleted="Access to the cluster.",
            replaced="Everything in the cluster is replaced with it, which fails halfway.",
            data=True,
            section="changes.md#move-to-another-cluster-or-namespace",
        ),
    ),
    # A provider in another account or region is not replaced: the bucket's name follows from both.
    "pulumi:providers:aws": Kind(
        replacing=(), loss=Loss(deleted="Access to the account.", replaced="Nothing by itself.")
    ),
    STACK_TYPE: _COMPONENT,
    REFERENCE_TYPE: _COMPONENT,
}
#: What goes with a Helm release, by its name.
RELEASES: Final = {system.release: system.loss for system in SYSTEMS}


def kind_of(type_: str) -> Kind | None:
    """Return what is known of a type; None for a type that this stack does not create."""
    return _COMPONENT if type_.startswith(COMPONENTS) else KINDS.get(type_)


def replacing(type_: str) -> tuple[str, ...]:
    """Return the properties of a type that force a replacement."""
    found = kind_of(type_)
    if found is None:
        return ()
    # The region of a resource can't change (AWS provider 6 and later).
    return (*found.replacing, "region") if type_.startswith("aws:") else found.replacing
