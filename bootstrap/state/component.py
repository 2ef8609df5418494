"""StateBackend: the bucket and the key that keep an environment's Pulumi state."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.storage import policies
from components.storage.component import KEY_DELETION_DAYS
from components.storage.guards import guard

#: Days that an overwritten or deleted version stays: time to see that a state is damaged.
NONCURRENT_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class StateBackendArgs:
    """What StateBackend needs to know."""

    bucket: str
    """Name of the bucket to make."""
    key_alias: str
    """Alias of the key to make, `alias/...`."""
    region: str
    """AWS region of both."""
    account_id: str
    """AWS account of both, 12 digits."""
    tags: Mapping[str, str]
    """Tags for both."""


def backend_url(bucket: str, *, region: str) -> str:
    """Return the URL by which Pulumi finds a state in a bucket."""
    return f"s3://{bucket}?region={region}"


class StateBackend(pulumi.ComponentResource):
    """The bucket that keeps Pulumi's state, and the key for the bucket and for secrets in it.

    Both are protected, and stay in AWS when the stack that made them is removed: without the state
    nobody knows what an environment consists of, and without the key nobody can read the state.
    """

    bucket_name: pulumi.Output[str]
    """Name of the bucket."""
    key_arn: pulumi.Output[str]
    """ARN of the key."""
    backend_url: pulumi.Output[str]
    """URL for `pulumi login` and `PULUMI_BACKEND_URL`."""
    secrets_provider: pulumi.Output[str]
    """URL for `pulumi stack init --secrets-provider`."""

    def __init__(
        self, name: str, args: StateBackendArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:StateBackend", name, {}, opts)
        self._name = name
        self._args = args
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Pulumi state in S3 bucket {args.bucket}, and secrets in it",
            policy=policies.key(account_id=args.account_id, region=args.region),
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            tags=dict(args.tags),
            opts=self._options(),
        )
        aws.kms.Alias(
            f"{name}-key-alias",
            name=args.key_alias,
            target_key_id=key.id,
            opts=self._options(),
        )
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=args.bucket,
            tags=dict(args.tags),
            opts=self._options(),
        )
        self._configure(bucket, key)
        self.bucket_name = bucket.bucket
        self.key_arn = key.arn
        self.backend_url = pulumi.Output.from_input(backend_url(args.bucket, region=args.region))
        self.secrets_provider = pulumi.Output.from_input(
            f"awskms://{args.key_alias}?region={args.region}"
        )
        self.register_outputs(
            {
                "bucketName": self.bucket_name,
                "keyArn": self.key_arn,
                "backendUrl": self.backend_url,
                "secretsProvider": self.secrets_provider,
            }
        )

    def _options(self, after: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            protect=True,
            retain_on_delete=True,
            depends_on=[] if after is None else [after],
        )

    def _configure(self, bucket: aws.s3.Bucket, key: aws.kms.Key) -> None:
        """Guard the bucket and keep its versions, one change after the other."""
        last = guard(
            self._name,
            bucket.bucket,
            bucket_name=self._args.bucket,
            region=self._args.region,
            kms_key_arn=key.arn,
            tls_only=True,
            options=self._options,
        )
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                status="Enabled"
            ),
            opts=self._options(last),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=bucket.bucket,
            rules=_lifecycle(),
            opts=self._options(versioning),
        )


def _lifecycle() -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """Return what S3 clears up by itself: old versions, and what a broken upload leaves."""
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs()
    return [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="expire-noncurrent-versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=(
                aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=NONCURRENT_DAYS
                )
            ),
        ),
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="abort-incomplete-uploads",
            status="Enabled",
            filter=everything,
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=1
                )
            ),
        ),
    ]
