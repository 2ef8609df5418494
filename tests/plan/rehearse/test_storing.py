"""What a stack's Tempo stores of a replay."""

import time
from pathlib import Path

import pytest

from components.tempo.settings import TempoMode
from plan.rehearse import storing
from plan.rehearse.otlp import Shift, windows
from plan.rehearse.shop import Shop
from tests.tempo.cases import arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import needs_tempo


@pytest.mark.slow
@needs_charts
@needs_tempo
def test_a_replay_that_is_faster_than_the_rate_limit_is_stored(tmp_path: Path) -> None:
    """A refusal counts spans that come again, so that the bytes of a span would be too many."""
    limits = {"ingestion": {"rate_limit_bytes": 50_000, "burst_size_bytes": 50_000}}
    args = arguments(TempoMode.MONOLITHIC, size="xs", config={"overrides": {"defaults": limits}})
    its = storing.Tempo(config=tempo_config(render(args, tmp_path)))
    traces = list(Shop({}).traces(2000, large=False))
    shift = Shift()
    requests = [
        request
        for window in windows(traces, 500)
        for request in shift.requests(window, time.time_ns())
    ]

    stored = storing.store(its, requests, tmp_path, "http://127.0.0.1:9")

    assert stored.spans == sum(len(trace.spans) for trace in traces)
    assert not any(stored.discarded.values())
    assert stored.block_bytes
