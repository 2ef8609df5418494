"""No setting is dead: each value of each stack file changes what is made, or is refused."""

from functools import cache

import pytest

from components.checks import SettingsError
from plan.write import files
from tests.stack import each_setting
from tests.stack.each_setting import (
    Key,
    changes_resources,
    effect,
    others,
    plan,
    text_of,
    unchanged,
    value_at,
    written,
)

#: Settings that no resource follows from, with the file of the plan in which a change shows.
PLAN_ONLY = {
    # The plan warns where an evaluator can't have the series of its rules.
    "alerts.evaluator": "summary.md",
    "backends.metrics.type": "summary.md",
    # They describe the load, for costs and for the sizes that it needs.
    "load.growthPercentPerMonth": "cost.json",
    "load.operations": "cost.json",
    "load.edges": "cost.json",
}
#: Settings that can't change alone in a stack, with the setting that has to change with them.
REFUSED = {
    ("dev", "cluster.accountId"): "identity.permissionsBoundaryArn",
    ("prod", "cluster.accountId"): "identity.permissionsBoundaryArn",
    ("staging", "cluster.accountId"): "identity.permissionsBoundaryArn",
    ("prod", "cluster.region"): "storage.kmsKeyArn",
    ("prod", "storage.encryption"): "storage.kmsKeyArn",
    ("dev", "tempo.mode"): "tempo.size",
    ("local", "environment.name"): "storage.endpoint",
    ("local", "identity.mode"): "storage.endpoint",
}
#: Prod has nearly every setting that one of the others has.
STACKS = {
    "prod": (),
    "dev": pytest.mark.slow,
    "local": pytest.mark.slow,
    "staging": pytest.mark.slow,
}
EVERY = [
    pytest.param(stack, key, id=f"{stack}-{text_of(key)}", marks=marks)
    for stack, marks in STACKS.items()
    for key in written(stack)
]


@pytest.mark.parametrize(("stack", "key"), EVERY)
def test_a_setting_changes_a_resource_is_refused_or_shows_in_the_plan(stack: str, key: Key) -> None:
    name = text_of(key)
    if place := PLAN_ONLY.get(name):
        assert shows_in(place, stack, key)
    elif with_it := REFUSED.get((stack, name)):
        assert with_it in refusal(stack, key)
    else:
        assert effect(stack, key) == "resources", (
            f"no resource follows from {name}: let one, remove the setting, or add it to PLAN_ONLY"
        )


def shows_in(place: str, stack: str, key: Key) -> bool:
    """Tell whether a change of a value shows in a file of the plan, and in no resource."""
    before = _files(stack)
    for value in others(key, value_at(stack, key)):
        try:
            after = plan(stack, key, value)
        except SettingsError:
            continue
        assert not changes_resources(after), f"{text_of(key)} is not PLAN_ONLY any more"
        if files(after)[place] != before[place]:
            return True
    return False


@cache
def _files(stack: str) -> dict[str, str]:
    return files(unchanged(stack))


def refusal(stack: str, key: Key) -> str:
    """Return why the other values of a setting are refused."""
    said: list[str] = []
    for value in others(key, value_at(stack, key)):
        with pytest.raises(SettingsError) as refused:
            plan(stack, key, value)
        said.append(str(refused.value))
    return "\n".join(said)


def test_a_setting_that_no_resource_follows_from_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(*_: object) -> list[int]:
        return [600]

    monkeypatch.setattr(each_setting, "others", one)
    assert effect("dev", ("tracing:tempo", "retentionHours")) == "resources"
    assert effect("dev", ("tracing:load", "operations")) == "nothing"


def test_marks_name_settings_that_stack_files_have() -> None:
    there = {(stack, text_of(key)) for stack in STACKS for key in written(stack)}
    assert set(REFUSED) <= there
    assert set(PLAN_ONLY) <= {name for _, name in there}
