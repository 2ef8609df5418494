"""StateBackend: the S3 bucket and the KMS key for an environment's Pulumi state."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.core.outputs import register
from components.storage import lifecycle
from components.storage.guards import bucket_key, guard

#: Days that overwritten and deleted versions are kept, to restore a damaged state.
NONCURRENT_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class StateBackendArgs:
    """Arguments of StateBackend."""

    bucket: str
    """Name of the bucket."""
    key_alias: str
    """Alias of the key, `alias/...`."""
    region: str
    """AWS region of bucket and key."""
    account_id: str
    """AWS account of bucket and key, 12 digits."""
    tags: Mapping[str, str]
    """Tags of bucket and key."""


def backend_url(bucket: str, *, region: str) -> str:
    """Return the URL of a Pulumi backend in a bucket."""
    return f"s3://{bucket}?region={region}"


class StateBackend(pulumi.ComponentResource):
    """The bucket that holds Pulumi's state, and the key of the bucket and of secrets in the state.

    Both are protected and stay in AWS when the stack is removed: without the state, Pulumi can't
    manage the environment's resources, and without the key the state can't be read.
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
        key = bucket_key(
            f"{name}-key",
            alias=args.key_alias,
            description=f"Pulumi state in S3 bucket {args.bucket}, and secrets in it",
            region=args.region,
            account_id=args.account_id,
            tags=args.tags,
            opts=self._options(),
        )
        bucket = aws.s3.Bucket(
            f"{name}-bucket", bucket=args.bucket, tags=dict(args.tags), opts=self._options()
        )
        self._configure(bucket, key)
        self.bucket_name = bucket.bucket
        self.key_arn = key.arn
        self.backend_url = pulumi.Output.from_input(backend_url(args.bucket, region=args.region))
        self.secrets_provider = pulumi.Output.from_input(
            f"awskms://{args.key_alias}?region={args.region}"
        )
        register(self)

    def _options(self, after: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            protect=True,
            retain_on_delete=True,
            depends_on=[] if after is None else [after],
        )

    def _configure(self, bucket: aws.s3.Bucket, key: aws.kms.Key) -> None:
        """Harden the bucket and keep its versions, one change after the other."""
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
            versioning_configuration={"status": "Enabled"},
            opts=self._options(last),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                lifecycle.expire_noncurrent_versions(days=NONCURRENT_DAYS),
                lifecycle.abort_incomplete_uploads(),
            ],
            opts=self._options(versioning),
        )
