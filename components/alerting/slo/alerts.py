"""Alerts on error budgets: one on a fast burn, one on a slow burn, one on missing data.

The method is that of Google's SRE workbook, chapter 5, "Alerting on SLOs", sixth approach: several
windows, several burn rates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...grafana.links import Uid
from ...telemetry.context import StackContext
from ...telemetry.metrics import Label, Severity, SloMetric
from ...telemetry.promql import quoted, select
from ..alert import dashboard_link, literal, runbook
from .settings import SloSettings

#: How often rules are evaluated, in seconds, and how often hourly sums are made, which are only
#: read by their range. Counts of events rely on both.
INTERVAL_SECONDS = 60
HOURS_INTERVAL_SECONDS = 300
#: Names of the alerts; their runbooks have the same names in kebab case.
NAMES = {Severity.CRITICAL: "SloBudgetBurnsFast", Severity.WARNING: "SloBudgetBurnsSlowly"}
#: How long the condition must hold. The windows do the rest: the short ones end an alert soon
#: after the trouble ends, the long ones let blips pass.
_FOR = {Severity.CRITICAL: "2m", Severity.WARNING: "15m"}
#: The alert on an SLO without data, and how long there must be none: longer than a service is quiet
#: at night, and than a new cluster is empty.
NO_DATA, _NO_DATA_WINDOW, _NO_DATA_FOR = "SloNoData", "1d", "6h"
#: Long windows up to this many hours are counted from the rates, longer ones from the hourly sums.
_HOURS_FROM_RATES = 6


@dataclass(frozen=True)
class Pair:
    """A long window, which shows that the burn matters, and a short one, which shows it goes on.

    Attributes:
        span: the long window as PromQL writes it.
        long: share of bad events over the long window.
        short: the same over the short window, a twelfth of it.
        budget: share of the error budget that the long window spends when it alerts.
    """

    severity: Severity
    hours: int
    span: str
    long: SloMetric
    short: SloMetric
    budget: float


#: The workbook's recommended windows and shares. For 30 days they are the well-known burn rates of
#: 14.4, 6, 3 and 1.
PAIRS = (
    Pair(Severity.CRITICAL, 1, "1h", SloMetric.RATIO_1H, SloMetric.RATIO_5M, 0.02),
    Pair(Severity.CRITICAL, 6, "6h", SloMetric.RATIO_6H, SloMetric.RATIO_30M, 0.05),
    Pair(Severity.WARNING, 24, "1d", SloMetric.RATIO_1D, SloMetric.RATIO_2H, 0.10),
    Pair(Severity.WARNING, 72, "3d", SloMetric.RATIO_3D, SloMetric.RATIO_6H, 0.10),
)


def burn_rate(pair: Pair, window_days: int) -> float:
    """Return how many times faster than allowed the budget must burn to alert.

    That rate spends the pair's share of the budget within its long window. Below 1 the budget would
    last to the end of the SLO's window, so 1 is the minimum (it applies to windows under 30 days).
    """
    return max(1.0, pair.budget * window_days * 24 / pair.hours)


def budget(objective: float) -> float:
    """Return the share of events that may be bad, from 0 to 1, for a percentage of good ones."""
    return round((100 - objective) / 100, 12)


def thresholds(
    severity: Severity, objective: float, window_days: int
) -> Iterator[tuple[Pair, float]]:
    """Yield the pairs of a severity, each with the share of bad events above which it alerts.

    A pair that even a total outage could not reach is left out: with an objective of 80 % no outage
    spends a tenth of 30 days' budget within the pair's hours.
    """
    for pair in PAIRS:
        limit = round(burn_rate(pair, window_days) * budget(objective), 12)
        if pair.severity is severity and limit < 1:
            yield pair, limit


def series(metric: SloMetric, labels: Mapping[str, str]) -> str:
    """Return a selector of recorded series; an empty value means no such label."""
    return select(metric, *(f"{label}={quoted(value)}" for label, value in labels.items()))


def alerts(
    slo: SloSettings, context: StackContext, *, template: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the alerts of an SLO, or of all that follow a template.

    The labels of the SLO override those of all alerts. With a template, the SLO's name comes from
    the series.
    """
    own: dict[str, str] = {Label.TEMPO_CLUSTER: context.cluster}
    own |= {Label.TEMPLATE: template} if template else {Label.SLO: slo.name}
    its: dict[str, str] = {**slo.labels, Label.SLO: slo.name, Label.OWNER: slo.owner}
    its = {Label.KIND: template} if template else its
    described = {**context.alert_labels, **its}
    shown = {str(key): literal(value) for key, value in described.items()}

    def alert(
        name: str, expr: str, wait: str, severity: Severity, summary: str, description: str
    ) -> dict[str, Any]:
        # The alert on missing data of a template names no SLO.
        link = (
            dashboard_link(context, Uid.SLOS)
            if name == NO_DATA
            else dashboard_link(context, Uid.SLO, "&var-slo={{ $labels.slo | urlquery }}")
        )
        return {
            "alert": name,
            "expr": expr,
            "for": wait,
            "labels": {**shown, str(Label.SEVERITY): str(severity)},
            "annotations": {
                "summary": summary,
                "description": description,
                **runbook(context.runbook_base_url, name),
                **link,
            },
        }

    for severity, name in NAMES.items():
        pairs = list(thresholds(severity, slo.objective, slo.window_days))
        if not pairs:
            continue
        how = "fast" if severity is Severity.CRITICAL else "slowly but steadily"
        expr = " or ".join(_burns(slo, pair, limit, own) for pair, limit in pairs)
        summary = f"{{{{ $labels.slo }}}}: the error budget burns {how}"
        pace = [pair for pair, _ in pairs]
        yield alert(name, expr, _FOR[severity], severity, summary, _description(slo, pace))
    what = f"template {template} of every service" if template else literal(slo.name)
    yield alert(
        NO_DATA,
        _without_data(own),
        _NO_DATA_FOR,
        Severity.WARNING,
        f"{what}: the SLO has no data",
        f"There have been no events of {what} for more than {_NO_DATA_WINDOW}. Its error budget is "
        "unknown and its alerts can't fire. The service is misspelt or gone, or the ruler that "
        "evaluates the SLO doesn't receive the series.",
    )


