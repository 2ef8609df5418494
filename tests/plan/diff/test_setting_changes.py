"""Every setting whose change loses data or needs an order says so in the plan diff."""

import dataclasses
import functools
from typing import Any

from components.checks.messages import all_keys, on_changes
from components.checks.validate import parse_settings
from components.core.on_change import Direction, OnChange
from components.core.registry import workloads
from components.stack import TracingStack, TracingStackArgs
from plan.diff.changes import Operation, changes
from plan.diff.ordering import warned
from plan.diff.trees import Planned
from plan.recorder import record
from plan.write import documents
from tests.plan.diff.plans import planned
from tests.sweep import sweep

MARKED = dict(on_changes())
#: Groups that own something in AWS, volumes or namespaces.
GROUPS = ("environment", "cluster", "namespaces", "identity", "storage", "tempo")
#: The only settings of these groups that carry no mark, with a change of each. What such a change
#: loses must follow from the plans themselves.
UNMARKED: dict[str, Any] = {
    "environment.tier": "production",
    "cluster.nodes": 80,
    "cluster.nodeCidrs": ["10.9.0.0/16"],
    "namespaces.scrapers": ["metrics"],
    "namespaces.networkPolicies": False,
    "storage.bucket": "another-bucket",
    "storage.acknowledgeDataLoss": True,
    "storage.s3Endpoint": "dualstack",
    "tempo.size": "l",
    # Without Tempo 3 there is none. What loses spans is marked.
    "tempo.kafka": None,
    "tempo.traceqlMetrics": False,
    "tempo.workloads": {"ingester": {"replicas": 6, "volumeGib": 80}},
    "tempo.limits": {"maxTraceMib": 9},
    "tempo.maxSearchHours": 200,
    "tempo.maxMetricsHours": 48,
    "tempo.blocks": {"maxMinutes": 20, "keptMinutes": 20, "idleSeconds": 20},
    "tempo.slackMinutes": 20,
    "tempo.spanMetrics.dimensions": ["tenant.id"],
    "tempo.acceptTwoIngesters": False,
    "tempo.config": {"server": {"log_level": "warn"}},
    "tempo.overrides": {"single-tenant": {"ingestion": {"rate_limit_bytes": 1000000}}},
    "tempo.values": {"ingester": {"labels": {"a": "b"}}},
}
#: Those of them that need an order all the same, by what follows from them.
DERIVED = {
    "storage.bucket": "traceBucketName",
    "tempo.size": "volumeGib of tempo ingester",
    "tempo.workloads": "volumeGib of tempo ingester",
}
#: Settings elsewhere whose change takes a release or an object away.
TAKING_AWAY: dict[str, Any] = {
    "beyla.enabled": False,
    "beyla.namespaces": [],
}
BASE: dict[str, Any] = {
    "environment": {"name": "qa", "tier": "staging"},
    "cluster": {"name": "c1", "region": "eu-west-1", "accountId": "111111111111"},
    "storage": {"encryption": "sse-kms"},
    "tempo": {"mode": "distributed", "size": "m"},
    "beyla": {"namespaces": ["shop"]},
    "operator": {"enabled": True},
}


def with_change(key: str, value: Any) -> dict[str, Any]:
    group, *names = key.split(".")
    for name in reversed(names):
        value = {name: value}
    return {**BASE, group: {**BASE.get(group, {}), **value}}


@functools.cache
def base() -> Planned:
    return plan(BASE)


def plan(groups: dict[str, Any]) -> Planned:
    """Return the plan of some settings, as the plan diff compares it."""
    settings = parse_settings(groups)
    recording = record(
        lambda: TracingStack("tracing", TracingStackArgs(settings=settings)), preview=True
    )
    return planned(
        documents(recording),
        outputs={"traceBucketName": settings.bucket},
        settings=settings.model_dump(mode="json", by_alias=True),
        workloads={name: dataclasses.asdict(size) for name, size in workloads(settings).items()},
    )


def test_every_setting_that_holds_something_is_marked_or_looked_at() -> None:
    """A new setting of these groups is a decision: mark it, or add a change of it above."""
    keys = {key for key in all_keys() if key.split(".")[0] in GROUPS and "." in key}
    marked = {key for key in MARKED if key.split(".")[0] in GROUPS}
    within = tuple(f"{key}." for key in (*UNMARKED, *marked))
    # A group of marked settings has none of its own.
    keys -= {key.rpartition(".")[0] for key in marked} - marked - {*UNMARKED}
    assert {k for k in keys if not k.startswith(within)} == {
        *UNMARKED,
        *(key for key in marked if not key.startswith(within)),
    }


@sweep(("key", "value"), [*UNMARKED.items(), *TAKING_AWAY.items()])
def test_what_an_unmarked_setting_takes_away_is_named(key: str, value: Any) -> None:
    after = plan(with_change(key, value))
    gone = [
        change
        for change in changes(base(), after)
        if change.operation in (Operation.DELETE, Operation.REPLACE)
    ]
    losses = [change for change in gone if change.loss is None or change.loss.data]
    if key in TAKING_AWAY:
        assert losses
    else:
        # A replaced bucket is named as such, and comes with an order.
        assert not losses or key in DERIVED
    assert [w.fact for w in warned(base(), after) if w.fact == DERIVED.get(key)] == (
        [DERIVED[key]] if key in DERIVED else []
    )


SAMPLES: dict[Direction, tuple[tuple[Any, Any], ...]] = {
    Direction.ANY: (("a", "b"), (None, "b"), ([], ["b"])),
    Direction.LESS: ((2, 1), (True, False)),
    Direction.MORE: ((1, 2), (False, True)),
}


@sweep("key", MARKED)
def test_a_marked_setting_is_warned_of_in_its_direction_alone(key: str) -> None:
    mark = MARKED[key]
    for before, after in SAMPLES[mark.direction]:
        # A mark of the group around it may be there too.
        warnings = warned(with_leaf(key, before), with_leaf(key, after))
        [found] = [warning for warning in warnings if warning.fact == key]
        assert all(key.startswith(warning.fact) for warning in warnings)
        assert found.order.says == f"{mark.happens} {mark.do}"
        back = warned(with_leaf(key, after), with_leaf(key, before))
        assert bool(back) == (mark.direction is Direction.ANY)
    assert warned(with_leaf(key, 1), with_leaf(key, 1)) == []


def with_leaf(key: str, value: Any) -> Planned:
    for part in reversed(key.split(".")):
        value = {part: value}
    return planned(settings=value)


def test_a_mark_is_a_sentence_or_two_and_says_what_to_do() -> None:
    marks: set[OnChange] = set(MARKED.values())
    for mark in marks:
        for text in (mark.happens, mark.do):
            assert text[0].isupper() or text.startswith("`")
            assert text.endswith(".")
