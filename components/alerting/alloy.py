"""Alerts on the way in: spans that arrive at Alloy and go on to Tempo."""

from collections.abc import Sequence

from ..core.names import OTLP_RETRY_MINUTES
from ..telemetry.metrics import AlloyMetric, ClusterMetric, TempoMetric
from .alert import AFTER_RESTART, AFTER_SCRAPES, AT_ONCE, Alert, Severity
from .context import AlertContext, grown
from .metrics import not_written

#: The exporter of spans, as Alloy names it in `component_path`.
_SPANS = '="/send_to_tempo.default"'


def ingestion(context: AlertContext) -> list[Alert]:
    """Return the alerts on the whole way, looked at from outside."""
    # What leaves the filter, health checks taken out: it counts also what a full queue refuses.
    wanted = context.alloy(
        AlloyMetric.ITEMS_PROCESSED,
        component_path='="/drop_noise.default"',
        otel_signal='="traces"',
    )
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    up = context.alloy(ClusterMetric.UP)
    return [
        Alert(
            name="TracingIngestionStopped",
            severity=Severity.CRITICAL,
            minutes=AFTER_RESTART,
            expr=f"sum(rate({wanted}[3m])) > 0 unless sum(rate({received}[3m])) > 0",
            summary="Tempo ingests no spans",
            description="Alloy has {{ $value | humanize }} spans per second for Tempo, and Tempo "
            f"has ingested none for 3 minutes. {context.queue_lasts} Then spans are refused and "
            "lost.",
        ),
        Alert(
            name="TracingNoSpansArriving",
            severity=Severity.WARNING,
            minutes=30,
            # Quiet hours are no news: it compares with yesterday, and with the same weekday where
            # there is a last week. Where Alloy isn't scraped, AlloyDown fires instead.
            expr=f"(sum(increase({wanted}[30m])) or 0 * count({up} == 1)) == 0"
            f" and sum(increase({wanted}[30m] offset 1d)) > 0"
            f" unless sum(increase({wanted}[30m] offset 1w)) == 0",
            summary="No service sends spans",
            description="{{ $value | humanize }} spans have arrived at Alloy within 30 minutes; "
            "at this time yesterday there were some.",
        ),
    ]


def alloy(context: AlertContext) -> list[Alert]:
    """Return the alerts on Alloy itself."""
    up = context.alloy(ClusterMetric.UP)
    accepted = context.alloy(AlloyMetric.SPANS_ACCEPTED)
    refused = context.alloy(AlloyMetric.SPANS_REFUSED)
    loaded = context.alloy(AlloyMetric.CONFIG_LOADED)
    return [
        Alert(
            name="AlloyDown",
            severity=Severity.CRITICAL,
            minutes=AFTER_SCRAPES,
            expr=f"(count({up} == 1) or vector(0)) == 0",
            summary="No Alloy runs",
            description="{{ $value }} pods of Alloy answer the scrape. Services can't send spans "
            "and drop them within seconds.",
        ),
        Alert(
            name="AlloyRefusesSpans",
            severity=Severity.CRITICAL,
            minutes=AT_ONCE,
            expr=f"sum(rate({refused}[5m]))"
            f" / (sum(rate({accepted}[5m])) + sum(rate({refused}[5m]))) > 0.01",
            summary="Alloy refuses spans",
            description="Alloy refuses {{ $value | humanizePercentage }} of the spans that it "
            "receives. Senders retry for some seconds and then drop them.",
        ),
        *_queue(context),
        *_restarts(context),
        _lost(
            context,
            "Spans",
            [AlloyMetric.SPANS_LOST, AlloyMetric.SPANS_NOT_QUEUED],
            Severity.CRITICAL,
        ),
        *(
            [_lost(context, "Logs", [AlloyMetric.LOGS_LOST], Severity.WARNING)]
            if context.logs
            else []
        ),
        *([_metrics_not_written(context)] if context.metrics else []),
        Alert(
            name="AlloyConfigNotLoaded",
            severity=Severity.WARNING,
            minutes=AFTER_RESTART,
            expr=f"count({loaded} == 0) > 0",
            summary="Alloy runs with an old configuration",
            description="{{ $value }} pods of Alloy could not load the configuration and run on "
            "with the one before.",
        ),
    ]


