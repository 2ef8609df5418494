"""Policies of the trace bucket and its key, as JSON that is known before anything exists."""

import json

from ..core.regions import partition


def bucket_arn(bucket: str, *, region: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition(region)}:s3:::{bucket}"


def tls_only(bucket: str, *, region: str) -> str:
    """Return a bucket policy that denies every request over plain HTTP.

    Args:
        bucket: name of the bucket.
        region: AWS region of the bucket.

    Returns:
        The policy as JSON. It grants nothing: access comes from IAM alone.
    """
    arn = bucket_arn(bucket, region=region)
    return _document(
        {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def key(*, account_id: str, region: str) -> str:
    """Return the policy of the bucket's own KMS key.

    It names the account and nobody else. That keeps the key manageable (a key whose policy names
    only roles is lost with them) and leaves it to IAM policies of this account who may use it.

    Args:
        account_id: AWS account of the key, 12 digits.
        region: AWS region of the key.

    Returns:
        The policy as JSON.
    """
    return _document(
        {
            "Sid": "AccountAdministersKey",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition(region)}:iam::{account_id}:root"},
            "Action": "kms:*",
            # In a key policy "*" is this key.
            "Resource": "*",
        }
    )


def _document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
