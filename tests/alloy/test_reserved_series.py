"""Senders of OTLP metrics can't write the series that alerts and SLOs read."""

import re
from enum import StrEnum

import pytest

from components.alloy.pipeline import config
from components.alloy.text import parse
from components.telemetry import metrics as signals
from components.telemetry.metrics import reserved_series
from tests.alloy.cases import METRICS, arguments
from tests.sweep import sweep

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


@sweep("name", SERIES)
def test_series_of_the_stack_are_reserved(name: str) -> None:
    # As prometheus.relabel matches: the whole name.
    assert re.fullmatch(reserved_series(), name)


@pytest.mark.parametrize(
    "name",
    [
        *("http_server_request_duration_seconds_count", "jvm_memory_used_bytes", "uptime"),
        *("up_time", "upload_bytes_total", "slow_requests", "traces_exported", "alloys", "ups"),
        *("container_memory_working_set_bytes", "container_cpu_usage_seconds_total", "slo_errors"),
    ],
)
def test_series_of_applications_are_theirs(name: str) -> None:
    assert not re.fullmatch(reserved_series(), name)


def test_names_are_judged_after_the_conversion() -> None:
    """Unit, type and attributes of a metric change the name that its series have."""
    text = config(arguments(metrics=METRICS, stack_namespaces=["tracing", "tracing-beyla"]))
    [module] = [b for b in parse(text).named("declare") if b.label == "convert_metrics"]
    [exporter] = module.named("otelcol.exporter.prometheus")
    [relabel] = module.named("prometheus.relabel")
    [given] = parse(text).named("convert_metrics")
    rules = {
        rule.attributes["source_labels"]: rule.attributes["regex"]
        for rule in relabel.named("rule")
        if rule.attributes["action"] == '"drop"'
    }

    assert exporter.attributes["forward_to"] == "[ prometheus.relabel.default.receiver ]"
    assert relabel.attributes["forward_to"] == "argument.forward_to.value"
    assert rules == {
        '[ "__name__" ]': "argument.reserved_series.value",
        '[ "namespace" ]': "argument.reserved_namespaces.value",
    }
    assert given.attributes["reserved_series"] == f'"{reserved_series()}"'
    pattern = given.attributes["reserved_namespaces"][1:-1].replace("\\\\", "\\")
    assert re.fullmatch(pattern, "tracing-beyla")
    # A series without the label is no scrape's.
    assert not re.fullmatch(pattern, "")


def test_without_namespaces_of_a_stack_series_still_pass() -> None:
    [given] = parse(config(arguments(metrics=METRICS, stack_namespaces=[]))).named(
        "convert_metrics"
    )

    assert given.attributes["reserved_namespaces"] == '"tracing"'
