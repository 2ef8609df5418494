"""Alerts on Tempo: whether it runs, ingests, answers, stores blocks and makes span metrics."""

from ..telemetry.context import StackContext
from ..telemetry.metrics import (
    QUERY_ROUTES,
    RATE_LIMITED,
    ClusterMetric,
    TempoKafkaMetric,
    TempoMetric,
)
from ..telemetry.promql import grown, quoted
from ..tempo.settings import TempoMode
from .alert import (
    AFTER_RESTART,
    AFTER_RETRIES,
    AFTER_ROLLOUT,
    AFTER_ROLLOUT_AND_WINDOW,
    AT_ONCE,
    Alert,
    critical,
    not_written,
    warning,
)

#: Age of the oldest spans in Kafka that a consumer has not processed, in seconds; our choice. The
#: block builder's is five to ten minutes.
_BEHIND_SECONDS = 15 * 60
#: Blocks of one tenant that wait to be merged at one compactor; our choice. After a burst there may
#: be as many for an hour or two, not for six.
_OUTSTANDING = 200


def tempo(context: StackContext) -> list[Alert]:
    """Return the alerts on Tempo's pods, its ingestion and its queries."""
    up = context.tempo(ClusterMetric.UP)
    lost = grown(context.tempo_lost(), up, by=["reason"])
    limited = context.tempo(TempoMetric.SPANS_DISCARDED, reason=f"={quoted(RATE_LIMITED)}")
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    query = {"route": f'=~"{QUERY_ROUTES}"'}
    asked = context.tempo_count(TempoMetric.REQUESTS, "rate 5m", **query)
    failed = context.tempo_count(TempoMetric.REQUESTS, "rate 5m", **query, status_code='=~"5.."')
    cut = context.tempo(TempoMetric.ATTRIBUTES_CUT)
    free = context.volumes(ClusterMetric.VOLUME_AVAILABLE)
    space = context.volumes(ClusterMetric.VOLUME_CAPACITY)
    return [
        _down(context),
        *([_ring(context)] if context.mode is TempoMode.DISTRIBUTED else []),
        critical(
            "TempoDiscardsSpans",
            AT_ONCE,
            # If a limit rejects everything, there is no series of received spans.
            f"{lost} / on () group_left () (sum(increase({received}[5m])) or vector(0)) > 0.01",
            "Tempo discards spans: {{ $labels.reason }}",
            "For each span that it keeps, Tempo discards {{ $value | humanize }} with "
            "reason {{ $labels.reason }}. Traces are incomplete or missing.",
        ),
        warning(
            "TempoRateLimitExceeded",
            # What an outage left in Alloy's queue arrives within this time.
            AFTER_ROLLOUT_AND_WINDOW,
            f"sum(rate({limited}[5m])) > 0",
            "More spans arrive than Tempo's rate limit allows",
            "Tempo refuses {{ $value | humanize }} spans per second because they exceed "
            "tempo.limits.rateLimitMib. Alloy sends them again. Spans are lost when its queue is "
            "full.",
        ),
        warning(
            "TempoAttributesTruncated",
            AFTER_ROLLOUT_AND_WINDOW,
            f"sum(rate({cut}[5m])) / sum(rate({received}[5m])) > 0.01",
            "Tempo truncates attributes",
            "For each span that it ingests, Tempo truncates {{ $value | humanize }} attributes to "
            f"{context.limits.max_attribute_bytes} bytes. Their ends are lost, and searches don't "
            "find them.",
        ),
        warning(
            "TempoQueriesFailing",
            AFTER_ROLLOUT_AND_WINDOW,
            f"{failed} / {asked} > 0.05",
            "Trace queries fail",
            "{{ $value | humanizePercentage }} of the queries to Tempo fail.",
        ),
        warning(
            "TempoConfigNotLoaded",
            AFTER_ROLLOUT,
            f"count({context.tempo(TempoMetric.CONFIG_LOADED)} == 0) > 0",
            "Tempo runs with old overrides",
            "{{ $value }} pods of Tempo could not load the overrides and keep the previous ones.",
        ),
        warning(
            "TempoVolumeFilling",
            30,
            f"min by (persistentvolumeclaim) ({free} / {space}) < 0.15",
            "A volume of Tempo fills up",
            "Volume {{ $labels.persistentvolumeclaim }} has "
            "{{ $value | humanizePercentage }} of its space left. When it is full, Tempo ingests "
            "no spans.",
        ),
    ]


def _down(context: StackContext) -> Alert:
    """Return the alert on a part of Tempo without a pod; a monolithic Tempo is one part.

    Each part is named, so that the alert also covers one that is not scraped at all.
    """
    running = f"count by (job) ({context.tempo(ClusterMetric.UP)} == 1)"
    none = [f'label_replace(vector(0), "job", "{job}", "", "")' for job in context.tempo_jobs]
    return critical(
        "TempoDown",
        AFTER_RESTART,
        f"({' or '.join([running, *none])}) == 0",
        "Tempo is down: {{ $labels.job }}",
        "{{ $value }} pods of {{ $labels.job }} answer the scrape. Queries fail, or spans wait in "
        f"Alloy. {context.queue_lasts} After that, spans are lost.",
    )


