"""Placement: how systems and stack are merged, what is refused, and what the summary shows."""

from typing import Any

import pytest

from components.checks import SettingsError
from components.checks.validate import parse_settings
from components.core import placement
from components.core.registry import SYSTEMS, workloads
from components.core.settings import PlacementSettings, TopologySpread
from tests.sweep import sweep

BASE: dict[str, Any] = {
    "environment": {"name": "qa"},
    "cluster": {"name": "c1", "region": "eu-west-1", "accountId": "111111111111"},
}
SELECTOR = {"matchLabels": {"app": "a"}}


def place(**keys: Any) -> PlacementSettings:
    return PlacementSettings.model_validate(keys)


def refusal(**groups: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_settings({**BASE, **groups})
    return str(refused.value)


def test_a_key_of_a_system_replaces_that_of_the_stack_as_a_whole() -> None:
    stack = place(nodeSelector={"a": "1", "b": "2"}, podLabels={"team": "x"}, priorityClass="low")
    own = place(nodeSelector={"c": "3"}, tolerations=[], podLabels={})

    merged = own.over(stack)

    assert merged == place(
        nodeSelector={"c": "3"}, tolerations=[], podLabels={}, priorityClass="low"
    )
    assert place().over(stack) == stack


@sweep(
    ("spread", "zones", "hosts"),
    [
        (None, True, True),
        ("both", True, True),
        ("zone", True, False),
        ("host", False, True),
        ("none", False, False),
    ],
)
def test_pods_spread_over_what_is_set(spread: str | None, zones: bool, hosts: bool) -> None:
    placed = place(topologySpread=spread)

    assert bool(placement.spread(placed, SELECTOR)) is zones
    assert bool(placement.affinity(placed, SELECTOR)) is hosts
    assert placed.spreads_over(TopologySpread.HOST) is hosts


@sweep(
    ("toleration", "said"),
    [
        ({}, "has no key: add the key of the taint, or operator: Exists for all"),
        ({"operator": "Exists", "value": "a"}, "has a value, which operator: Exists doesn't"),
        ({"key": "a", "tolerationSeconds": 3}, "has tolerationSeconds, which need effect: NoExec"),
        ({"key": "a", "effect": "NoShedule"}, "must be one of NoSchedule, PreferNoSchedule, NoE"),
        ({"key": "a", "operator": "Exist"}, "must be one of Equal, Exists"),
        ({"key": "a b"}, "must be the key of a Kubernetes label"),
        ({"ky": "a"}, "did you mean placement.tolerations[0].key?"),
    ],
)
def test_a_toleration_is_one_that_kubernetes_accepts(toleration: Any, said: str) -> None:
    text = refusal(placement={"tolerations": [toleration]})

    assert said in text
    assert "placement.tolerations[0]" in text


@sweep(
    ("key", "value", "said"),
    [
        ("podLabels", {"app.kubernetes.io/name": "x"}, "Services and network policies select"),
        ("podLabels", {"app.kubernetes.io/component": "x"}, "example.com/team"),
        ("podLabels", {"helm.sh/chart": "x"}, "is set by the charts"),
        ("podLabels", {"team": True}, "Put the value in quotes"),
        ("podLabels", {"team": "a b"}, "must be the value of a Kubernetes label"),
        ("podAnnotations", {"checksum/config": "x"}, "is set by the charts: choose another key"),
        ("podAnnotations", {"a": 1}, "in quotes"),
        ("podAnnotations", {"a b": "x"}, "the key must be the key of a Kubernetes label"),
        ("nodeSelector", {"a/b/c": "x"}, "the key must be the key of a Kubernetes label"),
        ("imagePullSecrets", ["Registry"], "must be the name of a Kubernetes Secret"),
        ("imagePullSecrets", ["0x1"], "the chart writes it without quotes"),
        ("topologySpread", "zones", "must be one of zone, host, both, none"),
        ("affinity", {"nodeAffinty": {}}, "did you mean placement.affinity.nodeAffinity?"),
        (
            "affinity",
            {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0}]}},
            "must be an integer from 1 to 100",
        ),
    ],
)
def test_what_kubernetes_or_the_charts_refuse_is_refused_here(
    key: str, value: Any, said: str
) -> None:
    text = refusal(placement={key: value})

    assert said in text
    assert f"placement.{key}" in text


@sweep("system", ["tempo", "alloy", "beyla", "operator"])
def test_a_moved_priority_class_is_refused_with_its_new_key(system: str) -> None:
    text = refusal(**{system: {"priorityClass": "high"}})
    assert f"{system}.priorityClass\n    has moved" in text
    assert f"{system}.placement.priorityClass" in text


def test_every_system_has_a_placement_of_its_own() -> None:
    own = {
        "tempo": "tempo",
        "alloy": "alloy",
        "sampler": "alloy.sampling",
        "pod-logs": "alloy.podLogs",
        "beyla": "beyla",
        "operator": "operator",
        "canary": "canary",
    }
    groups: dict[str, Any] = {}
    for name, key in own.items():
        group = groups
        for part in key.split("."):
            group = group.setdefault(part, {})
        group["placement"] = {"priorityClass": name}
    settings = parse_settings({**BASE, **groups})

    found = [system.placement(settings).priority_class for system in SYSTEMS]
    assert found == list(own)


def test_the_summary_shows_what_is_set() -> None:
    placed = place(
        nodeSelector={"dedicated": "tracing"},
        tolerations=[{"key": "dedicated", "value": "tracing"}],
        topologySpread="zone",
        podLabels={},
        podAnnotations={"a": "x\n| y", "b": "z"},
    )
    assert placement.summary(placed) == (
        "nodeSelector dedicated=tracing, tolerations key=dedicated operator=Equal value=tracing, "
        "topologySpread zone, podLabels none, podAnnotations a and b"
    )
    assert placement.summary(place()) == ""


_PARTS = ("distributor", "querier", "queryFrontend", "memcached")
_KAFKA = {"version": 3, "kafka": {"address": "kafka:9092", "acknowledgeExperimental": True}}


@pytest.mark.parametrize(
    ("tempo", "parts"),
    [
        ({}, ("ingester", "compactor", "metricsGenerator")),
        (_KAFKA, ("liveStore", "blockBuilder", "backendScheduler", "backendWorker")),
    ],
)
def test_every_workload_can_do_without_a_cpu_limit(
    tempo: dict[str, Any], parts: tuple[str, ...]
) -> None:
    none = {"cpuLimitMillicores": 0}
    workload = dict.fromkeys((*_PARTS, *parts), none)
    settings = parse_settings(
        {
            **BASE,
            "tempo": {"mode": "distributed", "size": "m", "workloads": workload, **tempo},
            "alloy": {"workload": none},
            "cluster": {**BASE["cluster"], "nodes": 120},
            "beyla": {"namespaces": ["shop"], "workload": none},
            "operator": {"enabled": True, "workload": none},
            "canary": {"enabled": True, "workload": none},
        }
    )
    sizes = workloads(settings)

    assert len(sizes) == len(workload) + 5
    assert [n for n, size in sizes.items() if size.resources()["limits"].keys() != {"memory"}] == []
