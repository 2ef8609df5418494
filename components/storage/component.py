"""TraceStorage: the S3 bucket that holds the traces, with all that guards it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from ..core.names import bucket_arn
from . import lifecycle
from .guards import bucket_key, guard
from .settings import Encryption, StorageSettings


@dataclass(frozen=True, kw_only=True)
class TraceStorageArgs:
    """What TraceStorage needs to know.

    Raises:
        ValueError: the key of an existing bucket is not named.
    """

    settings: StorageSettings = StorageSettings()
    """Settings of the bucket."""
    bucket: str
    """Name of the bucket, to make or existing."""
    region: str
    """AWS region of the bucket."""
    account_id: str
    """AWS account of the bucket, 12 digits."""
    retention_hours: int
    """Hours that Tempo keeps traces; the backstop expiry follows from it."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags for bucket and key."""

    def __post_init__(self) -> None:
        its = self.settings
        if its.existing and its.encryption is Encryption.SSE_KMS and its.kms_key_arn is None:
            raise ValueError("An existing bucket with sse-kms needs kms_key_arn")


class TraceStorage(pulumi.ComponentResource):
    """The S3 bucket that Tempo keeps its blocks in, or the outputs of an existing one.

    Only Tempo's own objects may live in the bucket: whatever is older than the retention and a week
    is deleted.
    """

    bucket_name: pulumi.Output[str]
    """Name of the bucket."""
    bucket_arn: pulumi.Output[str]
    """ARN of the bucket."""
    kms_key_arn: pulumi.Output[str] | None
    """ARN of the key that encrypts the objects; None where S3 manages the keys."""

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
            # No versioning: Tempo never changes a block, and its compactor deletes the ones it has
            # merged. Versions would keep just those deleted blocks, at the price of the live ones.
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
        outputs = {"bucketName": self.bucket_name, "bucketArn": self.bucket_arn}
        if self.kms_key_arn is not None:
            outputs["kmsKeyArn"] = self.kms_key_arn
        self.register_outputs(outputs)

    def _options(self, after: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        """Return the options of the bucket and of everything that guards it.

        A protected bucket outlives the stack. It must not outlive its guards: without them it could
        be made public, would fill up without end or, without its key, could not be read again.
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
        """Make what guards the bucket, and what clears it up."""
        name, args, bucket = self._name, self._args, self._bucket.bucket
        last = guard(
            name,
            bucket,
            bucket_name=args.bucket,
            region=args.region,
            kms_key_arn=self.kms_key_arn,
            # A stand-in for S3 without TLS would, with this policy, refuse Tempo itself.
            tls_only=not (args.settings.endpoint or "").startswith("http://"),
            options=self._options,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket,
            rules=lifecycle.rules(args.retention_hours),
            opts=self._options(last),
        )
