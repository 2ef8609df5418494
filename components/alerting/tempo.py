"""Alerts on Tempo: is it there, does it let spans in, does it answer."""

from ..telemetry.metrics import ClusterMetric, TempoMetric
from ..tempo.settings import TempoMode
from .alert import (
    AFTER_RESTART,
    AFTER_ROLLOUT,
    AFTER_ROLLOUT_AND_WINDOW,
    AT_ONCE,
    Alert,
    Severity,
)
from .context import AlertContext, grown


def tempo(context: AlertContext) -> list[Alert]:
    """Return the alerts on Tempo in the mode that is deployed."""
    up = context.tempo(ClusterMetric.UP)
    lost = grown(context.tempo(TempoMetric.SPANS_DISCARDED), up, by="reason")
    received = context.tempo(TempoMetric.SPANS_RECEIVED)
    query = {"route": '=~"api_.+"'}
    asked = context.tempo_count(TempoMetric.REQUESTS, "rate 5m", **query)
    failed = context.tempo_count(TempoMetric.REQUESTS, "rate 5m", **query, status_code='=~"5.."')
    loaded = context.tempo(TempoMetric.CONFIG_LOADED)
    free = context.volumes(ClusterMetric.VOLUME_AVAILABLE)
    space = context.volumes(ClusterMetric.VOLUME_CAPACITY)
    return [
        _down(context),
        *([_ring(context)] if context.mode is TempoMode.DISTRIBUTED else []),
        Alert(
            name="TempoDiscardsSpans",
            severity=Severity.CRITICAL,
            minutes=AT_ONCE,
            # Where a limit lets nothing in there is no series of what came in.
            expr=f"{lost} / on () group_left () "
            f"(sum(increase({received}[5m])) or vector(0)) > 0.01",
            summary="Tempo discards spans: {{ $labels.reason }}",
            description="For each span that it keeps, Tempo discards {{ $value | humanize }} with "
            "reason {{ $labels.reason }}. Traces are incomplete or missing.",
        ),
        Alert(
            name="TempoQueriesFailing",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT_AND_WINDOW,
            expr=f"{failed} / {asked} > 0.05",
            summary="Queries for traces fail",
            description="{{ $value | humanizePercentage }} of the queries to Tempo fail.",
        ),
        Alert(
            name="TempoConfigNotLoaded",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT,
            expr=f"count({loaded} == 0) > 0",
            summary="Tempo runs with old overrides",
            description="{{ $value }} pods of Tempo could not load the overrides and run on with "
            "those before.",
        ),
        Alert(
            name="TempoVolumeFilling",
            severity=Severity.WARNING,
            minutes=30,
            expr=f"min by (persistentvolumeclaim) ({free} / {space}) < 0.15",
            summary="A volume of Tempo fills up",
            description="Volume {{ $labels.persistentvolumeclaim }} has "
            "{{ $value | humanizePercentage }} of its space left. When it is full, Tempo takes in "
            "no spans.",
        ),
    ]


def _down(context: AlertContext) -> Alert:
    """Return the alert on a part of Tempo with no pod; monolithic is one part.

    Each part is named, so that one that is not scraped at all is found missing as well.
    """
    running = f"count by (job) ({context.tempo(ClusterMetric.UP)} == 1)"
    none = [f'label_replace(vector(0), "job", "{job}", "", "")' for job in context.tempo_jobs]
    return Alert(
        name="TempoDown",
        severity=Severity.CRITICAL,
        minutes=AFTER_RESTART,
        expr=f"({' or '.join([running, *none])}) == 0",
        summary="Tempo is down: {{ $labels.job }}",
        description="{{ $value }} pods of {{ $labels.job }} answer the scrape. Queries fail, or "
        f"spans wait in Alloy. {context.queue_lasts} Then spans are lost.",
    )


def _ring(context: AlertContext) -> Alert:
    members = context.tempo(TempoMetric.RING_MEMBERS, state='="Unhealthy"')
    return Alert(
        name="TempoRingUnhealthy",
        severity=Severity.WARNING,
        minutes=AFTER_ROLLOUT,
        expr=f"max by (name) ({members}) > 0",
        summary="Tempo misses members of a ring",
        description="{{ $value }} members of the ring of {{ $labels.name }}s do not answer the "
        "others. With two ingesters missing, spans are refused.",
    )
