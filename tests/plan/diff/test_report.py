"""The report: what stands first, what is folded, what is left out."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from components.core.tier import Tier
from plan import policies
from plan.diff import MARKER
from plan.diff.environment import Environment, environment
from plan.diff.report import LIMIT, report
from plan.diff.trees import Commits, Planned
from plan.stackfile import MASK
from tests.plan.diff.plans import planned, release, resource

COMMITS = Commits(
    base="main", base_commit="1111111", head_commit="2222222", changed=False, missing=0
)
BUCKET = "aws:s3/bucket:Bucket"


def compared(before: Planned | None, after: Planned | None, stack: str = "qa") -> Environment:
    return environment(stack, before, after)


def text(*environments: Environment, limit: int | None = LIMIT, **rest: Any) -> str:
    return report(environments, COMMITS, docs="docs", limit=limit, **rest)


def test_nothing_is_said_in_one_line() -> None:
    same = planned([release("tempo", {})])
    said = text(*(compared(same, same, stack) for stack in ("dev", "prod")))
    assert said.startswith(f"{MARKER}\n")
    assert "\nNothing changes in dev, prod.\n" in said
    assert "|" not in said


def test_the_table_counts() -> None:
    before = planned(
        [release("a", {}), release("b", {"x": 1}), resource(BUCKET, "c", {"bucket": "o"})]
    )
    after = planned(
        [release("b", {"x": 2}), resource(BUCKET, "c", {"bucket": "n"}), release("d", {})]
    )
    same = compared(before, before, "dev")
    said = text(same, compared(before, after, "prod"))
    assert "| **prod** | 1 | 1 | 1 | 1 |" in said
    assert "| **dev**" not in said
    assert "Nothing changes in dev." in said


def test_losses_and_orders_stand_before_everything_else() -> None:
    before = planned(
        [resource(BUCKET, "traces", {"bucket": "a"}, protect=True), release("tempo", {"x": 1})],
        outputs={"traceBucketName": "a"},
        stack_file={"config": {"tracing:storage": {"bucket": "a"}}},
    )
    after = planned(
        [resource(BUCKET, "traces", {"bucket": "b"}, protect=True), release("tempo", {"x": 2})],
        outputs={"traceBucketName": "b"},
        stack_file={"config": {"tracing:storage": {"bucket": "b"}}},
    )
    said = text(compared(before, after))
    order = ["**Bucket `traces`** is replaced: `bucket` changes from `a` to `b`", "[!WARNING]"]
    order += ["Settings in Pulumi.qa.yaml", "Exports, which", "Helm values of tempo"]
    assert [said.index(part) for part in order] == sorted(said.index(part) for part in order)
    assert "`up` refuses all of them" in said
    assert "It is protected: preview and `up` fail." in said
    assert "finds none of the old traces" in said
    assert "[What to do](docs/changes.md#replace-the-bucket)" in said
    assert "**`up` refuses 1 change**" in said


def test_a_resource_that_only_moves_in_the_tree_is_told() -> None:
    bucket = resource(BUCKET, "traces", {"bucket": "a"})
    moved = {**bucket, "urn": "urn:pulumi:qa::tracing::tracing:index:Other$aws::traces"}
    said = text(compared(planned([bucket]), planned([moved])))
    assert "**1 deleted resource also stands among the created ones**" in said
    assert "`aliases`" in said
    both = [bucket, resource(BUCKET, "other", {"bucket": "b"})]
    assert "aliases" not in text(compared(planned(both), planned([bucket])))


def test_a_component_that_goes_is_counted_and_not_told_of() -> None:
    gone = [resource("tracing:index:Beyla", "tracing-beyla", {}), release("beyla", {})]
    said = text(compared(planned(gone), planned([])))
    assert "**2 resources deleted.**" in said
    assert "**Release `tracing-beyla-release`** is deleted." in said
    assert "Nothing by itself" not in said


def test_a_lifted_protection_is_told_though_nothing_else_changes() -> None:
    before = planned([resource(BUCKET, "traces", {"bucket": "a"}, protect=True)])
    after = planned([resource(BUCKET, "traces", {"bucket": "a"})])
    said = text(compared(before, after))
    assert "**No longer protected**: `traces`." in said
    assert "No resource changes." in said
    assert "| **qa** | - | - | - | - | **no longer protected** |" in said


def test_a_new_environment() -> None:
    said = text(compared(None, planned([release("tempo", {})], warnings=["Look here."])))
    assert "| **qa** | 1 | - | - | - | a new environment |" in said
    assert "A new environment of 1 resource: 1 Release." in said
    assert "Look here." in said


def test_a_stack_file_that_is_gone() -> None:
    said = text(compared(planned([release("tempo", {})]), None))
    assert "nothing deletes the 1 resource that it made" in said
    assert "make destroy STACK=qa" in said


def test_a_stack_file_that_is_refused_and_one_that_the_base_could_not_plan() -> None:
    wrong = Planned(stack="qa", error="Pulumi.qa.yaml: 1 problem\n\n  tracing:x")
    good = planned([release("tempo", {})])
    said = text(compared(good, wrong))
    assert "`make plan STACK=qa` refuses this stack file:\n\n```text\nPulumi.qa.yaml: 1" in said
    said = text(compared(wrong, good))
    assert "The base can't plan this stack" in said
    assert "| **qa** | ? | ? | ? | ? | the base can't be planned |" in said


def with_settings(*sides: dict[str, Any]) -> str:
    before, after = (
        planned(
            [release("tempo", {"number": number})],
            stack_file=side.get("file", {}),
            settings=side.get("settings", {}),
        )
        for number, side in enumerate(sides)
    )
    return text(compared(before, after))


def test_settings_as_written_and_what_follows_from_them() -> None:
    said = with_settings(
        {
            "file": {"config": {"tracing:environment": {"tier": "staging"}}},
            "settings": {"environment": {"tier": "staging"}, "storage": {"protect": False}},
        },
        {
            "file": {"config": {"tracing:environment": {"tier": "production"}}},
            "settings": {"environment": {"tier": "production"}, "storage": {"protect": True}},
        },
    )
    assert "| `tracing:environment.tier` | `staging` | `production` |" in said
    follow = said.partition("Settings that follow from these")[2]
    assert "| `storage.protect` | `false` | `true` |" in follow
    assert "environment.tier" not in follow


def test_a_default_that_the_code_changes() -> None:
    said = with_settings(
        {"settings": {"tempo": {"retentionHours": 336}}},
        {"settings": {"tempo": {"retentionHours": 168, "aNewSetting": 1}}},
    )
    assert "Settings whose default is another now" in said
    assert "| `tempo.retentionHours` | `336` | `168` |" in said
    assert "aNewSetting" not in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"tracing:logsPassword": {"secure": "v1:a"}},
            {"tracing:logsPassword": {"secure": "v1:b"}},
        ),
        ({}, {"tracing:logsPassword": {"secure": "v1:b"}}),
        ({"aws:secretKey": "v1:a"}, {"aws:secretKey": "v1:b"}),
        (
            {"aws:endpoints": [{"s3": {"secure": "v1:a"}}]},
            {"aws:endpoints": [{"s3": {"secure": "v1:b"}}]},
        ),
        ({"aws:endpoints": []}, {"aws:endpoints": [{"s3": {"secure": "v1:b"}}]}),
    ],
)
def test_a_secret_is_masked(before: dict[str, Any], after: dict[str, Any]) -> None:
    said = with_settings({"file": {"config": before}}, {"file": {"config": after}})
    assert MASK in said
    assert "v1:" not in said


def test_the_keys_of_the_state_are_masked() -> None:
    said = with_settings({"file": {"encryptionsalt": "v1:a"}}, {"file": {"encryptionsalt": "v1:b"}})
    assert "v1:" not in said


SIZE = {"cpu_request_millicores": 500, "memory_request_mib": 1024, "volume_gib": 10}


def test_what_it_asks_of_the_cluster() -> None:
    def plan(replicas: int, **more: Any) -> Planned:
        workloads = {"tempo ingester": {"replicas": replicas, **SIZE}, **more}
        return planned([release("tempo", {"n": replicas})], workloads=workloads)

    alloy = {"replicas": 2, **SIZE, "volume_gib": None}
    said = text(compared(plan(3, alloy=alloy), plan(6, alloy=alloy)))
    row = "3 → 6 | 1.5 → 3 | 3.0 GiB → 6.0 GiB | 30 GiB → 60 GiB |"
    assert f"| `tempo ingester` | {row}" in said
    assert "`alloy`" not in said
    assert "| **sum** | 5 → 8 | 2.5 → 4 | 5.0 GiB → 8.0 GiB | 30 GiB → 60 GiB |" in said


def costing(total: float | None, volumes: float | None) -> Planned:
    cost: dict[str, Any] = {
        "currency": "USD",
        "total": total,
        "parts": {"volumes": volumes},
        "unknown": [],
    }
    return planned([release("tempo", {"cost": total})], cost=cost)


def test_what_it_costs() -> None:
    said = text(compared(costing(100, 40), costing(80.5, 20.5)))
    assert "| **qa** | - | 1 | - | - | -19.50 |" in said
    assert "| volumes | 40.00 | 20.50 | -19.50 |" in said
    assert "| **sum** | 100.00 | 80.50 | -19.50 |" in said
    said = text(compared(costing(100, 40), costing(None, None)))
    assert "| **sum** | 100.00 | unknown |" in said
    assert "per month" not in said


def with_policies(resources: Sequence[dict[str, Any]], **rest: Any) -> Planned:
    """Return a plan of a production environment that knows what it violates."""
    tier = Tier.PRODUCTION
    asked = json.loads(policies.as_json(policies.ask(resources, tier), tier))
    settings = {"environment": {"tier": tier.value}}
    return planned(resources, policy=asked, settings=settings, **rest)


def test_policies_that_are_violated_from_now_on_or_no_longer() -> None:
    pinned, unpinned = release("tempo", {}), release("tempo", {}, version="2.x")
    said = text(compared(with_policies([pinned]), with_policies([unpinned])))
    assert "- `chart-unpinned` (mandatory) at `tracing-tempo-release`:" in said
    assert "1 policy violation" in said
    said = text(compared(with_policies([unpinned]), with_policies([pinned])))
    assert "No longer violated: `chart-unpinned`." in said
    assert "policy violation" not in said
    # What was violated and still is, is no news.
    tagged = release("tempo", {"a": 1}, version="2.x")
    assert "chart-unpinned" not in text(
        compared(with_policies([unpinned]), with_policies([tagged]))
    )


def test_a_policy_of_the_step_is_asked_with_what_was_there() -> None:
    def keeping(hours: int) -> Planned:
        return with_policies([release("tempo", {"tempo": {"retention": f"{hours}h"}})])

    assert "retention-shortened" in text(compared(keeping(100), keeping(20)))
    assert "retention-shortened" not in text(compared(keeping(100), keeping(60)))


def test_a_base_that_knows_no_policies_is_not_compared() -> None:
    said = text(compared(planned([]), with_policies([release("tempo", {}, version="2.x")])))
    assert "chart-unpinned" not in said


def planned_release(values: dict[str, Any], small: int) -> Planned:
    return planned([release("tempo", values), release("alloy", {"small": small})])


def test_what_has_no_room_is_named_and_the_rest_stays() -> None:
    many = [{f"key{n}": f"{side} {n}" for n in range(9_000)} for side in ("old", "new")]
    before, after = (planned_release(v, n) for n, v in enumerate(many))
    environment = compared(before, after)
    said = text(environment)
    assert len(said) <= LIMIT < 65_536
    assert "**Helm values of tempo: 9000 changed**: left out here," in said
    assert "build/plan-diff/full.md" in said
    assert "| `small` | `0` | `1` |" in said
    full = text(environment, limit=None)
    assert "| `key8999` | `old 8999` | `new 8999` |" in full


def test_what_two_environments_have_in_common_is_told_once() -> None:
    values = [{f"key{n}": f"{side} {n}" for n in range(40)} for side in ("old", "new")]
    before, after = (planned([release("tempo", v)]) for v in values)
    said = text(compared(before, after, "dev"), compared(before, after, "prod"))
    assert said.count("| `key7` |") == 1
    assert "**Helm values of tempo: 40 changed**: the same as in dev." in said


def test_a_base_with_commits_of_its_own_is_told() -> None:
    same = planned([])
    behind = Commits(base="main", base_commit="1", head_commit="2", changed=True, missing=3)
    said = report([compared(same, same)], behind, docs="docs", notes=["No helm."])
    assert "`main` has 3 commits that the working tree does not have" in said
    assert "with changes that are not committed" in said
    assert "> No helm." in said