def _without_data(own: Mapping[str, str]) -> str:
    """Return whether there have been no events for a day.

    Without that alert, a misspelt service or a ruler without the series looks like a kept promise.
    A service that nobody uses at weekends stays quiet from its second weekend on: a week ago it had
    no events either, but some since.
    """
    events, objective = series(SloMetric.EVENTS, own), series(SloMetric.OBJECTIVE, own)
    none = f"absent(last_over_time({events}[{_NO_DATA_WINDOW}]))"
    as_usual = (
        f"absent(last_over_time({events}[{_NO_DATA_WINDOW}] offset 1w))"
        f" and on () sum(last_over_time({events}[8d]))"
        f" and on () sum(last_over_time({objective}[{_NO_DATA_WINDOW}] offset 1w))"
    )
    return f"{none} unless on () ({as_usual})"


def _burns(slo: SloSettings, pair: Pair, limit: float, own: Mapping[str, str]) -> str:
    parts = [
        f"{series(pair.long, own)} > {limit:.10g}",
        f"{series(pair.short, own)} > {limit:.10g}",
    ]
    if slo.least_failures:
        # Half an event of tolerance: sums of rates are not whole numbers.
        parts.append(f"{_failures(pair, own)} > {slo.least_failures - 0.5:g}")
    return f"({' and '.join(parts)})"


def _failures(pair: Pair, own: Mapping[str, str]) -> str:
    """Return the bad events in a pair's long window."""
    if pair.hours <= _HOURS_FROM_RATES:
        rates = series(SloMetric.ERRORS, own)
        return f"sum_over_time({rates}[{pair.span}]) * {INTERVAL_SECONDS}"
    # Sums of an hour, made more often than once an hour, hold each event several times.
    hours = series(SloMetric.ERRORS_HOUR, own)
    return f"sum_over_time({hours}[{pair.span}]) / {3600 // HOURS_INTERVAL_SECONDS}"


def _description(slo: SloSettings, pairs: list[Pair]) -> str:
    pace = ", ".join(
        f"{burn_rate(pair, slo.window_days):.3g} times over {pair.span}" for pair in pairs
    )
    promise = f"{literal(slo.description)} " if slo.description else ""
    return (
        f"{promise}{{{{ $value | humanizePercentage }}}} of events are bad; {slo.objective:g} % "
        f"must be good over {slo.window_days} days. Alerts at a burn rate of {pace}, where 1 "
        f"spends the budget in exactly {slo.window_days} days."
    )