def _ring(context: StackContext) -> Alert:
    members = context.tempo(TempoMetric.RING_MEMBERS, state='="Unhealthy"')
    if context.kafka:
        follows = "Queries fail or miss recent spans while a live store is missing."
    else:
        missing = "two ingesters are" if context.spare_ingesters else "one ingester is"
        follows = f"If {missing} missing, Tempo refuses spans."
    return warning(
        "TempoRingUnhealthy",
        AFTER_ROLLOUT,
        f"max by (name) ({members}) > 0",
        "Members of a Tempo ring are unhealthy",
        "{{ $value }} members of the {{ $labels.name }} ring do not answer the others. "
        f"{follows}",
    )


def bucket(context: StackContext) -> list[Alert]:
    """Return the alerts on S3 and on Tempo's identity there."""
    requests = TempoMetric.STORAGE_REQUESTS
    answered = context.tempo_count(requests, "rate 15m")
    all_ = context.tempo_count(requests, "rate 5m")
    failed = context.tempo_count(requests, "rate 5m", status_code='=~"429|5.."')
    # S3 answers 400 to an expired token. 404 is an ordinary answer.
    denied = context.tempo_count(
        requests, "increase 10m", by="status_code", status_code='=~"400|401|403"'
    )
    not_listed = context.tempo(TempoMetric.POLL_ERRORS)
    return [
        warning(
            "TempoStorageErrors",
            AFTER_ROLLOUT_AND_WINDOW,
            f"{failed} / {all_} > 0.05",
            "S3 answers Tempo with errors",
            "{{ $value | humanizePercentage }} of Tempo's requests to the bucket fail on S3's side "
            "or are throttled.",
        ),
        critical(
            "TempoStorageAccessDenied",
            AFTER_RESTART,
            f"{denied} > 0",
            "S3 denies Tempo access",
            "S3 answered {{ $value | humanize }} requests with status {{ $labels.status_code }} "
            "within 10 minutes. Check Tempo's role and its permissions on bucket and key.",
        ),
        critical(
            "TempoStorageUnreachable",
            AFTER_RETRIES,
            # Tempo lists the bucket every five minutes, with or without traffic: a failure is
            # proof. A missing count of requests could also be a series that is not scraped.
            f"sum(increase({not_listed}[30m])) > 0 unless {answered} > 0",
            "Tempo cannot reach S3",
            "Tempo failed to list the bucket {{ $value | humanize }} times in 30 "
            "minutes, and S3 has answered no request for 15 minutes: no route, no valid "
            "certificate, or no credentials.",
        ),
    ]


def blocks(context: StackContext) -> list[Alert]:
    """Return the alerts on writing, merging and deleting blocks."""
    flushed = context.tempo(TempoMetric.BLOCKS_FLUSHED)
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    outstanding = context.tempo(TempoMetric.COMPACTION_OUTSTANDING)
    # Tempo 2 checks every five minutes, Tempo 3 once an hour for each tenant.
    hours = 1 if context.version == 2 else 3
    rounds = context.tempo_count(TempoMetric.RETENTION_RUNS, f"increase {hours}h")
    found = context.tempo(TempoMetric.BLOCKS)
    not_deleted = context.tempo(TempoMetric.RETENTION_ERRORS)
    # Twice the time in which an ingester writes a block: without one in it, there is a fault.
    due = max(60, 2 * context.block_minutes)
    window = f"{due // 60}h" if due % 60 == 0 else f"{due}m"
    where = "in Kafka" if context.kafka else "on the volumes"
    return [
        *(_kafka(context) if context.kafka else [_flush_failing(context)]),
        critical(
            "TempoNotFlushing",
            due,
            f"sum(increase({flushed}[{window}])) == 0 and sum(increase({received}[{window}])) > 0",
            "Tempo writes no blocks to the bucket",
            "Tempo ingests spans but wrote {{ $value }} blocks to the bucket in "
            f"{due} minutes. Recent traces exist {where} only.",
        ),
        warning(
            "TempoBlocklistStale",
            30,
            f"sum(increase({context.tempo(TempoMetric.POLL_ERRORS)}[15m])) > 0",
            "Tempo does not find new blocks",
            "Listing the bucket failed {{ $value | humanize }} times within 15 "
            "minutes. Queries miss the blocks written since then.",
        ),
        warning(
            "TempoCompactionBehind",
            6 * 60,
            # The window bridges the gap of a restart, which must not begin the six hours again.
            f"max by (tenant) (max_over_time({outstanding}[30m])) > {_OUTSTANDING}",
            "Compaction falls behind",
            "{{ $value }} blocks wait to be merged. Each one makes queries slower.",
        ),
        warning(
            "TempoCompactionFailing",
            60,
            f"sum(increase({context.tempo(TempoMetric.COMPACTION_ERRORS)}[1h])) > 3",
            "Compaction fails",
            "Merging blocks failed {{ $value | humanize }} times within an hour.",
        ),
        warning(
            "TempoRetentionNotApplied",
            60,
            f"{rounds} == 0 and sum({found}) > 0 or sum(increase({not_deleted}[1h])) > 3",
            "Old traces are not deleted",
            f"Tempo has not checked for blocks past retention for {_hours(hours)}, or could not "
            "delete them ({{ $value | humanize }} failures). They cost storage until the bucket's "
            "own lifecycle rule deletes them.",
        ),
    ]


