"""Alerts on error budgets that burn too fast: one to act on now, one for the next working day."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...telemetry.metrics import Label, SloMetric
from ..context import literal, runbook
from ..severity import Severity
from .burn import Pair, burn_rate, thresholds
from .settings import SloSettings
from .sli import selector

#: How often rules are evaluated, in seconds, and how often hourly sums are made, which are read by
#: their range only. Counts of events rely on both.
INTERVAL_SECONDS = 60
HOURS_INTERVAL_SECONDS = 300
#: Names of the alerts; their runbooks are named so in kebab case.
NAMES = {
    Severity.CRITICAL: "SloBudgetBurnsFast",
    Severity.WARNING: "SloBudgetBurnsSlowly",
}
#: How long the condition must hold. The windows do the rest: the short ones end an alert soon
#: after the trouble ends, the long ones let blips pass.
_FOR = {Severity.CRITICAL: "2m", Severity.WARNING: "15m"}
#: Name of the alert on an SLO that nothing is known of, and how long that must be so: longer than a
#: service is quiet at night, and than a new cluster is empty.
NO_DATA, _NO_DATA_WINDOW, _NO_DATA_FOR = "SloNoData", "1d", "6h"
#: Long windows up to this many hours are counted from the rates, longer ones from the hourly sums.
_HOURS_FROM_RATES = 6


def alerts(
    slo: SloSettings,
    cluster: str,
    *,
    runbook_base_url: str | None,
    labels: Mapping[str, str],
    template: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield the alerts of an SLO, or of all that follow a template; the last is on missing data.

    Args:
        slo: the SLO.
        cluster: name of the stack's cluster.
        runbook_base_url: where the runbooks can be read.
        labels: labels of every alert; those of the SLO win.
        template: name of the template; the alerts then take the SLO's name from the series.
    """
    own: dict[str, str] = {Label.TEMPO_CLUSTER: cluster}
    own |= {Label.TEMPLATE: template} if template else {Label.SLO: slo.name}
    described: dict[str, str] = (
        {**labels, Label.KIND: template}
        if template
        else {**labels, **slo.labels, Label.SLO: slo.name, Label.OWNER: slo.owner}
    )
    shown = {str(key): literal(value) for key, value in described.items()}
    for severity, name in NAMES.items():
        pairs = list(thresholds(severity, slo.objective, slo.window_days))
        if not pairs:
            continue
        yield {
            "alert": name,
            "expr": " or ".join(_burns(slo, pair, limit, own) for pair, limit in pairs),
            "for": _FOR[severity],
            "labels": {**shown, "severity": str(severity)},
            "annotations": _annotations(slo, severity, runbook(runbook_base_url, name)),
        }
    what = f"template {template} of every service" if template else literal(slo.name)
    yield {
        "alert": NO_DATA,
        "expr": _without_data(own),
        "for": _NO_DATA_FOR,
        "labels": {**shown, "severity": str(Severity.WARNING)},
        "annotations": {
            "summary": f"{what}: the SLO has no data",
            "description": (
                f"There have been no events of {what} for more than {_NO_DATA_WINDOW}: nothing is "
                "known of its error budget, and its alerts can't fire. The service is misspelt or "
                "gone, or the ruler that evaluates the SLO doesn't get the series."
            ),
            **runbook(runbook_base_url, NO_DATA),
        },
    }


def _without_data(own: Mapping[str, str]) -> str:
    """Return whether there have been no events for a day.

    Without that alert, a misspelt service and a ruler that never gets the series look like a kept
    promise. A service that nobody uses at weekends stays quiet from its second weekend on: a week
    ago it had no events either, but some since.
    """
    events, objective = selector(SloMetric.EVENTS, own), selector(SloMetric.OBJECTIVE, own)
    none = f"absent(last_over_time({events}[{_NO_DATA_WINDOW}]))"
    as_usual = (
        f"absent(last_over_time({events}[{_NO_DATA_WINDOW}] offset 1w))"
        f" and on () sum(last_over_time({events}[8d]))"
        f" and on () sum(last_over_time({objective}[{_NO_DATA_WINDOW}] offset 1w))"
    )
    return f"{none} unless on () ({as_usual})"


def _burns(slo: SloSettings, pair: Pair, limit: float, own: Mapping[str, str]) -> str:
    parts = [
        f"{selector(pair.long, own)} > {limit:.10g}",
        f"{selector(pair.short, own)} > {limit:.10g}",
    ]
    if slo.least_failures:
        # Half an event of room: sums of rates are not whole numbers.
        parts.append(f"{_failures(pair, own)} > {slo.least_failures - 0.5:g}")
    return f"({' and '.join(parts)})"


def _failures(pair: Pair, own: Mapping[str, str]) -> str:
    """Return the bad events in a pair's long window."""
    if pair.hours <= _HOURS_FROM_RATES:
        rates = selector(SloMetric.ERRORS, own)
        return f"sum_over_time({rates}[{pair.span}]) * {INTERVAL_SECONDS}"
    # Sums of an hour, made more often than once an hour, hold each event several times.
    hours = selector(SloMetric.ERRORS_HOUR, own)
    return f"sum_over_time({hours}[{pair.span}]) / {3600 // HOURS_INTERVAL_SECONDS}"


def _annotations(slo: SloSettings, severity: Severity, link: Mapping[str, str]) -> dict[str, str]:
    pace = ", ".join(
        f"{burn_rate(pair, slo.window_days):.3g} times over {pair.span}"
        for pair, _ in thresholds(severity, slo.objective, slo.window_days)
    )
    how = "fast" if severity is Severity.CRITICAL else "slowly but steadily"
    promise = f"{literal(slo.description)} " if slo.description else ""
    return {
        "summary": f"{{{{ $labels.slo }}}}: the error budget burns {how}",
        "description": (
            f"{promise}{{{{ $value | humanizePercentage }}}} of events are bad; {slo.objective:g} %"
            f" must be good over {slo.window_days} days. Alerts at a pace of {pace}, where 1 spends"
            f" the budget in just the {slo.window_days} days."
        ),
        **link,
    }
