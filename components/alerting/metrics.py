"""Alerts on the metrics that are made of spans, and on metrics on their way to the backend."""

from collections.abc import Callable
from enum import StrEnum

from ..telemetry.metrics import RemoteWriteMetric, TempoMetric
from ..tempo.config import METRICS_SLACK_MINUTES
from .alert import (
    AFTER_RESTART,
    AFTER_RETRIES,
    AFTER_ROLLOUT,
    Alert,
    Severity,
)
from .context import AlertContext

#: Seconds that written metrics may lie behind; dashboards and SLOs are then off by as much.
_BEHIND_SECONDS = 600


def generator(context: AlertContext) -> list[Alert]:
    """Return the alerts on Tempo's metrics-generator; none where it does not run."""
    if not context.generator:
        return []
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    passed_on = context.tempo(TempoMetric.GENERATOR_SPANS)
    stopped = Alert(
        name="TempoGeneratorStopped",
        severity=Severity.WARNING,
        minutes=AFTER_RETRIES,
        expr=f"sum(rate({received}[5m])) > 0 unless sum(rate({passed_on}[5m])) > 0",
        summary="No metrics are made of spans",
        description="Tempo takes in {{ $value | humanize }} spans per second, but its "
        "metrics-generator gets none of them.",
    )
    return [stopped, *(_span_metrics(context) if context.metrics else [])]


def _span_metrics(context: AlertContext) -> list[Alert]:
    late = context.tempo(TempoMetric.GENERATOR_DISCARDED)
    passed_on = context.tempo(TempoMetric.GENERATOR_SPANS)
    active = context.tempo(TempoMetric.GENERATOR_SERIES)
    most = context.tempo(TempoMetric.GENERATOR_MAX_SERIES)
    limited = context.tempo(TempoMetric.GENERATOR_SERIES_LIMITED)
    return [
        Alert(
            name="TempoSeriesLimitNear",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT,
            # Without a limit there is nothing to be near to.
            expr=f"max by (tenant) ({active} / ({most} > 0)) > 0.8",
            summary="Span metrics come near their limit of series",
            description="A metrics-generator holds {{ $value | humanizePercentage }} of the "
            "series that it may. At the limit, new services and routes get no metrics.",
        ),
        Alert(
            name="TempoSeriesDropped",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT,
            expr=f"sum by (tenant) (rate({limited}[5m])) > 0",
            summary="Span metrics are over their limit of series",
            description="The metrics-generator turns away {{ $value | humanize }} updates of new "
            "series per second. New services and routes have no metrics.",
        ),
        Alert(
            name="TempoSpanMetricsIncomplete",
            severity=Severity.WARNING,
            minutes=AFTER_RESTART,
            # After an outage late spans come within a minute: the window shows them for longer.
            expr=f"sum by (reason) (increase({late}[30m]))"
            f" / on () group_left () sum(increase({passed_on}[30m])) > 0.01",
            summary="Span metrics miss spans: {{ $labels.reason }}",
            description="The metrics-generator leaves out {{ $value | humanizePercentage }} of "
            "the spans, with reason {{ $labels.reason }}. Rates, SLOs and the service graph are "
            f"too low. Spans more than {METRICS_SLACK_MINUTES} minutes old are left out.",
        ),
        not_written(
            "Tempo",
            context.tempo,
            "Span metrics and the service graph stand still; dashboards and SLOs do too.",
        ),
    ]


def not_written(program: str, select: Callable[[StrEnum], str], consequence: str) -> Alert:
    """Return the alert on metrics that do not reach the metrics backend.

    Args:
        program: what writes them: Alloy or Tempo.
        select: selects one of its metrics.
        consequence: what this means, in a sentence.
    """
    made = select(RemoteWriteMetric.HIGHEST)
    sent = select(RemoteWriteMetric.HIGHEST_SENT)
    return Alert(
        name=f"{program}MetricsNotWritten",
        severity=Severity.WARNING,
        minutes=AFTER_ROLLOUT,
        expr=f"max by (url) ({made} - {sent}) > {_BEHIND_SECONDS}",
        summary=f"{program} cannot write metrics",
        description="What is written to {{ $labels.url }} lies {{ $value | humanizeDuration }} "
        f"behind. {consequence}",
    )
