"""Alerts on Beyla: whether it runs on each node, instruments services, and exports spans."""

from ..core.names import BEYLA_RELEASE
from ..telemetry.context import StackContext
from ..telemetry.metrics import BeylaMetric, ClusterMetric, RequestLabel
from ..telemetry.promql import counted
from .alert import AFTER_ROLLOUT, AFTER_ROLLOUT_AND_WINDOW, Alert, warning


def beyla(context: StackContext) -> list[Alert]:
    """Return the alerts on Beyla; none if it does not run."""
    if context.beyla_namespace is None:
        return []
    up = context.beyla(ClusterMetric.UP, job=f'="{BEYLA_RELEASE}"')
    its_own = {"daemonset": f'="{BEYLA_RELEASE}"'}
    desired = context.beyla(ClusterMetric.DAEMONSET_DESIRED, **its_own)
    ready = context.beyla(ClusterMetric.DAEMONSET_READY, **its_own)
    # Beyla measures the requests of services that send their own spans, and sends none for them.
    avoided = context.beyla(BeylaMetric.AVOIDED, telemetry_type='="traces"')
    requests = counted(
        context.beyla(BeylaMetric.HTTP_REQUESTS),
        "rate 5m",
        without=f"({RequestLabel.SERVICE}, {RequestLabel.SERVICE_NAMESPACE}) {avoided}",
    )
    exported = context.beyla(BeylaMetric.TRACES_EXPORTED)
    processes = context.beyla(BeylaMetric.PROCESSES)
    return [
        warning(
            "BeylaDown",
            AFTER_ROLLOUT,
            f"max by (pod) ({up}) == 0",
            "Beyla is down on a node",
            "Pod {{ $labels.pod }} does not answer the scrape (up is {{ $value }}). "
            "Services without instrumentation on its node send no spans.",
        ),
        warning(
            "BeylaMissingOnNodes",
            AFTER_ROLLOUT_AND_WINDOW,
            f"max({desired}) - max({ready}) > 0",
            "Beyla is missing on nodes",
            "Beyla is not ready on {{ $value }} nodes that it should run on.",
        ),
        warning(
            "BeylaExportsNothing",
            AFTER_ROLLOUT_AND_WINDOW,
            f"{requests} > 0 unless sum(rate({exported}[5m])) > 0",
            "Beyla measures requests but exports no spans",
            "Beyla measures {{ $value | humanize }} requests per second and exports no spans for "
            "them.",
        ),
        warning(
            "BeylaExportErrors",
            AFTER_ROLLOUT_AND_WINDOW,
            f"sum(increase({context.beyla(BeylaMetric.EXPORT_ERRORS)}[5m])) > 0",
            "Beyla cannot send its spans",
            "Sending spans failed {{ $value | humanize }} times within 5 minutes.",
        ),
        warning(
            "BeylaInstrumentsNothing",
            60,
            # A night in which nothing runs, or a cluster that is still empty, is normal: this
            # compares with yesterday, and with the same weekday if there was a last week.
            f"(sum({processes}) or vector(0)) == 0 and count({up} == 1) > 0"
            f" and sum({processes} offset 1d) > 0"
            f" unless (sum({processes} offset 1w) or 0 * count({up} offset 1w)) == 0",
            "Beyla instruments no process",
            "Beyla runs but instruments {{ $value }} processes. At this time yesterday there were "
            "some.",
        ),
    ]
