"""Size presets of Tempo."""

from itertools import pairwise

import pytest

from components.core.settings import Size
from components.tempo import sizes
from components.tempo.settings import TempoMode, TempoSettings, TempoWorkloadSettings
from tests.tempo.cases import SIZES, arguments

PRESETS = [(mode, size) for mode in TempoMode for size in SIZES[mode]]


def settings(mode: TempoMode, size: Size) -> TempoSettings:
    return TempoSettings(mode=mode, size=size)


@pytest.mark.parametrize(("mode", "size"), PRESETS)
def test_no_workload_asks_for_more_than_its_limits(mode: TempoMode, size: Size) -> None:
    for workload in sizes.workloads(settings(mode, size)).values():
        assert workload.cpu_request_millicores <= workload.cpu_limit_millicores
        assert workload.memory_request_mib <= workload.memory_limit_mib


@pytest.mark.parametrize(("mode", "size"), PRESETS)
def test_workloads_with_data_have_a_volume_and_no_other_does(mode: TempoMode, size: Size) -> None:
    workloads = sizes.workloads(settings(mode, size))

    with_volume = {name for name, workload in workloads.items() if workload.volume_gib}
    settable = TempoWorkloadSettings()
    stateful = {name for name in workloads if hasattr(getattr(settable, name), "volume_gib")}
    assert with_volume == stateful


@pytest.mark.parametrize(("mode", "size"), PRESETS)
def test_only_workloads_whose_settings_have_a_maximum_scale(mode: TempoMode, size: Size) -> None:
    settable = TempoWorkloadSettings()
    for name, workload in sizes.workloads(settings(mode, size)).items():
        if workload.max_replicas:
            assert hasattr(getattr(settable, name), "max_replicas")


@pytest.mark.parametrize("mode", TempoMode)
def test_a_larger_size_is_nowhere_smaller(mode: TempoMode) -> None:
    for smaller, larger in pairwise(SIZES[mode]):
        small, large = (sizes.workloads(settings(mode, size)) for size in (smaller, larger))
        for name, workload in small.items():
            for field, value in vars(workload).items():
                assert value is None or value <= getattr(large[name], field)
        for field, value in vars(sizes.limits(settings(mode, smaller))).items():
            assert value <= getattr(sizes.limits(settings(mode, larger)), field)


@pytest.mark.parametrize("size", SIZES[TempoMode.DISTRIBUTED])
def test_ingesters_are_at_least_as_many_as_copies_of_a_span(size: Size) -> None:
    its = settings(TempoMode.DISTRIBUTED, size)

    assert sizes.copies(its) == (2 if size is Size.S else 3)
    assert sizes.workloads(its)["ingester"].replicas >= sizes.copies(its)


@pytest.mark.parametrize(("mode", "size"), PRESETS)
def test_a_burst_holds_a_second_of_the_rate_and_the_largest_trace(
    mode: TempoMode, size: Size
) -> None:
    limits = sizes.limits(settings(mode, size))

    assert limits.burst_size_mib >= max(limits.rate_limit_mib, 16)


def test_workloads_are_called_as_in_the_settings() -> None:
    with_kafka = TempoSettings(mode=TempoMode.DISTRIBUTED, size=Size.M, version=3)
    every = [*(settings(mode, Size.M) for mode in TempoMode), with_kafka]
    names = {name for its in every for name in sizes.workloads(its)}

    assert names == set(TempoWorkloadSettings.model_fields)


def test_there_is_a_live_store_and_a_block_builder_for_each_partition() -> None:
    for kafka, wanted in ((None, 3), ({"address": "k:9092", "partitions": 7}, 7)):
        its = TempoSettings.model_validate(
            {"mode": "distributed", "size": "m", "version": 3, "kafka": kafka}
        )
        found = sizes.workloads(its)
        assert {found[name].replicas for name in ("live_store", "block_builder")} == {wanted}


def test_without_the_generator_it_has_no_size() -> None:
    with_it = sizes.workloads(settings(TempoMode.DISTRIBUTED, Size.M))
    without = sizes.workloads(settings(TempoMode.DISTRIBUTED, Size.M), generator=False)

    assert with_it.keys() - without.keys() == {"metrics_generator"}


def test_single_values_of_a_preset_are_replaced() -> None:
    args = arguments(
        TempoMode.DISTRIBUTED,
        workloads={"ingester": {"replicas": 5, "volume_gib": 100}},
        limits={"rate_limit_mib": 7},
    )

    ingester = sizes.workloads(args.settings)["ingester"]
    assert (ingester.replicas, ingester.volume_gib, ingester.memory_limit_mib) == (5, 100, 6144)
    limits = sizes.limits(args.settings)
    assert (limits.rate_limit_mib, limits.burst_size_mib) == (7, 20)


@pytest.mark.parametrize("size", [Size.XS])
def test_distributed_has_no_small_sizes(size: Size) -> None:
    with pytest.raises(KeyError):
        sizes.workloads(settings(TempoMode.DISTRIBUTED, size))


@pytest.mark.parametrize(("ingesters", "factor", "copies"), [(2, 3, 2), (3, 3, 3), (6, 3, 3)])
def test_a_write_needs_more_than_one_ingester(ingesters: int, factor: int, copies: int) -> None:
    """With the factor 2, Tempo confirms a span after one copy and reads one copy."""
    its = TempoSettings.model_validate(
        {
            "mode": "distributed",
            "size": "s",
            "acceptTwoIngesters": ingesters == 2,
            "workloads": {"ingester": {"replicas": ingesters}},
        }
    )
    assert (sizes.replication_factor(its), sizes.copies(its)) == (factor, copies)
