"""Burn rates, and the shares of bad events that follow from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.alerting.slo.alerts import PAIRS, budget, burn_rate, thresholds
from components.telemetry.metrics import Severity

objectives = st.floats(0.001, 99.999)
window_days = st.integers(7, 32)


@pytest.mark.parametrize(
    ("days", "rates"),
    [
        (30, [14.4, 6, 3, 1]),
        (28, [13.44, 5.6, 2.8, 1]),
        (7, [3.36, 1.4, 1, 1]),
        (32, [15.36, 6.4, 3.2, 32 / 30]),
    ],
)
def test_rates_of_the_workbook_scaled_to_the_window(days: int, rates: list[float]) -> None:
    assert [burn_rate(pair, days) for pair in PAIRS] == pytest.approx(rates)


@given(window_days)
def test_at_the_burn_rate_the_long_window_spends_its_share_of_the_budget(days: int) -> None:
    for pair in PAIRS:
        spent = burn_rate(pair, days) * pair.hours / (days * 24)
        assert spent == pytest.approx(pair.budget) or burn_rate(pair, days) == 1


def test_thresholds_of_three_nines() -> None:
    critical = [limit for _, limit in thresholds(Severity.CRITICAL, 99.9, 30)]
    warning = [limit for _, limit in thresholds(Severity.WARNING, 99.9, 30)]
    assert (critical, warning) == ([0.0144, 0.006], [0.003, 0.001])


@given(objectives, window_days)
def test_a_total_outage_passes_every_threshold_and_one_at_least_is_there(
    objective: float, days: int
) -> None:
    limits = [limit for s in Severity for _, limit in thresholds(s, objective, days)]
    assert all(0 < limit < 1 for limit in limits)
    assert limits or burn_rate(PAIRS[-1], days) * budget(objective) >= 1


@given(objectives)
def test_the_budget_is_what_the_objective_leaves(objective: float) -> None:
    assert budget(objective) * 100 + objective == pytest.approx(100)
    assert 0 < budget(objective) < 1
