"""IAM actions of Pulumi's calls for each type of AWS resource in a tracing stack.

The calls are those of terraform-provider-aws 6, which pulumi-aws 7 is built on: create, read,
update and delete of `internal/service/s3/bucket*.go`, `iam/role.go`, `iam/role_policy.go`,
`kms/key.go`, `kms/alias.go` and `eks/pod_identity_association.go`. The permissions of each call
come from AWS's service authorization reference.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bucket", "role", "passed role", "association", "cluster", "key", "alias", "*"]
Purpose = Literal["create", "read", "update", "delete"]


@dataclass(frozen=True)
class Call:
    """One required permission.

    Attributes:
        action: action as IAM writes it.
        on: kind of the resource.
    """

    action: str
    on: Kind


def _calls(on: Kind, *actions: str) -> list[Call]:
    return [Call(action, on) for action in actions]


def _part_of_a_bucket(
    read: str, write: str, delete: str | None = None
) -> dict[Purpose, list[Call]]:
    return {
        "create": _calls("bucket", write),
        "read": _calls("bucket", read),
        "update": _calls("bucket", write),
        "delete": _calls("bucket", delete or write),
    }


CALLS: dict[str, dict[Purpose, list[Call]]] = {
    "aws:s3/bucket:Bucket": {
        # With tags in the request; older regions of the API take them afterwards.
        "create": _calls("bucket", "s3:CreateBucket", "s3:TagResource", "s3:PutBucketTagging"),
        "read": _calls(
            "bucket",
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListTagsForResource",
        ),
        "update": _calls("bucket", "s3:TagResource", "s3:UntagResource", "s3:PutBucketTagging"),
        "delete": _calls("bucket", "s3:DeleteBucket"),
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _part_of_a_bucket(
        "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _part_of_a_bucket(
        "s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _part_of_a_bucket("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration")
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _part_of_a_bucket(
        "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _part_of_a_bucket(
        "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"
    ),
    "aws:kms/key:Key": {
        "create": [
            Call("kms:CreateKey", "*"),
            *_calls("key", "kms:TagResource", "kms:EnableKeyRotation"),
        ],
        "read": _calls(
            "key",
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
        ),
        "update": _calls(
            "key",
            "kms:DisableKeyRotation",
            "kms:EnableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ),
        "delete": _calls("key", "kms:ScheduleKeyDeletion"),
    },
    "aws:kms/alias:Alias": {
        "create": [Call("kms:CreateAlias", "key"), Call("kms:CreateAlias", "alias")],
        "read": [Call("kms:ListAliases", "*")],
        "update": [Call("kms:UpdateAlias", "key"), Call("kms:UpdateAlias", "alias")],
        "delete": [Call("kms:DeleteAlias", "key"), Call("kms:DeleteAlias", "alias")],
    },
    "aws:iam/role:Role": {
        "create": _calls("role", "iam:CreateRole", "iam:TagRole"),
        "read": _calls(
            "role",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
        ),
        "update": _calls(
            "role",
            "iam:PutRolePermissionsBoundary",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ),
        "delete": _calls("role", "iam:DeleteRole", "iam:ListInstanceProfilesForRole"),
    },
    "aws:iam/rolePolicy:RolePolicy": {
        "create": _calls("role", "iam:PutRolePolicy"),
        "read": _calls("role", "iam:GetRolePolicy"),
        "update": _calls("role", "iam:PutRolePolicy"),
        "delete": _calls("role", "iam:DeleteRolePolicy"),
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": {
        "create": [
            Call("eks:CreatePodIdentityAssociation", "cluster"),
            Call("eks:TagResource", "association"),
            *_calls("passed role", "iam:GetRole", "iam:PassRole"),
        ],
        "read": _calls("association", "eks:DescribePodIdentityAssociation"),
        "update": [
            *_calls(
                "association",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdatePodIdentityAssociation",
            ),
            *_calls("passed role", "iam:GetRole", "iam:PassRole"),
        ],
        "delete": _calls("association", "eks:DeletePodIdentityAssociation"),
    },
}
#: For a kubeconfig that finds the cluster by its name.
BESIDE = [Call("eks:DescribeCluster", "cluster")]
