"""Sizes of the gateway: presets, what replaces them, and queues that fit the memory."""

from itertools import pairwise

import pytest

from components.alloy.pipeline import MODULES
from components.alloy.settings import AlloySettings
from components.alloy.sizes import BATCH_MIB, HTTP_REQUEST_MIB, PRESETS, queue_bytes, workload
from components.alloy.text import Block, parse
from components.core.settings import ScalableWorkloadSettings, Size

MIB = 1024 * 1024

each_size = pytest.mark.parametrize("size", Size)


def component(module: str, name: str) -> Block:
    [found] = [b for b in parse((MODULES / f"{module}.alloy").read_text()).walk() if b.name == name]
    return found


@each_size
def test_a_full_queue_fits_below_the_memory_limiter(size: Size) -> None:
    limiter = component("limit_memory", "otelcol.processor.memory_limiter").attributes
    refuses_from = int(limiter["limit_percentage"]) - int(limiter["spike_limit_percentage"])
    settings = AlloySettings(size=size)

    in_memory_mib = 3 * queue_bytes(settings) / MIB + 100
    assert in_memory_mib <= workload(settings).memory_limit_mib * refuses_from / 100


@each_size
def test_the_queue_takes_the_largest_request(size: Size) -> None:
    settings = AlloySettings(size=size, queue_batches=10, max_request_mib=64)

    assert queue_bytes(settings) == 64 * MIB
    assert queue_bytes(AlloySettings(size=size, queue_batches=10)) == HTTP_REQUEST_MIB * MIB


@each_size
def test_requests_stay_below_limits(size: Size) -> None:
    made = workload(AlloySettings(size=size))

    assert made.cpu_request_millicores <= made.cpu_limit_millicores
    assert made.memory_request_mib <= made.memory_limit_mib
    assert made.volume_gib is None


def test_each_size_is_larger_than_the_one_before() -> None:
    made = [PRESETS[size] for size in Size]
    for smaller, larger in pairwise(made):
        assert larger.queue_batches > smaller.queue_batches
        assert larger.workload.memory_limit_mib > smaller.workload.memory_limit_mib
        assert larger.workload.cpu_limit_millicores >= smaller.workload.cpu_limit_millicores
        assert larger.workload.replicas >= smaller.workload.replicas


def test_m_and_l_scale() -> None:
    scaling = {size for size in Size if workload(AlloySettings(size=size)).max_replicas}

    assert scaling == {Size.M, Size.L}


def test_a_stack_file_replaces_single_values() -> None:
    settings = AlloySettings(
        size=Size.S, workload=ScalableWorkloadSettings(max_replicas=5, memory_limit_mib=700)
    )

    made = workload(settings)
    assert (made.replicas, made.max_replicas, made.memory_limit_mib) == (2, 5, 700)


@pytest.mark.parametrize(
    ("module", "exporter"),
    [("send_to_tempo", "otelcol.exporter.otlp"), ("send_to_loki", "otelcol.exporter.otlphttp")],
)
def test_batches_are_as_large_as_the_sizes_say_and_pass_grpc(module: str, exporter: str) -> None:
    [queue] = component(module, exporter).named("sending_queue")
    [batch] = queue.named("batch")

    assert queue.attributes["sizer"] == batch.attributes["sizer"] == '"bytes"'
    assert int(batch.attributes["min_size"]) == BATCH_MIB * MIB
    assert int(batch.attributes["max_size"]) < 4 * MIB
