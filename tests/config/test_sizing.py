"""docs/sizing.md says what the presets do."""

import re

import pytest

from components.alloy import sizes as alloy
from components.alloy.settings import AlloySettings
from components.alloy.values import values
from components.checks import problems
from components.core.settings import Size
from components.settings import TracingSettings
from components.tempo import sizes as tempo
from components.tempo.settings import TempoMode, TempoSettings
from config import sizing
from tests.alloy.cases import arguments
from tests.sweep import sweep


def section(title: str) -> str:
    return sizing.sizing().partition(f"# {title}\n")[2].partition("\n#")[0]


@sweep("mode", TempoMode)
@sweep("size", Size)
def test_presets_are_those_that_the_rules_allow(mode: TempoMode, size: Size) -> None:
    settings = TracingSettings.model_validate(
        {
            "environment": {"name": "dev"},
            "cluster": {"name": "c", "region": "eu-west-1", "account_id": "1" * 12},
            "tempo": {
                "mode": mode,
                "size": size,
                "accept_two_ingesters": mode is TempoMode.DISTRIBUTED and size is Size.S,
            },
        }
    )
    refused = "tempo.size" in [problem.key for problem in problems(settings)]
    assert refused == (size not in sizing.PRESETS[mode])


def test_sums_are_of_all_pods() -> None:
    workloads = tempo.workloads(TempoSettings(mode=TempoMode.DISTRIBUTED, size=Size.L))
    pods = sum(w.replicas for w in workloads.values())
    volumes = sum(w.replicas * (w.volume_gib or 0) for w in workloads.values())
    [row] = re.findall(r"^\| \*\*all pods\*\* .*$", section("Distributed, `l`"), re.M)
    assert row.startswith(f"| **all pods** | {pods} |")
    assert row.endswith(f"| {volumes} GiB |")


def test_a_size_is_meant_for_half_of_what_it_refuses_above() -> None:
    assert "| distributed | `m` | 5 | 10,000 | 10 |" in section("Tempo")


def test_the_planned_share_is_where_autoscaling_adds_a_pod() -> None:
    built = values(arguments(settings=AlloySettings(size=Size.L)))
    autoscaling = built["controller"]["autoscaling"]["horizontal"]
    assert autoscaling["targetCPUUtilizationPercentage"] == alloy.PLANNED_CPU_PERCENT


def test_a_core_of_alloy_carries_what_was_measured() -> None:
    pod = alloy.PRESETS[Size.L].workload
    assert pod.cpu_request_millicores == 1000
    measured = 1_000_000 / alloy.CPU_SECONDS_PER_MILLION_SPANS
    assert alloy.spans_per_second(pod) == pytest.approx(measured * 0.7)
    assert alloy.spans_per_second(pod, 3) == pytest.approx(measured * 2.1)
