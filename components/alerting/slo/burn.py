"""When a burning error budget calls for somebody: several windows, several burn rates.

The method is that of Google's SRE workbook, chapter 5, "Alerting on SLOs", the sixth approach.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...telemetry.metrics import SloMetric
from ..severity import Severity


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A long window, which says that it matters, and a short one, which says that it goes on.

    Attributes:
        severity: severity of the alert that it belongs to.
        hours: length of the long window in hours.
        span: the long window as PromQL writes it.
        long: share of bad events over the long window.
        short: the same over the short window, a twelfth of it.
        budget: share of the error budget that is spent in the long window when it alerts.
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
    Pair(
        severity=Severity.CRITICAL,
        hours=1,
        span="1h",
        long=SloMetric.RATIO_1H,
        short=SloMetric.RATIO_5M,
        budget=0.02,
    ),
    Pair(
        severity=Severity.CRITICAL,
        hours=6,
        span="6h",
        long=SloMetric.RATIO_6H,
        short=SloMetric.RATIO_30M,
        budget=0.05,
    ),
    Pair(
        severity=Severity.WARNING,
        hours=24,
        span="1d",
        long=SloMetric.RATIO_1D,
        short=SloMetric.RATIO_2H,
        budget=0.10,
    ),
    Pair(
        severity=Severity.WARNING,
        hours=72,
        span="3d",
        long=SloMetric.RATIO_3D,
        short=SloMetric.RATIO_6H,
        budget=0.10,
    ),
)


def burn_rate(pair: Pair, window_days: int) -> float:
    """Return how many times faster than allowed the budget must burn to alert.

    It is what spends the pair's share of the budget within its long window. Below 1 the budget
    would last to the end of the window, so 1 is the least; that concerns windows under 30 days.
    """
    return max(1.0, pair.budget * window_days * 24 / pair.hours)


def budget(objective: float) -> float:
    """Return the share of events that may be bad, from 0 to 1.

    Args:
        objective: percentage of events that must be good.
    """
    return round((100 - objective) / 100, 12)


def thresholds(
    severity: Severity, objective: float, window_days: int
) -> Iterator[tuple[Pair, float]]:
    """Yield the pairs of a severity, each with the share of bad events above which it alerts.

    A pair that not even a total outage could reach is left out: with an objective of 80 % no
    outage spends a tenth of 30 days' budget within the hours in which the pair looks for it.
    """
    for pair in PAIRS:
        limit = round(burn_rate(pair, window_days) * budget(objective), 12)
        if pair.severity is severity and limit < 1:
            yield pair, limit
