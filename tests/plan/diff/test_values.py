"""Differences of values by path."""

import json
from typing import Any

from plan.diff.values import MISSING, differences
from tests.sweep import sweep

Told = list[tuple[str, Any, Any]]

CASES: list[tuple[Any, Any, Told]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
    ({"a": 1}, {"b": 1}, [("a", 1, MISSING), ("b", MISSING, 1)]),
    ({"a": {"b": 1, "c": 2}}, {}, [("a.b", 1, MISSING), ("a.c", 2, MISSING)]),
    ({}, {"a": {}}, [("a", MISSING, {})]),
    ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
    ({"a": 1}, {"a": True}, [("a", 1, True)]),
    ({"a": None}, {"a": 0}, [("a", None, 0)]),
    ({"a.b/c": 1}, {"a.b/c": 2}, [('["a.b/c"]', 1, 2)]),
    ({"a": [1, 2]}, {"a": [1, 3]}, [("a[1]", 2, 3)]),
    ({"a": [1, 2]}, {"a": [2]}, [("a[0]", 1, MISSING)]),
    ({"a": []}, {"a": [{"x": 1}]}, [("a[0]", MISSING, {"x": 1})]),
]


def told(before: Any, after: Any) -> Told:
    return [(d.name, d.before, d.after) for d in differences(before, after)]


@sweep(("before", "after", "expected"), CASES)
def test_places_that_differ(before: Any, after: Any, expected: Told) -> None:
    assert told(before, after) == expected


def test_items_of_a_list_are_known_by_their_names_wherever_they_stand() -> None:
    before = [{"name": "a", "value": 1}, {"name": "b", "value": 2}]
    after = [{"name": "new", "value": 0}, {"name": "a", "value": 1}, {"name": "b", "value": 3}]
    assert told({"env": before}, {"env": after}) == [
        ("env[b].value", 2, 3),
        ("env[new]", MISSING, {"name": "new", "value": 0}),
    ]


def test_names_that_are_there_twice_tell_nothing_apart() -> None:
    before = [{"name": "a", "value": 1}, {"name": "a", "value": 2}]
    after = [{"name": "a", "value": 1}, {"name": "a", "value": 3}]
    assert told(before, after) == [("[1].value", 2, 3)]


def test_a_policy_in_json_differs_in_its_statements() -> None:
    def policy(action: str) -> str:
        return json.dumps({"Statement": [{"Sid": "Read", "Action": action}]})

    assert told({"policy": policy("s3:GetObject")}, {"policy": policy("s3:*")}) == [
        ("policy.Statement[Read].Action", "s3:GetObject", "s3:*")
    ]


def test_the_same_json_written_in_another_way_is_a_difference() -> None:
    assert told('{"a": 1}', '{"a":1}') == [("", '{"a": 1}', '{"a":1}')]


def test_order_alone_is_a_difference() -> None:
    before, after = [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]
    assert told({"l": before}, {"l": after}) == [("l", before, after)]
