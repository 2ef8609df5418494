"""Bucket hardening: no public access, one owner, encryption, TLS only."""

from collections.abc import Callable, Mapping

import pulumi
import pulumi_aws as aws

from . import policies

#: Days in which a deleted KMS key can be restored; the longest period that KMS accepts.
KEY_DELETION_DAYS = 30

#: Options of a guard that depends on the given one: S3 answers concurrent changes to the
#: configuration of one bucket with 409 OperationAborted.
Options = Callable[[pulumi.Resource | None], pulumi.ResourceOptions]


def bucket_key(
    name: str,
    *,
    alias: str,
    description: str,
    region: str,
    account_id: str,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.kms.Key:
    """Make a KMS key that encrypts a bucket, with yearly rotation and the alias `alias/...`."""
    key = aws.kms.Key(
        name,
        description=description,
        policy=policies.key(account_id=account_id, region=region),
        enable_key_rotation=True,
        deletion_window_in_days=KEY_DELETION_DAYS,
        tags=dict(tags),
        opts=opts,
    )
    aws.kms.Alias(f"{name}-alias", name=alias, target_key_id=key.id, opts=opts)
    return key


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
    """Harden a bucket, one change after the other.

    The block of public access comes first, so that the bucket is never public. Returns the last
    guard, which further configuration of the bucket must depend on. `options` returns the options
    of a guard, given the guard before it. Without a key, S3 manages the keys.
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
        rule={"object_ownership": "BucketOwnerEnforced"},
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
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    if kms_key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": kms_key_arn,
        },
        # A bucket key serves many objects and saves most calls to KMS.
        "bucket_key_enabled": True,
    }
