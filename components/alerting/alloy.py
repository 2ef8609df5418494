"""Alerts on the way in: spans that arrive at Alloy and go on to Tempo."""

from collections.abc import Sequence

from ..telemetry.context import StackContext
from ..telemetry.metrics import TO_TEMPO, AlloyMetric, ClusterMetric, TempoMetric
from ..telemetry.promql import grown
from .alert import AFTER_RESTART, AFTER_SCRAPES, AT_ONCE, Alert, critical, not_written, warning


def ingestion(context: StackContext) -> list[Alert]:
    """Return the alerts on the whole way in, seen from outside."""
    # Spans that leave the filter of health checks, including those that a full queue refuses.
    wanted = context.alloy(
        AlloyMetric.ITEMS_PROCESSED,
        component_path='="/drop_noise.default"',
        otel_signal='="traces"',
    )
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    up = context.alloy(ClusterMetric.UP)
    # Samplers may drop everything on purpose.
    kept = context.sampler(AlloyMetric.TRACES_DECIDED, decision='="sampled"')
    sent, things = (kept, "traces") if context.decides else (wanted, "spans")
    return [
        critical(
            "TracingIngestionStopped",
            AFTER_RESTART,
            f"sum(rate({sent}[3m])) > 0 unless sum(rate({received}[3m])) > 0",
            "Tempo ingests no spans",
            f"Alloy has {{{{ $value | humanize }}}} {things} per second for Tempo, but Tempo has "
            f"ingested none for 3 minutes. {context.queue_lasts} After that, spans are refused and "
            "lost.",
        ),
        warning(
            "TracingNoSpansArriving",
            30,
            # Quiet hours are normal: this compares with yesterday, and with the same weekday if
            # there was a last week. If Alloy isn't scraped, AlloyDown fires instead.
            f"(sum(increase({wanted}[30m])) or 0 * count({up} == 1)) == 0"
            f" and sum(increase({wanted}[30m] offset 1d)) > 0"
            f" unless sum(increase({wanted}[30m] offset 1w)) == 0",
            "No service sends spans",
            "{{ $value | humanize }} spans arrived at Alloy in the last 30 minutes. At this time "
            "yesterday there were some.",
        ),
    ]


def alloy(context: StackContext) -> list[Alert]:
    """Return the alerts on Alloy itself."""
    accepted = context.collectors(AlloyMetric.SPANS_ACCEPTED)
    refused = context.collectors(AlloyMetric.SPANS_REFUSED)
    broken = context.collectors(AlloyMetric.COMPONENTS, health_type='!="healthy"')
    alerts = [
        critical(
            "AlloyDown",
            AFTER_SCRAPES,
            f"(count({context.alloy(ClusterMetric.UP)} == 1) or vector(0)) == 0",
            "No Alloy pod is running",
            "{{ $value }} pods of Alloy answer the scrape. Services can't send spans and drop them "
            "within seconds.",
        ),
        critical(
            "AlloyRefusesSpans",
            AT_ONCE,
            f"sum(rate({refused}[5m]))"
            f" / (sum(rate({accepted}[5m])) + sum(rate({refused}[5m]))) > 0.01",
            "Alloy refuses spans",
            "Alloy refuses {{ $value | humanizePercentage }} of the spans that it receives. "
            "Senders retry for some seconds and then drop them.",
        ),
        *_queue(context),
        *_restarts(context),
        critical(
            "AlloyLosesSpans",
            AT_ONCE,
            _lost(context, [AlloyMetric.SPANS_LOST, AlloyMetric.SPANS_NOT_QUEUED]),
            "Alloy loses spans",
            "Alloy dropped {{ $value | humanize }} spans within 5 minutes: Tempo rejects them, or "
            f"has not answered for {context.retry_minutes} minutes.",
        ),
    ]
    if context.logs_uid:
        alerts.append(
            warning(
                "AlloyLosesLogs",
                AT_ONCE,
                _lost(context, [AlloyMetric.LOGS_LOST]),
                "Alloy loses logs",
                "Alloy dropped {{ $value | humanize }} log records within 5 minutes: the logs "
                f"backend rejects them, or has not answered for {context.retry_minutes} minutes.",
            )
        )
    if context.metrics_uid:
        alerts.append(
            not_written(
                "Alloy",
                context.collectors,
                "Metrics that services send by OTLP are missing, and lost after an hour.",
            )
        )
    return [
        *alerts,
        warning(
            "AlloyConfigNotLoaded",
            AFTER_RESTART,
            # Alloy calls a configuration loaded as soon as its text can be parsed, whatever its
            # components say of it.
            f"count({context.collectors(AlloyMetric.CONFIG_LOADED)} == 0"
            f" or sum without (health_type, controller_id, controller_path) ({broken}) > 0) > 0",
            "Alloy does not run its whole configuration",
            "{{ $value }} pods of Alloy run with an old configuration, or without some of its "
            "components.",
        ),
    ]


