"""Policies of the trace bucket and its key, as JSON known at preview."""

from ..core import iam
from ..core.names import bucket_arn
from ..core.regions import partition


def tls_only(bucket: str, *, region: str) -> str:
    """Return a bucket policy that denies all requests over plain HTTP. It grants nothing."""
    arn = bucket_arn(bucket, region=region)
    return iam.document(
        iam.statement(
            "DenyPlainHttp",
            "s3:*",
            resource=[arn, f"{arn}/*"],
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
    )


def key(*, account_id: str, region: str) -> str:
    """Return the policy of a KMS key that encrypts a bucket.

    It names only the account, so that IAM policies of the account decide who may use the key. A key
    whose policy names only roles can't be managed once they are deleted.
    """
    return iam.document(
        iam.statement(
            "AccountAdministersKey",
            "kms:*",
            # In a key policy "*" is this key.
            resource="*",
            principal={"AWS": f"arn:{partition(region)}:iam::{account_id}:root"},
        )
    )
