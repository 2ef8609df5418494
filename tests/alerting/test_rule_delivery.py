"""Rule groups as objects in the cluster."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.alerting import delivery
from components.alerting.delivery import (
    MAX_RULES,
    RuleGroup,
    RuleGroups,
    RuleGroupsArgs,
    rule_files,
    split,
)
from components.alerting.settings import RuleDelivery
from components.core.units import MAX_OBJECT_BYTES
from plan.recorder import Recording, record
from tests.properties import examples

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
PROMETHEUS_RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"

both_modes = pytest.mark.parametrize("preview", [True, False])


def group(name: str, rules: int, text: str = "up") -> RuleGroup:
    made = [{"record": f"{name}:{number}", "expr": text} for number in range(rules)]
    return {"name": name, "interval": "1m", "rules": made}


def run(kind: RuleDelivery, groups: list[RuleGroup], *, preview: bool) -> Recording:
    args = RuleGroupsArgs(
        groups=groups,
        delivery=kind,
        namespace="monitoring",
        object_name="tracing-alerts",
        labels={"release": "prometheus"},
    )
    return record(lambda: RuleGroups("alerts", args), preview=preview)


def object_names(recording: Recording) -> list[str]:
    component = recording.one("tracing:index:RuleGroups")
    return recording.component_outputs[component.urn]["objectNames"]


@given(counts=st.lists(st.integers(0, 100), max_size=10))
def test_no_rule_is_lost_and_no_group_too_long(counts: list[int]) -> None:
    groups = [group(f"g{number}", count) for number, count in enumerate(counts)]
    parts = list(split(groups))

    assert all(0 < len(part["rules"]) <= MAX_RULES for part in parts)
    assert [r for p in parts for r in p["rules"]] == [r for g in groups for r in g["rules"]]
    assert len({part["name"] for part in parts}) == len(parts)
    assert all(part["interval"] == "1m" for part in parts)


@given(sizes=st.lists(st.integers(1, 400_000), min_size=1, max_size=8), quoted=st.booleans())
@examples(10)
def test_no_object_passes_its_limit(sizes: list[int], quoted: bool) -> None:
    letter = '"' if quoted else "é"
    groups = [group(f"g{n}", 1, letter * (size // 2)) for n, size in enumerate(sizes)]
    files = rule_files("rules", groups)

    assert [g for file in files for g in file.groups] == groups
    assert len({file.name for file in files}) == len(files)
    assert all(len(file.text.encode()) <= MAX_OBJECT_BYTES for file in files)


def test_a_file_is_a_rule_file() -> None:
    groups = [group("a", 25), group("b", 1, 'x{y="é"} > 1')]
    [file] = rule_files("rules", groups)

    assert yaml.safe_load(file.text) == {"groups": file.groups}
    assert [g["name"] for g in file.groups] == ["a", "a-2", "b"]


def test_many_groups_fill_several_objects_in_order() -> None:
    files = rule_files("rules", [group(f"g{n}", 20, "x" * 5000) for n in range(20)])

    assert [file.name for file in files] == ["rules", "rules-2", "rules-3"]


def test_a_group_that_no_object_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="rule group huge has"):
        rule_files("rules", [group("huge", 1, "x" * MAX_OBJECT_BYTES)])


@pytest.mark.parametrize("second", ["a", "a-2"])
def test_two_groups_of_one_name_are_refused(second: str) -> None:
    with pytest.raises(ValueError, match="two rule groups are named"):
        rule_files("rules", [group("a", 25), group(second, 1)])


@both_modes
def test_none_makes_nothing(preview: bool) -> None:
    recording = run(RuleDelivery.NONE, [group("a", 1)], preview=preview)

    assert not recording.of_type(CONFIG_MAP)
    assert not recording.of_type(PROMETHEUS_RULE)
    assert object_names(recording) == []


@both_modes
@pytest.mark.parametrize("kind", [RuleDelivery.CONFIG_MAP, RuleDelivery.PROMETHEUS_RULE])
def test_objects_are_found_by_their_labels(kind: RuleDelivery, preview: bool) -> None:
    recording = run(kind, [group("a", 1)], preview=preview)
    made = recording.one(CONFIG_MAP if kind is RuleDelivery.CONFIG_MAP else PROMETHEUS_RULE)
    metadata: dict[str, Any] = made.inputs["metadata"]

    assert metadata["name"] == "tracing-alerts"
    assert metadata["namespace"] == "monitoring"
    assert metadata["labels"]["release"] == "prometheus"
    assert metadata["labels"]["app.kubernetes.io/part-of"] == "tracing"


@both_modes
def test_a_config_map_holds_a_rule_file(preview: bool) -> None:
    made = run(RuleDelivery.CONFIG_MAP, [group("a", 2)], preview=preview).one(CONFIG_MAP)

    [(name, text)] = made.inputs["data"].items()
    assert name == "tracing-alerts.yaml"
    assert yaml.safe_load(text) == {"groups": [group("a", 2)]}


@both_modes
def test_a_prometheus_rule_holds_the_groups(preview: bool) -> None:
    made = run(RuleDelivery.PROMETHEUS_RULE, [group("a", 2)], preview=preview)
    inputs = made.one(PROMETHEUS_RULE).inputs

    assert inputs["apiVersion"] == "monitoring.coreos.com/v1"
    assert inputs["kind"] == "PrometheusRule"
    assert inputs["spec"] == {"groups": [group("a", 2)]}


@both_modes
def test_several_objects_have_names_of_their_own(
    preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_OBJECT_BYTES", 300)
    recording = run(
        RuleDelivery.CONFIG_MAP, [group("a", 2), group("b", 3), group("c", 2)], preview=preview
    )
    objects = recording.of_type(CONFIG_MAP)

    assert len(objects) > 1
    assert len({o.name for o in objects}) == len(objects)
    assert object_names(recording) == [o.inputs["metadata"]["name"] for o in objects]