def _flush_failing(context: StackContext) -> Alert:
    return critical(
        "TempoFlushFailing",
        AFTER_RETRIES,
        f"sum(increase({context.tempo(TempoMetric.FAILED_FLUSHES)}[10m])) > 0",
        "Tempo cannot write blocks to the bucket",
        "Writing blocks failed {{ $value | humanize }} times within 10 minutes. "
        "Traces accumulate on the volumes.",
    )


def _kafka(context: StackContext) -> list[Alert]:
    """Return the alerts on the way through Kafka."""
    lag = context.tempo(TempoKafkaMetric.LAG)
    produced = context.tempo(TempoKafkaMetric.RECORDS_PRODUCED)
    failed = context.tempo(TempoKafkaMetric.PRODUCE_FAILURES)
    return [
        critical(
            "TempoKafkaLag",
            AFTER_ROLLOUT,
            # In seconds of arriving records, because the gauge in seconds stands still with its
            # consumer. A block builder commits every five minutes.
            f"sum by (group) ({lag}) / on () group_left () sum(rate({produced}[15m]))"
            f" > {_BEHIND_SECONDS}",
            "Tempo falls behind Kafka: {{ $labels.group }}",
            "The {{ $labels.group }} has {{ $value | humanizeDuration }} of spans in Kafka to "
            "process. Spans that Kafka deletes before the block builder has read them are lost.",
        ),
        critical(
            "TempoKafkaRefusesSpans",
            AT_ONCE,
            grown(failed, context.tempo(ClusterMetric.UP)),
            "Kafka refuses spans",
            "Kafka did not take {{ $value | humanize }} records within 5 minutes. Alloy sends "
            "their spans again until its queue is full.",
        ),
    ]


def _hours(count: int) -> str:
    return "an hour" if count == 1 else f"{count} hours"


def generator(context: StackContext) -> list[Alert]:
    """Return the alerts on Tempo's metrics-generator; none if it does not run."""
    if not context.generator:
        return []
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    passed_on = context.tempo(TempoMetric.GENERATOR_SPANS)
    stopped = warning(
        "TempoGeneratorStopped",
        AFTER_RETRIES,
        f"sum(rate({received}[5m])) > 0 unless sum(rate({passed_on}[5m])) > 0",
        "No span metrics are generated",
        "Tempo ingests {{ $value | humanize }} spans per second, but its "
        "metrics-generator receives none of them.",
    )
    return [stopped, *(_span_metrics(context) if context.metrics_uid else [])]


def _span_metrics(context: StackContext) -> list[Alert]:
    passed_on = context.tempo(TempoMetric.GENERATOR_SPANS)
    active = context.tempo(TempoMetric.GENERATOR_SERIES)
    most = context.tempo(TempoMetric.GENERATOR_MAX_SERIES)
    limited = context.tempo(TempoMetric.GENERATOR_SERIES_LIMITED)
    return [
        warning(
            "TempoSeriesLimitNear",
            AFTER_ROLLOUT,
            # 0 means no limit.
            f"max by (tenant) ({active} / ({most} > 0)) > 0.8",
            "Span metrics are near their series limit",
            "A metrics-generator holds {{ $value | humanizePercentage }} of the "
            "series that it may. At the limit, new services and routes get no metrics.",
        ),
        warning(
            "TempoSeriesDropped",
            AFTER_ROLLOUT,
            f"sum by (tenant) (rate({limited}[5m])) > 0",
            "Span metrics exceed their series limit",
            "The metrics-generator rejects {{ $value | humanize }} updates of new "
            "series per second. New services and routes have no metrics.",
        ),
        warning(
            "TempoSpanMetricsIncomplete",
            AFTER_RESTART,
            # After an outage late spans arrive within a minute; the window keeps them longer.
            f"sum by (reason) (increase({context.tempo(TempoMetric.GENERATOR_DISCARDED)}[30m]))"
            f" / on () group_left () sum(increase({passed_on}[30m])) > 0.01",
            "Span metrics miss spans: {{ $labels.reason }}",
            "The metrics-generator leaves out {{ $value | humanizePercentage }} of "
            "the spans, with reason {{ $labels.reason }}. Rates, SLOs and the service graph are "
            f"too low. It leaves out spans more than {context.slack_minutes} minutes old.",
        ),
        not_written(
            "Tempo",
            context.tempo,
            "Span metrics and the service graph stand still, and so do dashboards and SLOs.",
        ),
    ]
