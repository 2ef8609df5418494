"""What S3 clears up by itself in the trace bucket."""

import math

import pulumi_aws as aws

#: Days that objects stay after Tempo should have deleted them. Tempo deletes a block at the first
#: poll (5 m) after its retention and its compacted_block_retention (1 h); a week leaves time to
#: repair a compactor that stands still, and to read what it should have deleted.
BACKSTOP_DAYS = 7


def expiry_days(retention_hours: int) -> int:
    """Return after how many days S3 deletes an object that Tempo should have deleted.

    S3 counts whole days, so that hours are rounded up: an object always outlives its retention.

    Args:
        retention_hours: hours that Tempo keeps traces.
    """
    return math.ceil(retention_hours / 24) + BACKSTOP_DAYS


def rules(retention_hours: int) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """Return the lifecycle rules of the trace bucket.

    They hold for all objects, because nothing but blocks and their indexes lives in the bucket, and
    Tempo writes an index anew every few minutes.

    Args:
        retention_hours: hours that Tempo keeps traces.
    """
    all_objects = aws.s3.BucketLifecycleConfigurationRuleFilterArgs()
    return [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            # A Tempo that dies in an upload leaves parts that no list shows and that are billed.
            id="abort-incomplete-uploads",
            status="Enabled",
            filter=all_objects,
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=1
                )
            ),
        ),
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            # The bucket keeps no versions; this holds where someone turns them on.
            id="expire-noncurrent-versions",
            status="Enabled",
            filter=all_objects,
            noncurrent_version_expiration=(
                aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=1
                )
            ),
        ),
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="expire-after-retention",
            status="Enabled",
            filter=all_objects,
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
                days=expiry_days(retention_hours)
            ),
        ),
    ]