def _queue(context: AlertContext) -> list[Alert]:
    """Return the alerts on queues that fill up; the one of spans pages before it is full."""
    size = context.alloy(AlloyMetric.QUEUE_SIZE)
    capacity = context.alloy(AlloyMetric.QUEUE_CAPACITY)
    spans = context.alloy(AlloyMetric.QUEUE_SIZE, component_path=_SPANS)
    held = context.alloy(AlloyMetric.QUEUE_CAPACITY, component_path=_SPANS)
    return [
        Alert(
            name="AlloyQueueFilling",
            severity=Severity.WARNING,
            minutes=AT_ONCE,
            expr=f"max by (component_path) ({size} / {capacity}) > 0.5",
            summary="Alloy's queue fills up",
            description="The queue of {{ $labels.component_path }} is "
            f"{{{{ $value | humanizePercentage }}}} full. {context.queue_lasts} When it is full, "
            "Alloy refuses data.",
        ),
        Alert(
            name="AlloyQueueNearlyFull",
            severity=Severity.CRITICAL,
            minutes=AT_ONCE,
            expr=f"max({spans} / {held}) > 0.8",
            summary="Alloy's queue of spans is nearly full",
            description="The queue of spans is {{ $value | humanizePercentage }} full. "
            f"{context.queue_lasts} When it is full, Alloy refuses spans.",
        ),
    ]


def _restarts(context: AlertContext) -> list[Alert]:
    """Return the alerts on containers that restart in their pod, which a rollout never does."""
    restarts = f"changes({context.alloy(AlloyMetric.STARTED)}[10m])"
    size = context.alloy(AlloyMetric.QUEUE_SIZE, component_path=_SPANS)
    capacity = context.alloy(AlloyMetric.QUEUE_CAPACITY, component_path=_SPANS)
    waiting = f"max_over_time({size}[10m]) / {capacity} > 0.1"
    return [
        Alert(
            name="AlloyRestarts",
            severity=Severity.WARNING,
            minutes=AT_ONCE,
            expr=f"sum({restarts}) > 0",
            summary="Alloy was killed or crashed",
            description="Containers of Alloy restarted {{ $value }} times in 10 minutes. Each time "
            "the spans in the pod's queue are lost, usually those of a second.",
        ),
        Alert(
            name="AlloyLosesQueue",
            severity=Severity.CRITICAL,
            minutes=AT_ONCE,
            expr=f"max({waiting} and on (pod) {restarts} > 0) > 0",
            summary="Alloy was killed with spans in its queue",
            description="A container of Alloy restarted while its queue was "
            "{{ $value | humanizePercentage }} full. These spans are lost.",
        ),
    ]


def _lost(
    context: AlertContext, what: str, metrics: Sequence[AlloyMetric], severity: Severity
) -> Alert:
    """Return the alert on what an exporter dropped."""
    up = context.alloy(ClusterMetric.UP)
    lost = " or ".join(grown(context.alloy(metric), up) for metric in metrics)
    return Alert(
        name=f"AlloyLoses{what}",
        severity=severity,
        minutes=AT_ONCE,
        expr=lost,
        summary=f"Alloy loses {what.lower()}",
        description="Alloy dropped {{ $value | humanize }} "
        f"{'spans' if what == 'Spans' else 'log records'} within 5 minutes: the backend refuses "
        f"them, or hasn't answered for {OTLP_RETRY_MINUTES} minutes.",
    )


def _metrics_not_written(context: AlertContext) -> Alert:
    return not_written(
        "Alloy",
        context.alloy,
        "Metrics that services send by OTLP are missing meanwhile, and lost after an hour.",
    )
