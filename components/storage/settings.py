"""Settings of the trace bucket."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.arn import KmsKeyArn
from ..core.base import Settings
from ..core.on_change import Direction, OnChange
from ..core.regions import S3Endpoint
from ..core.texts import BucketName, Endpoint

_KEY = OnChange(
    happens="Existing objects stay encrypted with the key that wrote them, and Tempo can't read "
    "them without it.",
    do="Add the old key to `storage.previousKmsKeyArns` in the same change, and run "
    "`make bootstrap` before `up`.",
    section="changes.md#rotate-the-kms-key",
)
_HANDED_OVER = OnChange(
    happens="With `true`, Pulumi deletes the bucket, or refuses if it is protected. With `false`, "
    "Pulumi creates a bucket, and fails if the name exists.",
    do="Set `storage.protect` and run `up` first. Then take the bucket out of the state, or import "
    "it.",
    section="changes.md#protect-or-delete-the-bucket",
)
_OLDER_KEYS = OnChange(
    happens="Tempo can't read objects whose key is no longer listed.",
    do="Keep a key for the retention and a week, and run `make bootstrap` before `up`.",
    section="changes.md#rotate-the-kms-key",
)
_UNPROTECTED = OnChange(
    happens="The bucket and its key can be replaced or deleted, with all traces.",
    do="Turn it on again after the change.",
    section="changes.md#protect-or-delete-the-bucket",
    direction=Direction.LESS,
)
_FORCED = OnChange(
    happens="`make destroy` and a replacement of the bucket delete all traces.",
    do="Check first that you no longer need the traces.",
    section="changes.md#protect-or-delete-the-bucket",
    direction=Direction.MORE,
)
_STORE = OnChange(
    happens="Tempo uses another store, without the old traces.",
    do="Copy the objects first if you need the old traces.",
    section="changes.md#replace-the-bucket",
)


class Encryption(StrEnum):
    """Server-side encryption of the bucket."""

    SSE_S3 = "sse-s3"
    SSE_KMS = "sse-kms"


class StorageSettings(Settings):
    """The S3 bucket that holds the traces."""

    bucket: BucketName | None = None
    """Name of the bucket; by default `traces-<environment>-<account id>-<region>`. A new name
    creates a new bucket without the old traces."""
    existing: Annotated[bool, _HANDED_OVER] = False
    """Use the existing bucket named by `bucket`. You manage its policy, encryption and
    lifecycle."""
    encryption: Annotated[Encryption, _KEY] = Encryption.SSE_S3
    """Encryption of objects: `sse-s3` (keys managed by S3) or `sse-kms` (a KMS key)."""
    kms_key_arn: Annotated[KmsKeyArn | None, _KEY] = None
    """ARN of an existing KMS key for `sse-kms`. By default the stack creates a key, which the
    deploy role of `make bootstrap` can't."""
    previous_kms_key_arns: Annotated[list[KmsKeyArn], _OLDER_KEYS] = Field(default=[])
    """ARNs of KMS keys of older objects, which Tempo may still decrypt with. Keep each until the
    retention and a week have passed."""
    protect: Annotated[bool, _UNPROTECTED] = True
    """Refuse to delete or replace the bucket, and keep it in AWS when the stack is removed."""
    acknowledge_data_loss: bool = False
    """Confirmation that `protect: false` requires in a production environment."""
    force_destroy: Annotated[bool, _FORCED] = False
    """Let `destroy` delete the bucket with all traces; only in an ephemeral environment."""
    endpoint: Annotated[Endpoint | None, _STORE] = None
    """URL of an S3 emulator for a laptop; by default the regional endpoint of S3."""
    s3_endpoint: S3Endpoint = S3Endpoint.STANDARD
    """Endpoint of S3 in the region: `standard` (IPv4), `dualstack` (IPv4 and IPv6), `fips` or
    `fipsDualstack` (validated cryptography, FIPS 140)."""

    @property
    def makes_key(self) -> bool:
        """Whether the stack makes the KMS key of the bucket."""
        needs_key = self.encryption is Encryption.SSE_KMS and self.kms_key_arn is None
        return needs_key and not self.existing
