"""What a stack costs, reckoned by hand, and how it moves with the settings."""

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.settings import TracingSettings
from plan.cost.estimate import Part, estimate
from plan.cost.prices import Prices
from plan.cost.usage import usage
from tests.cost.stacks import BY_REGION, DISTRIBUTED, METRICS, load, settings
from tests.stack.valid_settings import valid_groups

GIB = 1024**3
KMS = {"storage": {"encryption": "sse-kms"}}
TRACEQL = {"tempo": {"traceqlMetrics": True}}


def test_one_copy_of_every_span_is_kept_for_the_retention() -> None:
    # 1,000 spans/s of 200 bytes, 100 hours of 3,600 s: 72 GB.
    assert usage(settings(load())).stored_gib == pytest.approx(72e9 / GIB)


def test_what_was_measured_takes_the_place_of_the_guess() -> None:
    measured = usage(settings(load(storedBytesPerSpan=50)))
    assert measured.stored_gib == pytest.approx(18e9 / GIB)


def test_traceql_metrics_keep_a_second_copy() -> None:
    assert usage(settings(load(), TRACEQL)).stored_gib == pytest.approx(144e9 / GIB)


def test_tempo_3_answers_traceql_metrics_without_a_second_copy() -> None:
    three = {"tempo": {"version": 3}}
    assert usage(settings(load(), TRACEQL, three)).stored_gib == pytest.approx(72e9 / GIB)


def test_copies_of_ingesters_are_kept_until_they_are_merged() -> None:
    # 100 hours of one copy, and 4 hours of the two others.
    found = usage(settings(load(), DISTRIBUTED)).stored_gib
    assert found == pytest.approx(72e9 * 1.08 / GIB)


def test_copies_are_not_kept_longer_than_anything() -> None:
    short = {"tempo": {"retentionHours": 2}}
    found = usage(settings(load(), DISTRIBUTED, short)).stored_gib
    assert found == pytest.approx(72e9 * 0.02 * 3 / GIB)


def test_requests_of_a_small_stack_come_from_its_blocks() -> None:
    found = usage(settings(load(spansPerSecond=1, bytesPerSpan=50), TRACEQL))
    # Two blocks of the ingester and 60 of the generator in an hour, 6 writes each, twice.
    assert found.s3_writes == pytest.approx(62 * 12 * 730, rel=0.001)


def test_requests_of_a_large_stack_come_from_its_bytes() -> None:
    found = usage(settings(load(spansPerSecond=1_000_000)))
    hourly = 1_000_000 * 200 * 3600
    writes = hourly / 500e6 * 12 + 4 * hourly / (16 * 1024**2)
    assert found.s3_writes == pytest.approx(writes * 730)
    assert found.s3_reads == pytest.approx(3 * hourly / (2 * 1024**2) * 730)


def test_pods_and_volumes_are_those_of_the_plan() -> None:
    found = usage(settings(load()))
    # Tempo s: 0.5 cores, 1 GiB, 10 GiB of volume. Alloy s: twice 0.25 cores and 256 MiB.
    assert (found.cores, found.memory_gib, found.volume_gib) == (1.0, 1.5, 10)


def test_every_generator_writes_every_series() -> None:
    metrics = {"backends": {"metrics": METRICS}}
    asked = load(operations=100, edges=10)
    one = usage(settings(asked, metrics)).active_series
    # 12 buckets, infinity, sum, count, calls, bytes, twice; an edge: 2 x (8 + 3) + 2.
    assert one == 100 * 2 * 17 + 10 * 24
    assert usage(settings(asked, metrics, DISTRIBUTED)).active_series == 2 * one
    assert usage(settings(asked)).active_series is None


def test_parts_are_usage_times_price() -> None:
    found = estimate(settings(load(), KMS), BY_REGION)
    used = found.usage
    assert used.kms_keys == 1
    assert used.s3_writes is not None
    assert used.s3_reads is not None
    assert found.parts == {
        Part.S3_STORAGE: pytest.approx(72e9 / GIB * 0.02),
        Part.S3_REQUESTS: pytest.approx(used.s3_writes / 200 + used.s3_reads / 1000),
        Part.KMS: pytest.approx(1 + (used.s3_writes + used.s3_reads) / 100 / 10_000 * 30),
        Part.VOLUMES: pytest.approx(1),
        Part.CPU: pytest.approx(1.0 * 730 * 0.04),
        Part.MEMORY: pytest.approx(1.5 * 730 * 0.005),
    }
    assert found.total == pytest.approx(sum(usd or 0 for usd in found.parts.values()))
    assert found.unknown == []


