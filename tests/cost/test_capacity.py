"""Whether the sizes carry the load."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.load import capacity
from components.telemetry.metrics import LATENCY_BUCKETS
from components.tempo import sizes as tempo_sizes
from config.sizing import PRESETS
from tests.cost.stacks import METRICS, load, settings

SIZES = [(mode, size) for mode, sizes in PRESETS.items() for size in sizes]


@pytest.mark.parametrize(("mode", "size"), SIZES, ids=[f"{m}-{s}" for m, s in SIZES])
def test_a_size_carries_what_it_is_meant_for_and_no_more(mode: str, size: str) -> None:
    def fits(share: float) -> bool:
        tempo = {"tempo": {"mode": mode, "size": size, "traceqlMetrics": True}}
        meant = tempo_sizes.meant_mib_per_second(settings(tempo).tempo) * 1024**2 / 500
        asked = load(spansPerSecond=int(meant * share), bytesPerSpan=500, peakFactor=1)
        # Alloy is sized apart.
        found = capacity.checks(settings(tempo, asked, {"alloy": {"size": "l"}}))
        return all(check.fits for check in found)

    assert fits(1)
    assert not fits(1.01)


def check(what: str, *changes: dict[str, Any]) -> capacity.Check:
    [found] = [c for c in capacity.checks(settings(*changes)) if c.what.startswith(what)]
    return found


def test_the_busiest_hour_counts() -> None:
    found = check("ingestion limit", load(peakFactor=3))
    assert found.asked == pytest.approx(3 * 1_000 * 400 / 1024**2)
    assert found.held == 4


def test_a_limit_of_the_stack_file_moves_the_limit_and_not_what_the_size_is_meant_for() -> None:
    raised = {"tempo": {"limits": {"rateLimitMib": 12}}}
    assert check("ingestion limit", load(), raised).held == 12
    assert check("load that Tempo's size", load(), raised).held == 2


def test_alloy_carries_what_its_largest_number_of_pods_does() -> None:
    found = check("spans/s that Alloy", load(), {"alloy": {"size": "m"}})
    assert found.held == pytest.approx(6 * 0.5 * 0.7 / 45e-6)


def test_a_volume_holds_what_waits() -> None:
    once = 2 * 1_000 * 400 * 45 * 60 / 1024**3
    assert check("volume of each pod, monolithic", load()).asked == pytest.approx(once)
    traceql = {"tempo": {"traceqlMetrics": True}}
    local = 2 * 1_000 * 200 * 3600 / 1024**3
    found = check("volume of each pod, monolithic", load(), traceql)
    assert found.asked == pytest.approx(once + local)
    spread = {"tempo": {"mode": "distributed", "size": "l", "traceqlMetrics": True}}
    assert check("volume of each pod, ingester", load(), spread).asked == pytest.approx(once / 2)
    found = check("volume of each pod, metrics generator", load(), spread)
    assert found.asked == pytest.approx(local / 3)


def test_a_volume_must_not_be_quite_full() -> None:
    its = capacity.Check(what="v", asked=9.1, held=10, most=0.9, otherwise="")
    assert not its.fits
    assert its.months_left(5) == 0


def test_growth_ends_when_it_is_full() -> None:
    its = capacity.Check(what="v", asked=5, held=10, otherwise="")
    assert its.months_left(100) == pytest.approx(1)
    assert its.months_left(0) == math.inf


def test_series_do_not_grow_with_the_load() -> None:
    found = check("series", load(operations=100), {"backends": {"metrics": METRICS}})
    assert found.asked == 100 * 34
    assert found.months_left(50) == math.inf


def test_each_bucket_is_a_series_of_each_operation_and_status() -> None:
    buckets = {"tempo": {"spanMetrics": {"buckets": [*LATENCY_BUCKETS, 10, 30]}}}
    found = check("series", load(operations=100), {"backends": {"metrics": METRICS}}, buckets)
    assert found.asked == 100 * (34 + 2 * 2)


@given(spans=st.integers(1, 10_000_000), growth=st.floats(0.01, 100))
def test_what_fits_lasts_and_what_does_not_has_no_time_left(spans: int, growth: float) -> None:
    for its in capacity.checks(settings(load(spansPerSecond=spans))):
        left = its.months_left(growth)
        assert left == 0 if not its.fits else left >= 0


def test_without_a_load_nothing_is_checked() -> None:
    assert capacity.checks(settings()) == []
