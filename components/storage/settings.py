"""Settings of the trace bucket."""

from enum import StrEnum

from pydantic import Field

from ..platform.arn import KmsKeyArn
from ..platform.base import Settings
from ..platform.texts import Endpoint


class Encryption(StrEnum):
    """Server-side encryption of the bucket."""

    SSE_S3 = "sse-s3"
    SSE_KMS = "sse-kms"


class StorageSettings(Settings):
    """The S3 bucket that holds the traces."""

    bucket: str | None = Field(default=None, min_length=1)
    """Name of the bucket; by default `traces-<environment>-<account id>-<region>`. A new name means
    a new bucket, without the old one's traces."""
    existing: bool = False
    """Use the bucket named by `bucket` as it is: bucket, policy, encryption and lifecycle stay with
    whoever made it."""
    encryption: Encryption = Encryption.SSE_S3
    """`sse-s3` (keys managed by S3) or `sse-kms` (a KMS key, with rotation and a bucket key)."""
    kms_key_arn: KmsKeyArn | None = None
    """ARN of an existing KMS key for `sse-kms`; by default the stack makes one of its own."""
    previous_kms_key_arns: list[KmsKeyArn] = Field(default=[])
    """ARNs of keys that encrypted the bucket's objects before, which Tempo may still decrypt with;
    none by default. An object can't be read without its key: keep each for the retention."""
    protect: bool = True
    """Refuse to delete or replace the bucket, and leave it in AWS when the stack is removed."""
    acknowledge_data_loss: bool = False
    """Must be `true` to set `protect: false` in a production environment."""
    force_destroy: bool = False
    """Let `destroy` delete the bucket with all traces in it; only in an ephemeral environment."""
    endpoint: Endpoint | None = None
    """URL of an S3-compatible stand-in, for a laptop; by default the regional endpoint of S3."""
