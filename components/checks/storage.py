"""Rules about the bucket and what is kept in it."""

import re
from collections.abc import Iterator

from ..core.problem import Problem, problem
from ..core.tier import Tier
from ..settings import TracingSettings
from ..storage.settings import Encryption

#: Hours until a block that an ingester cuts is complete, flushed and compacted once: Tempo's
#: max_block_duration (30 m), complete_block_timeout (15 m) and compaction_window (1 h), rounded up.
WAL_HORIZON_HOURS = 2
#: Prefixes and suffixes that AWS keeps for itself (S3 user guide, "General purpose bucket naming").
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an")


def bucket(settings: TracingSettings) -> Iterator[Problem]:
    """The bucket's name is one that AWS takes."""
    name = settings.bucket
    why = None
    if not 3 <= len(name) <= 63:
        why = "must have 3 to 63 characters"
    elif not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        why = "only a-z, 0-9 and hyphens, with a letter or digit at both ends (no dots: TLS breaks)"
    elif name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES):
        why = "begins or ends with what AWS keeps for itself"
    if why:
        yield problem("storage.bucket", name, why)
    if settings.storage.existing and not settings.storage.bucket:
        yield problem("storage.existing", True, "name the existing bucket in storage.bucket")


def encryption(settings: TracingSettings) -> Iterator[Problem]:
    """Keys go with the encryption that uses them."""
    its = settings.storage
    if its.kms_key_arn and its.encryption is not Encryption.SSE_KMS:
        yield problem(
            "storage.kmsKeyArn", its.kms_key_arn, "is used with storage.encryption: sse-kms only"
        )
    if its.existing and its.encryption is Encryption.SSE_KMS and not its.kms_key_arn:
        yield problem(
            "storage.encryption",
            its.encryption,
            "Tempo must be allowed to use the existing bucket's key: give it in storage.kmsKeyArn",
        )


def deletion(settings: TracingSettings) -> Iterator[Problem]:
    """Nobody loses traces by a line that looks harmless."""
    its, tier = settings.storage, settings.environment.tier
    if tier is Tier.PRODUCTION and not its.protect and not its.acknowledge_data_loss:
        yield problem(
            "storage.protect",
            its.protect,
            "in production the bucket can then be deleted with its traces; if you mean it, set "
            "storage.acknowledgeDataLoss: true",
        )
    if its.force_destroy and tier is not Tier.EPHEMERAL:
        yield problem(
            "storage.forceDestroy",
            its.force_destroy,
            f"deletes traces with the stack; only in an ephemeral environment, this one is {tier}",
        )
    if its.force_destroy and its.protect:
        yield problem(
            "storage.forceDestroy", its.force_destroy, "contradicts storage.protect: true"
        )
    if its.force_destroy and its.existing:
        yield problem(
            "storage.forceDestroy", its.force_destroy, "an existing bucket is never deleted"
        )


def endpoint(settings: TracingSettings) -> Iterator[Problem]:
    """A stand-in for S3 is for environments that may lose their data."""
    its = settings.storage
    if its.endpoint and settings.environment.tier is not Tier.EPHEMERAL:
        yield problem(
            "storage.endpoint",
            its.endpoint,
            f"a stand-in for S3 is for ephemeral environments; this one is "
            f"{settings.environment.tier}",
        )


def retention(settings: TracingSettings) -> Iterator[Problem]:
    """Traces are kept longer than they take to become complete blocks."""
    hours = settings.tempo.retention_hours
    if hours < WAL_HORIZON_HOURS:
        yield problem(
            "tempo.retentionHours",
            hours,
            f"must be {WAL_HORIZON_HOURS} at least: younger blocks are still being written",
        )
