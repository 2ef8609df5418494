"""Alerts on Beyla: is it on each node, does it see services, does it say so."""

from ..core.names import BEYLA_RELEASE
from ..telemetry.metrics import BeylaMetric, ClusterMetric
from .alert import (
    AFTER_ROLLOUT,
    AFTER_ROLLOUT_AND_WINDOW,
    Alert,
    Severity,
)
from .context import AlertContext


def beyla(context: AlertContext) -> list[Alert]:
    """Return the alerts on Beyla; none where it does not run."""
    if context.beyla_namespace is None:
        return []
    up = context.beyla(ClusterMetric.UP, job=f'="{BEYLA_RELEASE}"')
    its_own = {"daemonset": f'="{BEYLA_RELEASE}"'}
    desired = context.beyla(ClusterMetric.DAEMONSET_DESIRED, **its_own)
    ready = context.beyla(ClusterMetric.DAEMONSET_READY, **its_own)
    return [
        Alert(
            name="BeylaDown",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT,
            expr=f"max by (pod) ({up}) == 0",
            summary="Beyla is down on a node",
            description="Pod {{ $labels.pod }} does not answer the scrape (up is {{ $value }}). "
            "Services without instrumentation on its node send no spans.",
        ),
        Alert(
            name="BeylaMissingOnNodes",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT_AND_WINDOW,
            expr=f"max({desired}) - max({ready}) > 0",
            summary="Beyla is missing on nodes",
            description="Beyla is not ready on {{ $value }} nodes that it should run on.",
        ),
        *_working(context, up),
    ]


def _working(context: AlertContext, up: str) -> list[Alert]:
    seen = context.beyla_count(BeylaMetric.HTTP_REQUESTS, "rate 5m")
    exported = context.beyla(BeylaMetric.TRACES_EXPORTED)
    failed = context.beyla(BeylaMetric.EXPORT_ERRORS)
    processes = context.beyla(BeylaMetric.PROCESSES)
    return [
        Alert(
            name="BeylaExportsNothing",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT_AND_WINDOW,
            expr=f"{seen} > 0 unless sum(rate({exported}[5m])) > 0",
            summary="Beyla sees requests and sends no spans",
            description="Beyla measures {{ $value | humanize }} requests per second and exports "
            "no spans of them.",
        ),
        Alert(
            name="BeylaExportErrors",
            severity=Severity.WARNING,
            minutes=AFTER_ROLLOUT_AND_WINDOW,
            expr=f"sum(increase({failed}[5m])) > 0",
            summary="Beyla cannot send its spans",
            description="Sending spans failed {{ $value | humanize }} times within 5 minutes.",
        ),
        Alert(
            name="BeylaInstrumentsNothing",
            severity=Severity.WARNING,
            minutes=60,
            # A night in which nothing runs, or a cluster that is still empty, is no fault: it
            # compares with yesterday, and with the same weekday where there is a last week.
            expr=f"(sum({processes}) or vector(0)) == 0 and count({up} == 1) > 0"
            f" and sum({processes} offset 1d) > 0"
            f" unless (sum({processes} offset 1w) or 0 * count({up} offset 1w)) == 0",
            summary="Beyla instruments no process",
            description="Beyla runs and has instrumented {{ $value }} processes; at this time "
            "yesterday there were some.",
        ),
    ]
