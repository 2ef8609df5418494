"""Lifecycle rules of the trace bucket."""

import math

import pulumi_aws as aws

#: Days from Tempo's deletion of an object to S3's. Tempo deletes a block at the first poll (5 m)
#: after retention and compacted_block_retention (1 h). A week is time to repair a compactor that
#: is down and to read what it should have deleted.
BACKSTOP_DAYS = 7

Rule = aws.s3.BucketLifecycleConfigurationRuleArgsDict


def expiry_days(retention_hours: int) -> int:
    """Return the days after which S3 deletes an object that Tempo should have deleted.

    S3 counts whole days. Hours are rounded up, so that an object always outlives its retention.
    """
    return math.ceil(retention_hours / 24) + BACKSTOP_DAYS


def rules(retention_hours: int) -> list[Rule]:
    """Return the lifecycle rules of the trace bucket.

    They apply to all objects: the bucket only holds blocks and their indexes, and Tempo rewrites an
    index every few minutes.
    """
    return [
        abort_incomplete_uploads(),
        # The bucket keeps no versions, unless someone turns versioning on.
        expire_noncurrent_versions(days=1),
        {
            **_of_all_objects("expire-after-retention"),
            "expiration": {"days": expiry_days(retention_hours)},
        },
    ]


def abort_incomplete_uploads() -> Rule:
    """Return a rule that deletes parts of interrupted uploads. They are billed but not listed."""
    rule = _of_all_objects("abort-incomplete-uploads")
    return {**rule, "abort_incomplete_multipart_upload": {"days_after_initiation": 1}}


def expire_noncurrent_versions(*, days: int) -> Rule:
    """Return a rule that deletes overwritten and deleted versions after some days."""
    rule = _of_all_objects("expire-noncurrent-versions")
    return {**rule, "noncurrent_version_expiration": {"noncurrent_days": days}}


def _of_all_objects(name: str) -> Rule:
    return {"id": name, "status": "Enabled", "filter": {}}
