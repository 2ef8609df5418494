"""PromQL on what the rules of SLOs record, for both dashboards of SLOs."""

from collections.abc import Sequence

from ...alerting.severity import Severity
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label, RulerMetric, SloMetric

#: What an objective says of itself, as far as tables show it.
ABOUT = (Label.SLO, Label.SERVICE, Label.OWNER, Label.KIND, Label.WINDOW)


def recorded(context: DashboardContext, metric: SloMetric, matchers: Sequence[str]) -> str:
    """Return a value by SLO, without other labels.

    Two rulers that evaluate the same rules write two series of one value: they are not added up.
    """
    return f"max by ({Label.SLO}) ({_series(context, metric, matchers)})"


def objective(context: DashboardContext, matchers: Sequence[str]) -> str:
    """Return the objective by SLO, with what it says of itself."""
    labels = ", ".join(ABOUT)
    return f"max by ({labels}) ({_series(context, SloMetric.OBJECTIVE, matchers)})"


def with_about(expr: str, about: str) -> str:
    """Return a value by SLO with the labels of the objectives; others are left out."""
    return f"{about} * 0 + on ({Label.SLO}) group_left () {expr}"


def burn_rate(context: DashboardContext, ratio: SloMetric, matchers: Sequence[str]) -> str:
    """Return how fast the budget burns, by SLO: 1 spends it in just the SLO's window."""
    spent = recorded(context, ratio, matchers)
    allowed = f"(1 - max by ({Label.SLO}) ({_series(context, SloMetric.OBJECTIVE, matchers)}))"
    return f"{spent} / on ({Label.SLO}) {allowed}"


def sli(context: DashboardContext, ratio: SloMetric, matchers: Sequence[str]) -> str:
    """Return the share of good events by SLO, from 0 to 1."""
    return f"1 - {recorded(context, ratio, matchers)}"


def firing(context: DashboardContext, severity: Severity, matchers: Sequence[str]) -> str:
    """Return the number of SLOs of which an alert fires."""
    alerts = _series(
        context,
        RulerMetric.ALERTS,
        [
            f'{Label.ALERT_STATE}="firing"',
            f'{Label.SEVERITY}="{severity}"',
            f'{Label.SLO}!=""',
            *matchers,
        ],
    )
    return f"count(count by ({Label.SLO}) ({alerts})) or vector(0)"


def values(context: DashboardContext, label: Label, matchers: Sequence[str] = ()) -> str:
    """Return the query of a variable: the values of a label of all objectives that match."""
    return f"label_values({_series(context, SloMetric.OBJECTIVE, matchers)}, {label})"


def _series(context: DashboardContext, metric: str, matchers: Sequence[str]) -> str:
    own = f'{Label.TEMPO_CLUSTER}="{context.cluster}"'
    return f"{metric}{{{', '.join([own, *matchers])}}}"