def _queue(context: StackContext) -> list[Alert]:
    """Return the alerts on queues that fill up; the one of spans pages before it is full."""
    size = context.collectors(AlloyMetric.QUEUE_SIZE)
    capacity = context.collectors(AlloyMetric.QUEUE_CAPACITY)
    spans = context.collectors(AlloyMetric.QUEUE_SIZE, component_path=TO_TEMPO)
    held = context.collectors(AlloyMetric.QUEUE_CAPACITY, component_path=TO_TEMPO)
    return [
        warning(
            "AlloyQueueFilling",
            AT_ONCE,
            f"max by (component_path) ({size} / {capacity}) > 0.5",
            "Alloy's queue fills up",
            "The queue of {{ $labels.component_path }} is "
            f"{{{{ $value | humanizePercentage }}}} full. {context.queue_lasts} When it is full, "
            "Alloy refuses data.",
        ),
        critical(
            "AlloyQueueNearlyFull",
            AT_ONCE,
            f"max({spans} / {held}) > 0.8",
            "Alloy's span queue is nearly full",
            "The span queue is {{ $value | humanizePercentage }} full. "
            f"{context.queue_lasts} When it is full, Alloy refuses spans.",
        ),
    ]


def _restarts(context: StackContext) -> list[Alert]:
    """Return the alerts on containers that restart within their pod, which a rollout never does."""
    restarts = f"changes({context.collectors(AlloyMetric.STARTED)}[10m])"
    size = context.collectors(AlloyMetric.QUEUE_SIZE, component_path=TO_TEMPO)
    capacity = context.collectors(AlloyMetric.QUEUE_CAPACITY, component_path=TO_TEMPO)
    waiting = f"max_over_time({size}[10m]) / {capacity} > 0.1"
    kept = "The queue is on a volume and stays."
    lost = "Each restart loses the spans in the pod's queue, usually those of one second."
    restarted = warning(
        "AlloyRestarts",
        AT_ONCE,
        f"sum({restarts}) > 0",
        "Alloy was killed or crashed",
        "Containers of Alloy restarted {{ $value }} times in 10 minutes. "
        f"{kept if context.queue_on_volume else lost}",
    )
    if context.queue_on_volume:
        return [restarted]
    return [
        restarted,
        critical(
            "AlloyLosesQueue",
            AT_ONCE,
            f"max({waiting} and on (pod) {restarts} > 0) > 0",
            "Alloy was killed with spans in its queue",
            "A container of Alloy restarted while its queue was "
            "{{ $value | humanizePercentage }} full. These spans are lost.",
        ),
    ]


def _lost(context: StackContext, metrics: Sequence[AlloyMetric]) -> str:
    up = context.collectors(ClusterMetric.UP)
    return " or ".join(grown(context.collectors(metric), up) for metric in metrics)
