"""Settings of the trace bucket."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.arn import KmsKeyArn
from ..core.base import Settings
from ..core.on_change import Direction, OnChange
from ..core.texts import Endpoint

_KEY = OnChange(
    happens="Existing objects stay encrypted with the key that wrote them, and Tempo can't read "
    "them without it.",
    do="Add the old key to `storage.previousKmsKeyArns` in the same change, and run "
    "`make bootstrap` before `up`.",
    section="changes.md#rotate-the-kms-key",
)
_HANDED_OVER = OnChange(
    happens="`true` takes the bucket out of the stack: Pulumi refuses if it is protected, and else "
    "deletes it. `false` makes a bucket, and fails if that name exists.",
    do="Set `storage.protect` first and run `up`, then take the bucket out of the state or "
    "import it.",
    section="changes.md#protect-or-delete-the-bucket",
)
_OLDER_KEYS = OnChange(
    happens="Tempo can't read objects whose key is no longer listed.",
    do="Keep a key for the retention and a week, and run `make bootstrap` before `up`.",
    section="changes.md#rotate-the-kms-key",
)
_UNPROTECTED = OnChange(
    happens="The bucket and its key can be replaced or deleted, with all traces.",
    do="Turn it on again after the change that needs it.",
    section="changes.md#protect-or-delete-the-bucket",
    direction=Direction.LESS,
)
_FORCED = OnChange(
    happens="`make destroy` and a replacement of the bucket delete all traces.",
    do="Be sure.",
    section="changes.md#protect-or-delete-the-bucket",
    direction=Direction.MORE,
)
_STORE = OnChange(
    happens="Tempo reads and writes another store, without the old traces.",
    do="Copy the objects first, or do without them.",
    section="changes.md#replace-the-bucket",
)


class Encryption(StrEnum):
    """Server-side encryption of the bucket."""

    SSE_S3 = "sse-s3"
    SSE_KMS = "sse-kms"


class StorageSettings(Settings):
    """The S3 bucket that holds the traces."""

    bucket: str | None = Field(default=None, min_length=1)
    """Name of the bucket; by default `traces-<environment>-<account id>-<region>`. A new name means
    a new bucket, without the old one's traces."""
    existing: Annotated[bool, _HANDED_OVER] = False
    """Use the bucket named by `bucket` as it is: bucket, policy, encryption and lifecycle stay with
    whoever made it."""
    encryption: Annotated[Encryption, _KEY] = Encryption.SSE_S3
    """`sse-s3` (keys managed by S3) or `sse-kms` (a KMS key, with rotation and a bucket key)."""
    kms_key_arn: Annotated[KmsKeyArn | None, _KEY] = None
    """ARN of an existing KMS key for `sse-kms`; by default the stack makes a key, which the deploy
    role of `make bootstrap` can't."""
    previous_kms_key_arns: Annotated[list[KmsKeyArn], _OLDER_KEYS] = Field(default=[])
    """ARNs of keys that encrypted the bucket's objects before, which Tempo may still decrypt with;
    none by default. An object can't be read without its key: keep each for the retention."""
    protect: Annotated[bool, _UNPROTECTED] = True
    """Refuse to delete or replace the bucket, and leave it in AWS when the stack is removed."""
    acknowledge_data_loss: bool = False
    """Must be `true` to set `protect: false` in a production environment."""
    force_destroy: Annotated[bool, _FORCED] = False
    """Let `destroy` delete the bucket with all traces in it; only in an ephemeral environment."""
    endpoint: Annotated[Endpoint | None, _STORE] = None
    """URL of an S3-compatible stand-in, for a laptop; by default the regional endpoint of S3."""
