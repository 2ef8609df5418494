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
from dataclasses import dataclass, replace
from typing import Final

from components.alloy.ingress import GATEWAY_API
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
_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
#: Type tokens of this project's components begin with it.
COMPONENTS: Final = "tracing:index:"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type, and the properties whose change replaces the resource.

    An object among these counts with all that is in it.

    Attributes:
        ignored: inputs that the provider removes before it compares.
    """

    replacing: tuple[str, ...]
    loss: Loss
    ignored: frozenset[str] = frozenset()


_NOTHING = "Nothing by itself."


def _kind(
    *replacing: str,
    deleted: str = _NOTHING,
    replaced: str = _NOTHING,
    data: bool = False,
    section: str = "",
    ignored: frozenset[str] = frozenset(),
) -> Kind:
    loss = Loss(deleted=deleted, replaced=replaced, data=data, section=section)
    return Kind(replacing=replacing, loss=loss, ignored=ignored)


_COMPONENT = _kind()
_METADATA = ("metadata.name", "metadata.namespace")
_GUARD = _kind(
    "bucket", deleted="The bucket loses this guard.", replaced="The guard moves to the new bucket."
)
_OWNED_GUARD = replace(_GUARD, replacing=("bucket", "expectedBucketOwner"))
_EVERYTHING = "Everything in it: pods, volumes with spans not yet in S3, what others put there."

#: By resource type. What goes with a Release follows from its system.
KINDS: Final[Mapping[str, Kind]] = {
    BUCKET: _kind(
        *("bucket", "bucketPrefix", "objectLockEnabled"),
        deleted="All traces in it, if it is emptied first; else the deletion fails at the end.",
        replaced="Tempo starts with an empty bucket and finds none of the old traces. The old "
        "bucket is deleted if it is empty; else `up` fails at its end.",
        data=True,
        section="changes.md#replace-the-bucket",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _GUARD,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _GUARD,
    _ENCRYPTION: _OWNED_GUARD,
    "aws:s3/bucketPolicy:BucketPolicy": _GUARD,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _OWNED_GUARD,
    "aws:kms/key:Key": _kind(
        *("customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"),
        deleted="Traces that were encrypted with this key can't be read any more. AWS keeps the "
        "key for 30 days, in which it can be restored.",
        replaced="Traces that were encrypted with the old key can't be read any more.",
        data=True,
        section="changes.md#protect-or-delete-the-bucket",
    ),
    "aws:kms/alias:Alias": _kind(
        *("name", "namePrefix"),
        deleted="A name of the key; the key stays.",
        replaced="The key gets another name.",
    ),
    "aws:iam/role:Role": _kind(
        *("name", "namePrefix", "path"),
        deleted="Tempo's access to the bucket, or Alloy's access to the metrics backend.",
        replaced="The pods keep credentials of the old role until they are restarted.",
        data=True,
        section="credentials.md#aws-identity",
    ),
    "aws:iam/rolePolicy:RolePolicy": _kind(
        *("name", "namePrefix", "role"),
        deleted="A part of the permissions of Tempo's or Alloy's role.",
        replaced="The role is without these permissions until the new policy is there.",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _kind(
        *("clusterName", "namespace", "serviceAccount"),
        deleted="Tempo's or Alloy's pods get no credentials when they start.",
        replaced="Pods that start before the new one is there get no credentials.",
        data=True,
        section="credentials.md#aws-identity",
    ),
    RELEASE: _kind(*("name", "namespace"), ignored=frozenset({"compat"})),
    "kubernetes:core/v1:Namespace": _kind(
        *_METADATA,
        deleted=_EVERYTHING,
        replaced=_EVERYTHING,
        data=True,
        section="changes.md#move-to-another-cluster-or-namespace",
    ),
    CONFIG_MAP: _kind(
        *_METADATA,
        deleted="Grafana or the ruler no longer has what it holds.",
        replaced="Grafana or the ruler is without what it holds until the new one is there.",
    ),
    "kubernetes:core/v1:Secret": _kind(
        *_METADATA,
        "type",
        deleted="The password in it, for whoever reads it in the cluster.",
        replaced="Whoever reads the password is without it until the new one is there.",
        section="credentials.md#backend-passwords",
    ),
    "kubernetes:core/v1:ServiceAccount": _kind(
        *_METADATA,
        deleted="The canary's pod can't start again.",
        replaced="The canary's pod can't start until the new one is there.",
    ),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": _kind(
        *_METADATA,
        deleted="Traffic that only this policy admits is refused, if others select the same pods.",
        replaced="What it admits is refused until the new one is there.",
    ),
    "kubernetes:core/v1:Service": _kind(
        *_METADATA,
        deleted="The address that senders outside the cluster use, with its load balancer.",
        replaced="Senders outside the cluster need the address of the new load balancer.",
        data=True,
        section="ingress.md#entry-from-outside",
    ),
    **dict.fromkeys(
        (f"kubernetes:{GATEWAY_API}:{kind}" for kind in ("GRPCRoute", "HTTPRoute")),
        _kind(
            *_METADATA,
            deleted="The Gateway no longer sends OTLP of its host to Alloy.",
            replaced="The Gateway refuses OTLP of its host until the new one is there.",
        ),
    ),
    PROMETHEUS_RULE: _kind(
        *_METADATA,
        deleted="Its alerts and recording rules are no longer evaluated.",
        replaced="Its alerts and recording rules are not evaluated until the new one is there.",
    ),
    "kubernetes:opentelemetry.io/v1alpha1:Instrumentation": _kind(
        *_METADATA,
        deleted="Pods that ask for an SDK start without one.",
        replaced="Pods that start before the new one is there get no SDK.",
    ),
    **dict.fromkeys(
        (GRAFANA_DATASOURCE, GRAFANA_DASHBOARD, GRAFANA_FOLDER),
        _kind(
            *(*_METADATA, *IMMUTABLE),
            deleted="The Grafana operator deletes it from Grafana.",
            replaced="Grafana is without it until the new one is there.",
        ),
    ),
    KUBERNETES_PROVIDER: _kind(
        "clusterIdentifier",
        deleted="Access to the cluster.",
        replaced="Everything in the cluster is replaced with it, which fails halfway.",
        data=True,
        section="changes.md#move-to-another-cluster-or-namespace",
    ),
    # A provider in another account or region is not replaced: the bucket's name follows from both.
    "pulumi:providers:aws": _kind(deleted="Access to the account."),
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
