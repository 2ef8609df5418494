"""Alerts on the bucket and on the blocks that Tempo writes, merges and deletes in it."""

from ..telemetry.metrics import TempoMetric
from .alert import (
    AFTER_RESTART,
    AFTER_RETRIES,
    AFTER_ROLLOUT_AND_WINDOW,
    Alert,
    Severity,
)
from .context import AlertContext

#: Blocks of one tenant that wait to be merged at one compactor; our choice. After a burst there may
#: be as many for an hour or two, not for six.
_OUTSTANDING = 200


def bucket(context: AlertContext) -> list[Alert]:
    """Return the alerts on S3 and on Tempo's identity there."""
    requests = TempoMetric.STORAGE_REQUESTS
    answered = context.tempo_count(requests, "rate 15m")
    all_ = context.tempo_count(requests, "rate 5m")
    failed = context.tempo_count(requests, "rate 5m", status_code='=~"429|5.."')
    # 400 is what S3 answers to an expired token. 404 is an ordinary answer.
    denied = context.tempo_count(
        requests, "increase 10m", by="status_code", status_code='=~"400|401|403"'
    )
    not_listed = context.tempo(TempoMetric.POLL_ERRORS)
    return [
        Alert(
            name="TempoStorageErrors",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT_AND_WINDOW,
            expr=f"{failed} / {all_} > 0.05",
            summary="S3 answers Tempo with errors",
            description="{{ $value | humanizePercentage }} of Tempo's requests to the bucket fail "
            "on S3's side or are throttled.",
        ),
        Alert(
            name="TempoStorageAccessDenied",
            severity=Severity.CRITICAL,
            minutes=AFTER_RESTART,
            expr=f"{denied} > 0",
            summary="S3 denies Tempo access",
            description="Within 10 minutes S3 answered {{ $value | humanize }} requests with "
            "status {{ $labels.status_code }}: look at Tempo's role and rights on bucket and key.",
        ),
        Alert(
            name="TempoStorageUnreachable",
            severity=Severity.CRITICAL,
            minutes=AFTER_RETRIES,
            # Tempo lists the bucket every five minutes, traffic or not. That this fails is proof;
            # no request that is counted could also be a series that is not scraped.
            expr=f"sum(increase({not_listed}[30m])) > 0 unless {answered} > 0",
            summary="Tempo does not reach S3",
            description="Tempo failed to list the bucket {{ $value | humanize }} times in 30 "
            "minutes, and S3 has answered no request for 15 minutes: no route, no valid "
            "certificate, or no credentials.",
        ),
    ]


def blocks(context: AlertContext) -> list[Alert]:
    """Return the alerts on writing, merging and deleting blocks."""
    flushed = context.tempo(TempoMetric.BLOCKS_FLUSHED)
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    not_flushed = context.tempo(TempoMetric.FAILED_FLUSHES)
    not_polled = context.tempo(TempoMetric.POLL_ERRORS)
    return [
        Alert(
            name="TempoFlushFailing",
            severity=Severity.CRITICAL,
            minutes=AFTER_RETRIES,
            expr=f"sum(increase({not_flushed}[10m])) > 0",
            summary="Tempo cannot write blocks to the bucket",
            description="Writing blocks failed {{ $value | humanize }} times within 10 minutes. "
            "Traces pile up on the volumes.",
        ),
        Alert(
            name="TempoNotFlushing",
            severity=Severity.CRITICAL,
            # An ingester cuts a block after half an hour: twice that without one is no chance.
            minutes=60,
            expr=f"sum(increase({flushed}[1h])) == 0 and sum(increase({received}[1h])) > 0",
            summary="Tempo writes no blocks to the bucket",
            description="Spans come in, and {{ $value }} blocks have been written to the bucket "
            "within an hour. Recent traces lie on the volumes alone.",
        ),
        Alert(
            name="TempoBlocklistStale",
            severity=Severity.WARNING,
            minutes=30,
            expr=f"sum(increase({not_polled}[15m])) > 0",
            summary="Tempo does not see new blocks",
            description="Listing the bucket failed {{ $value | humanize }} times within 15 "
            "minutes. Queries miss what was written since.",
        ),
        *_upkeep(context),
    ]


def _upkeep(context: AlertContext) -> list[Alert]:
    outstanding = context.tempo(TempoMetric.COMPACTION_OUTSTANDING)
    not_merged = context.tempo(TempoMetric.COMPACTION_ERRORS)
    rounds = context.tempo_count(TempoMetric.RETENTION_RUNS, "increase 1h")
    found = context.tempo(TempoMetric.BLOCKS)
    not_deleted = context.tempo(TempoMetric.RETENTION_ERRORS)
    return [
        Alert(
            name="TempoCompactionBehind",
            severity=Severity.WARNING,
            minutes=6 * 60,
            # A restart must not begin the six hours anew: the gap is looked over.
            expr=f"max by (tenant) (max_over_time({outstanding}[30m])) > {_OUTSTANDING}",
            summary="Compaction falls behind",
            description="{{ $value }} blocks wait to be merged. Queries get slower with each.",
        ),
        Alert(
            name="TempoCompactionFailing",
            severity=Severity.WARNING,
            minutes=60,
            expr=f"sum(increase({not_merged}[1h])) > 3",
            summary="Compaction fails",
            description="Merging blocks failed {{ $value | humanize }} times within an hour.",
        ),
        Alert(
            name="TempoRetentionNotApplied",
            severity=Severity.WARNING,
            minutes=60,
            # A round is due every five minutes for each tenant that has blocks.
            expr=f"{rounds} == 0 and sum({found}) > 0 or sum(increase({not_deleted}[1h])) > 3",
            summary="Old traces are not deleted",
            description="Tempo has not looked for blocks past retention for an hour, or could not "
            "delete them ({{ $value | humanize }} failures). They cost storage until the bucket's "
            "own expiry takes them.",
        ),
    ]
