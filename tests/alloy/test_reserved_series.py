"""Senders of OTLP metrics can't write the series that alerts and SLOs read."""

import re
from enum import StrEnum

import pytest

from components.telemetry import metrics as signals
from components.telemetry.metrics import reserved_series

GROUPS: tuple[type[StrEnum], ...] = (
    signals.SpanMetric,
    signals.TargetInfo,
    signals.ServiceGraphMetric,
    signals.SloMetric,
    signals.RulerMetric,
    signals.TempoMetric,
    signals.AlloyMetric,
    signals.RemoteWriteMetric,
    signals.ClusterMetric,
    signals.BeylaMetric,
)
#: What applications say of themselves, and containers of collectors.
OTHERS = {str(name) for name in signals.RequestMetric} | {
    signals.ClusterMetric.CONTAINER_MEMORY,
    signals.ClusterMetric.CONTAINER_CPU,
}
SERIES = [str(name) for group in GROUPS for name in group if name not in OTHERS]


@pytest.mark.parametrize("name", SERIES)
def test_series_of_the_stack_are_reserved_however_they_are_spelt(name: str) -> None:
    pattern = re.compile(reserved_series())

    for spelt in (name, f"_{name}", f"..{name}.", name.replace("_", "."), name.replace("_", "__")):
        assert pattern.search(spelt), spelt
    # The exporter adds the suffixes of counters and units.
    assert pattern.search(name.removesuffix("_total"))


@pytest.mark.parametrize(
    "name",
    [
        *("http.server.request.duration", "jvm.memory.used", "process.cpu.time", "uptime"),
        *("up.time", "upload.bytes", "slow.requests", "traces.exported", "alloys", "tempos.count"),
        *("container.memory.working_set", "container_cpu_usage_seconds_total", "slo_errors"),
    ],
)
def test_series_of_applications_are_theirs(name: str) -> None:
    assert not re.search(reserved_series(), name)
