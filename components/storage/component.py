"""TraceStorage: the S3 bucket of the traces, with its hardening and lifecycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from ..core.names import bucket_arn
from ..core.outputs import register
from . import lifecycle
from .guards import bucket_key, guard
from .settings import Encryption, StorageSettings


@dataclass(frozen=True, kw_only=True)
class TraceStorageArgs:
    """Arguments of TraceStorage.

    Raises:
        ValueError: an existing bucket with `sse-kms` needs `kms_key_arn`.
    """

    settings: StorageSettings = StorageSettings()
    """Settings of the bucket."""
    bucket: str
    """Name of the new or existing bucket."""
    region: str
    """AWS region of the bucket."""
    account_id: str
    """AWS account of the bucket, 12 digits."""
    retention_hours: int
    """Trace retention in hours. S3 deletes objects a week later."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags of bucket and key."""

    def __post_init__(self) -> None:
        its = self.settings
        if its.existing and its.encryption is Encryption.SSE_KMS and its.kms_key_arn is None:
            raise ValueError("An existing bucket with sse-kms needs kms_key_arn")


class TraceStorage(pulumi.ComponentResource):
    """The S3 bucket that holds Tempo's blocks, or the outputs of an existing bucket.

    Store nothing else in the bucket: S3 deletes all objects a week after the retention.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.
    """

    bucket_name: pulumi.Output[str]
    """Name of the bucket."""
    bucket_arn: pulumi.Output[str]
    """ARN of the bucket."""
    kms_key_arn: pulumi.Output[str] | None
    """ARN of the key that encrypts the objects; None if S3 manages the keys."""

    def __init__(
        self, name: str, args: TraceStorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:TraceStorage", name, {}, opts)
        self._name = name
        self._args = args
        self.kms_key_arn = self._encryption_key()
        if args.settings.existing:
            self.bucket_name = pulumi.Output.from_input(args.bucket)
            self.bucket_arn = pulumi.Output.from_input(bucket_arn(args.bucket, region=args.region))
        else:
            # No versioning: Tempo never changes a block, and its compactor deletes merged ones.
            # Versions would only keep these deleted blocks, at full price.
            self._bucket = aws.s3.Bucket(
                f"{name}-bucket",
                bucket=args.bucket,
                force_destroy=args.settings.force_destroy,
                tags=dict(args.tags),
                opts=self._options(),
            )
            self.bucket_name = self._bucket.bucket
            self.bucket_arn = self._bucket.arn
            self._guard()
        register(self)

    def _options(self, after: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        """Return the options of the bucket, its key and its configuration.

        A protected bucket outlives the stack. Its configuration must too: without it, the bucket
        could become public and would grow without limit. Without its key, it can't be read.
        """
        protect = self._args.settings.protect or None
        return pulumi.ResourceOptions(
            parent=self,
            protect=protect,
            retain_on_delete=protect,
            depends_on=[] if after is None else [after],
        )

    def _encryption_key(self) -> pulumi.Output[str] | None:
        settings = self._args.settings
        if settings.encryption is not Encryption.SSE_KMS:
            return None
        if settings.kms_key_arn is not None:
            return pulumi.Output.from_input(settings.kms_key_arn)
        key = bucket_key(
            f"{self._name}-key",
            alias=f"alias/{self._args.bucket}",
            description=f"Traces in S3 bucket {self._args.bucket}",
            region=self._args.region,
            account_id=self._args.account_id,
            tags=self._args.tags,
            opts=self._options(),
        )
        return key.arn

    def _guard(self) -> None:
        """Harden the bucket and set its lifecycle."""
        name, args, bucket = self._name, self._args, self._bucket.bucket
        last = guard(
            name,
            bucket,
            bucket_name=args.bucket,
            region=args.region,
            kms_key_arn=self.kms_key_arn,
            # An S3 emulator without TLS would refuse Tempo with this policy.
            tls_only=not (args.settings.endpoint or "").startswith("http://"),
            options=self._options,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket,
            rules=lifecycle.rules(args.retention_hours),
            opts=self._options(last),
        )
