"""What pulumi-aws calls on the resources that a tracing stack makes, as IAM names it.

From the sources of the provider that pulumi-aws is built on (terraform-provider-aws 6,
`internal/service/{s3,iam,kms,eks}`); IAM's names from AWS's service authorization reference. A read
of `aws.s3.Bucket` looks at everything that can be set on a bucket, also at what the stack does not
set.
"""

BUCKET_READ = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    # HeadBucket asks for it, and S3 knows nothing less. It tells names of objects, not content.
    "s3:ListBucket",
    "s3:ListTagsForResource",
)
BUCKET_WRITE = (
    "s3:CreateBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
BUCKET_DELETE = ("s3:DeleteBucket",)

ROLE_READ = (
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)
#: What IAM lets one tie to a permissions boundary of the role (condition iam:PermissionsBoundary).
ROLE_WRITE_WITHIN_BOUNDARY = (
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
ROLE_WRITE = (
    "iam:DeleteRole",
    # Before a role is deleted.
    "iam:ListInstanceProfilesForRole",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)

ASSOCIATION_READ = ("eks:DescribePodIdentityAssociation",)
#: Asked for on the cluster; the rest on the association.
ASSOCIATION_CREATE = ("eks:CreatePodIdentityAssociation",)
ASSOCIATION_WRITE = (
    "eks:DeletePodIdentityAssociation",
    "eks:TagResource",
    "eks:UntagResource",
    "eks:UpdatePodIdentityAssociation",
)

KEY_READ = (
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
)
#: After `kms:CreateKey`, which sets the key's policy. Nothing by which a key could be taken over or
#: lost: its tags tell it from others, and who may give tags could give them to another key.
KEY_WRITE = ("kms:EnableKeyRotation",)
#: Asked for on the key and on the alias alike.
ALIAS_WRITE = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")