@pytest.mark.parametrize(
    "storage",
    [
        {"kmsKeyArn": "arn:aws:kms:eu-west-1:111111111111:key/k"},
        {"existing": True, "bucket": "traces"},
    ],
)
def test_a_key_of_somebody_else_is_not_paid_for(storage: dict[str, Any]) -> None:
    found = usage(settings(load(), KMS, {"storage": storage}))
    assert found.kms_keys == 0
    assert found.kms_requests


def test_without_a_key_nothing_is_asked_of_kms() -> None:
    assert estimate(settings(load()), BY_REGION).parts[Part.KMS] == 0


def test_without_a_load_pods_are_priced_and_the_sum_is_not_known() -> None:
    found = estimate(settings(), BY_REGION)
    assert found.parts[Part.S3_STORAGE] is None
    assert found.parts[Part.CPU] == pytest.approx(29.2)
    assert found.total is None
    assert found.changes == []
    assert ["load.spansPerSecond" in why for why in found.unknown] == [True]


def test_without_prices_amounts_are_known_and_nothing_is_guessed() -> None:
    found = estimate(settings(load()), {})
    assert set(found.parts.values()) == {None}
    assert found.total is None
    assert found.usage.stored_gib == pytest.approx(72e9 / GIB)
    assert ["no prices for eu-west-1" in why for why in found.unknown] == [True]


def test_a_stand_in_for_s3_is_not_priced() -> None:
    stand_in = {"storage": {"endpoint": "http://moto:5000"}}
    found = estimate(settings(load(), stand_in), BY_REGION)
    assert found.total is None
    assert ["emulator" in why for why in found.unknown] == [True]


def test_savings_are_what_the_changed_stack_costs_less() -> None:
    now = estimate(settings(load(), TRACEQL), BY_REGION)
    then = [
        settings(load(), TRACEQL, {"tempo": {"retentionHours": 50}}),
        settings(load(spansPerSecond=500), TRACEQL),
        settings(load()),
    ]
    assert now.total is not None
    saved = [now.total - (estimate(its, BY_REGION).total or 0) for its in then]
    assert [change.saves for change in now.changes] == pytest.approx(saved)
    assert "`tempo.retentionHours: 50`" in now.changes[0].what


def test_growth_is_looked_a_year_ahead() -> None:
    found = estimate(settings(load(growthPercentPerMonth=10)), BY_REGION)
    grown = estimate(settings(load(spansPerSecond=round(1000 * 1.1**12))), BY_REGION)
    assert found.ahead == pytest.approx(grown.total)
    assert estimate(settings(load()), BY_REGION).ahead is None


MORE: dict[str, tuple[str, str, st.SearchStrategy[Any]]] = {
    "retention": ("tempo", "retentionHours", st.integers(2, 87_600)),
    "spans": ("load", "spansPerSecond", st.integers(1, 10_000_000)),
    "bytes": ("load", "bytesPerSpan", st.integers(50, 1_000_000)),
    "stored bytes": ("load", "storedBytesPerSpan", st.integers(1, 50)),
}
MODES = st.sampled_from([{}, DISTRIBUTED])


@pytest.mark.parametrize("what", MORE)
@given(data=st.data(), mode=MODES, traceql=st.booleans(), kms=st.sampled_from([{}, KMS]))
def test_more_never_costs_less(
    what: str, data: st.DataObject, mode: dict[str, Any], traceql: bool, kms: dict[str, Any]
) -> None:
    group, key, values = MORE[what]
    less, more = sorted([data.draw(values), data.draw(values)])
    base = [load(), mode, {"tempo": {"traceqlMetrics": traceql}}, kms]
    totals = [estimate(settings(*base, {group: {key: it}}), BY_REGION).total for it in (less, more)]
    assert totals[0] is not None
    assert totals[1] is not None
    assert totals[0] <= totals[1]


@given(groups=valid_groups())
def test_every_valid_stack_has_an_estimate(groups: dict[str, Any]) -> None:
    its = TracingSettings.model_validate(groups)
    everywhere: dict[str, Prices] = dict.fromkeys([its.cluster.region], BY_REGION["eu-west-1"])
    found = estimate(its, everywhere)
    assume(its.storage.endpoint is None)
    assert (found.total is None) == (its.load.spans_per_second is None)
    for usd in found.parts.values():
        assert usd is None or (usd >= 0 and math.isfinite(usd))
    for change in found.changes:
        assert found.total is not None
        assert 0 < change.saves <= found.total
