"""How long Helm waits for a release."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from components.alloy.system import ALLOY
from components.beyla.system import BEYLA
from components.core.helm import DEPLOY_MINUTES, MIN_TIMEOUT_SECONDS, Rollout, timeout_seconds
from components.settings import TracingSettings
from components.stack import slow_rollouts
from components.tempo.system import TEMPO
from tests.stack.variants import CLUSTER, ROOT
from tests.sweep import sweep

ONE = Rollout(pods=1, stop_seconds=30, ready_seconds=10)


def settings(**groups: Any) -> TracingSettings:
    return TracingSettings.model_validate(
        {"environment": {"name": "qa"}, "cluster": CLUSTER, **groups}
    )


def distributed(workloads: Mapping[str, Any]) -> TracingSettings:
    return settings(tempo={"mode": "distributed", "size": "m", "workloads": workloads})


def rollouts(made: TracingSettings) -> list[Rollout]:
    return list(TEMPO.rollouts(made))


@sweep(
    ("pods", "share", "waves"),
    [(1, 0, 1), (7, 0, 7), (3, 0.25, 3), (4, 0.25, 4), (8, 0.25, 4), (11, 0.25, 6), (500, 0.25, 4)],
)
def test_pods_are_replaced_in_waves(pods: int, share: float, waves: int) -> None:
    rollout = Rollout(pods=pods, share=share, stop_seconds=30, ready_seconds=10)

    assert rollout.seconds == waves * (30 + 60 + 10)


@sweep(("pods", "waves"), [(1, 1), (2, 2), (24, 8), (500, 10)])
def test_a_share_of_nodes_is_rounded_up(pods: int, waves: int) -> None:
    rollout = Rollout(pods=pods, share=0.1, rounded_up=True, stop_seconds=30, ready_seconds=10)

    assert rollout.seconds == waves * (30 + 60 + 10)


def test_the_slowest_workload_decides() -> None:
    slow = Rollout(pods=9, stop_seconds=60, ready_seconds=60)

    assert timeout_seconds([ONE]) == MIN_TIMEOUT_SECONDS
    assert timeout_seconds([ONE, slow, ONE]) == slow.seconds == 9 * 180


def test_eleven_ingesters_and_fifteen_queriers_have_the_time_that_they_take() -> None:
    # One after the other, in 55 and 40 seconds each at best, ten minutes were not enough.
    made = rollouts(distributed({"ingester": {"replicas": 11}, "querier": {"replicas": 15}}))

    assert timeout_seconds(made) >= 11 * (120 + 60 + 40)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ({"replicas": 3}, {"replicas": 200}),
        ({"replicas": 3}, {"replicas": 20}),
    ],
)
def test_more_ingesters_have_more_time(
    smaller: Mapping[str, int], larger: Mapping[str, int]
) -> None:
    few, many = (
        timeout_seconds(rollouts(distributed({"ingester": size}))) for size in (smaller, larger)
    )

    assert few < many


@pytest.mark.parametrize("workload", ["distributor", "querier"])
def test_autoscaling_counts_with_its_largest_number(workload: str) -> None:
    [found] = [
        r
        for r in rollouts(distributed({workload: {"replicas": 4, "maxReplicas": 500}}))
        if r.pods == 500
    ]

    assert found.share == 0.25


def test_the_gateway_and_the_agent_roll_in_shares() -> None:
    large = settings(
        cluster={**CLUSTER, "nodes": 10_000},
        alloy={"workload": {"maxReplicas": 500}},
        beyla={"namespaces": ["shop"]},
    )

    assert timeout_seconds(ALLOY.rollouts(large)) < 900
    assert timeout_seconds(BEYLA.rollouts(large)) < 1800


def test_a_rollout_longer_than_the_deploy_job_is_warned_of() -> None:
    def warned(made: TracingSettings) -> list[str]:
        return list(slow_rollouts(made))

    assert warned(distributed({})) == []
    [text] = warned(distributed({"ingester": {"replicas": 60}}))
    assert f"{DEPLOY_MINUTES} minutes" in text


def test_the_deploy_job_lasts_at_least_as_long_as_the_warning_assumes() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy-stack.yml").read_text())

    assert workflow["jobs"]["up"]["timeout-minutes"] >= DEPLOY_MINUTES
