"""What guards a bucket: nothing public, one owner, encrypted, TLS only."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws

from . import policies

#: Options of a guard that is made after the given one; S3 answers concurrent changes to the
#: configuration of one bucket with 409 OperationAborted.
Options = Callable[[pulumi.Resource | None], pulumi.ResourceOptions]


def guard(
    name: str,
    bucket: pulumi.Output[str],
    *,
    bucket_name: str,
    region: str,
    kms_key_arn: pulumi.Input[str] | None,
    tls_only: bool,
    options: Options,
) -> pulumi.Resource:
    """Make what guards a bucket, one after the other.

    What matters most comes first: nothing is public or unencrypted even for a moment.

    Args:
        name: name of the component that owns the bucket; the guards' names begin with it.
        bucket: the bucket, as its resource tells it.
        bucket_name: its name, known before it exists.
        region: AWS region of the bucket.
        kms_key_arn: ARN of the key that encrypts the objects; None where S3 manages the keys.
        tls_only: refuse plain HTTP.
        options: options of a guard, by the guard that comes before it.

    Returns:
        The last guard; what else configures the bucket comes after it.
    """
    access = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access-block",
        bucket=bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=options(None),
    )
    ownership = aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=options(access),
    )
    encryption = aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket,
        rules=[_encryption_rule(kms_key_arn)],
        opts=options(ownership),
    )
    if not tls_only:
        return encryption
    return aws.s3.BucketPolicy(
        f"{name}-tls-only",
        bucket=bucket,
        policy=policies.tls_only(bucket_name, region=region),
        opts=options(encryption),
    )


def _encryption_rule(
    kms_key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgs:
    default = (
        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs
    )
    if kms_key_arn is None:
        return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=default(sse_algorithm="AES256")
        )
    return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=default(
            sse_algorithm="aws:kms", kms_master_key_id=kms_key_arn
        ),
        # One key of the bucket's own for many objects: a fraction of the calls to KMS.
        bucket_key_enabled=True,
    )
