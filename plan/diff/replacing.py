"""What makes Pulumi replace a resource: delete it and make a new one, instead of a change in place.

Every type that a plan may hold has a row; a test fails for a type without one.

Where the rows come from:

* AWS: the properties that the Terraform provider, which pulumi-aws 7.51 is built on, marks with
  ForceNew or RequiresReplace (internal/service/{s3,iam,eks,kms}/*.go), as far as this stack gives
  them.
* Kubernetes 4.34: `forceNew` in provider/pkg/provider/diff.go; for a Release `forceNewFields` of
  its Diff in helm_release.go; for the provider itself DiffConfig in provider.go. The stack sets
  `enableConfigMapMutable` and `enableSecretMutable`; without them data would be listed here too.
* Components hold nothing of their own.
"""

from collections.abc import Mapping
from typing import Final

STACK: Final = "pulumi:pulumi:Stack"
#: Read from another stack, never made.
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
KUBERNETES_PROVIDER: Final = "pulumi:providers:kubernetes"
COMPONENTS: Final = "tracing:index:"

_BUCKET = ("bucket",)
_METADATA = ("metadata.name", "metadata.namespace")

#: Properties by resource type; one that is an object counts with all that is in it.
REPLACING: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:s3/bucket:Bucket": (*_BUCKET, "bucketPrefix", "objectLockEnabled"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _BUCKET,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        *_BUCKET,
        "expectedBucketOwner",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _BUCKET,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        *_BUCKET,
        "expectedBucketOwner",
    ),
    "aws:kms/key:Key": (
        "customKeyStoreId",
        "customerMasterKeySpec",
        "keyUsage",
        "multiRegion",
        "xksKeyId",
    ),
    "aws:kms/alias:Alias": ("name", "namePrefix"),
    "aws:iam/role:Role": ("name", "namePrefix", "path"),
    "aws:iam/rolePolicy:RolePolicy": ("name", "namePrefix", "role"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        "clusterName",
        "namespace",
        "serviceAccount",
    ),
    "kubernetes:helm.sh/v3:Release": ("name", "namespace"),
    "kubernetes:core/v1:Namespace": _METADATA,
    "kubernetes:core/v1:ConfigMap": _METADATA,
    "kubernetes:core/v1:Secret": (*_METADATA, "type"),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": _METADATA,
    "kubernetes:monitoring.coreos.com/v1:PrometheusRule": _METADATA,
    "kubernetes:opentelemetry.io/v1alpha1:Instrumentation": _METADATA,
    # Everything in the cluster is replaced with it.
    KUBERNETES_PROVIDER: ("clusterIdentifier",),
    # A provider in another account or region is not replaced: the bucket's name follows from both.
    "pulumi:providers:aws": (),
    STACK: (),
    STACK_REFERENCE: (),
}

#: Every resource of AWS has a region of its own, which can't change (AWS provider 6 and later).
_EVERY_AWS = ("region",)

#: Inputs that a provider takes out before it compares.
IGNORED: Final[Mapping[str, frozenset[str]]] = {
    "kubernetes:helm.sh/v3:Release": frozenset({"compat"}),
}


def replacing(type_: str) -> tuple[str, ...] | None:
    """Return the properties of a type that force a replacement; None for an unknown type."""
    if type_.startswith(COMPONENTS):
        return ()
    found = REPLACING.get(type_)
    return (*found, *_EVERY_AWS) if found is not None and type_.startswith("aws:") else found
