"""A group that is a list goes through loading, messages and schema like those that are mappings."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from components.checks.validate import validate
from config.loader import TracingConfig, load_config
from config.schema import PROJECT_FILE, json_schema, reference
from plan.recorder import record

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "name": "cart-availability",
    "owner": "shop",
    "objective": 99.9,
    "availability": {"service": "cart", "namespace": "shop"},
}
METRICS = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}


def groups(*slos: Any) -> dict[str, Any]:
    return {
        "environment": {"name": "dev"},
        "cluster": {
            "name": "test",
            "region": "eu-west-1",
            "accountId": "123456789012",
            "kubeContext": "test",
        },
        "backends": {"metrics": METRICS},
        "slos": list(slos),
    }


def messages(*slos: Any) -> dict[str, str]:
    _, problems = validate(groups(*slos))
    return {p.key: p.message for p in problems}


def test_a_list_of_objectives_is_loaded_from_a_stack_file() -> None:
    found: list[TracingConfig] = []
    config = {f"tracing:{k}": json.dumps(v) for k, v in groups(GOOD).items()}
    record(lambda: found.append(load_config()), config=config)
    assert [slo.name for slo in found[0].settings.slos] == ["cart-availability"]


def test_problems_name_the_entry() -> None:
    found = messages(GOOD, {**GOOD, "name": "b", "objectiv": 3}, {**GOOD, "name": "B_"})
    assert found["slos[1].objectiv"] == "unknown key; did you mean slos[1].objective?"
    assert found["slos[2].name"].startswith("must be 1 to 63 lowercase letters, digits or hyphens")
    assert set(found) == {"slos[1].objectiv", "slos[2].name"}


def test_entries_behind_a_wrong_one_keep_their_number() -> None:
    found = messages({}, "text", {**GOOD, "availability": None})
    assert {k.split(".")[0] for k in found} == {"slos[0]", "slos[1]", "slos[2]"}
    assert found["slos[1]"].startswith("must be a mapping with the keys name, ")
    assert found["slos[2]"].startswith("needs one of availability, latency, ratio")


def test_an_unknown_key_is_looked_up_in_its_own_entry() -> None:
    found = messages({**GOOD, "availability": {**GOOD["availability"], "namspace": "x"}})
    assert found == {
        "slos[0].availability.namspace": "unknown key; did you mean slos[0].availability.namespace?"
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("objective", 100, "must be a number from 0.001 to 99.999"),
        ("objective", True, "must be a number from 0.001 to 99.999"),
        ("objective", "most", "must be a number from 0.001 to 99.999"),
        ("windowDays", 90, "must be an integer from 7 to 32"),
        ("leastFailures", -1, "must be an integer from 0 to 1000000"),
    ],
)
def test_numbers_are_told_with_their_bounds(key: str, value: Any, message: str) -> None:
    assert messages({**GOOD, key: value}) == {f"slos[0].{key}": message}


def test_a_threshold_is_a_number_above_zero() -> None:
    latency = {**GOOD["availability"], "thresholdSeconds": 0}
    slo = {**GOOD, "availability": None, "latency": latency}
    found = messages(slo)
    assert found == {"slos[0].latency.thresholdSeconds": "must be a number above 0, up to 3600"}


def test_a_mapping_where_the_list_belongs_is_refused() -> None:
    _, problems = validate({**groups(), "slos": {"cart": GOOD}})
    assert [p.key for p in problems] == ["slos"]
    assert problems[0].message.startswith("must be a list of mappings with the keys name, ")


def test_validating_changes_nothing_that_was_given() -> None:
    given = groups({}, GOOD)
    before = copy.deepcopy(given)
    validate(given)
    assert given == before


def test_the_schema_of_editors_takes_a_list_and_nothing_else() -> None:
    config = {f"tracing:{k}": v for k, v in groups(GOOD).items()}
    jsonschema.validate({"config": config}, json_schema())
    config["tracing:slos"] = GOOD
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"config": config}, json_schema())


def test_pulumi_knows_it_as_a_list_of_objects() -> None:
    declared = yaml.safe_load((ROOT / PROJECT_FILE).read_text())["config"]["slos"]
    assert (declared["type"], declared["items"], declared["default"]) == (
        "array",
        {"type": "object"},
        [],
    )


def test_the_reference_lists_the_keys_of_an_entry() -> None:
    section = reference().partition("## `tracing:slos`")[2].partition("\n## ")[0]
    assert "A list of mappings with these keys:" in section
    assert "| `latency.thresholdSeconds` | a number above 0, up to 3600 | **required** |" in section
