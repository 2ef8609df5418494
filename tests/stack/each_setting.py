"""Each setting of a stack file changed by itself, and what follows from the change."""

import copy
import json
import runpy
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.checks import SettingsError
from components.checks.messages import entry_model, inner_model
from components.settings import TracingSettings
from config.loader import PROJECT
from config.providers import parsed
from plan.recorder import STACK_TYPE, Secret, record
from plan.run import Plan
from plan.stackfile import read

ROOT = Path(__file__).parents[2]
#: Place of a value in a stack file: group, then keys and numbers of entries.
Key = tuple[str | int, ...]
Config = dict[str, Any]

#: Values of settings that take few, so that none would be found by changing letters or numbers.
_VALUES: dict[Key, list[Any]] = {
    ("tracing:cluster", "accountId"): ["444444444444"],
    ("tracing:cluster", "region"): ["eu-central-1", "us-west-2"],
    ("tracing:environment", "name"): ["dev2", "dev"],
    # Bounds of the buckets of span metrics.
    ("tracing:slos", 1, "latency", "thresholdSeconds"): [1.02, 2.05, 0.51],
}


@cache
def stack_file(stack: str) -> Config:
    """Return the configuration in a stack file, values by full keys."""
    return {key: parsed(text) for key, text in read(ROOT, stack).values.items()}


def written(stack: str) -> list[Key]:
    """Return the places of all values in a stack file; a list of plain values counts as one."""
    return [key for group, value in stack_file(stack).items() for key in _leaves(value, (group,))]


def _leaves(value: Any, key: Key) -> Iterator[Key]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(cast(Config, value).items())
    elif isinstance(value, list):
        items = [(n, v) for n, v in enumerate(cast(list[Any], value)) if isinstance(v, dict)]
    if not items and value not in ({}, []):
        yield key
    for name, inner in items:
        yield from _leaves(inner, (*key, name))


def text_of(key: Key) -> str:
    """Return a place as messages write it, without the project: `tempo.size`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(f".{PROJECT}:").removeprefix(".")


def value_at(stack: str, key: Key) -> Any:
    """Return a value of a stack file."""
    node: Any = stack_file(stack)
    for part in key:
        node = node[part]
    return node


def _field_of(key: Key) -> FieldInfo | None:
    """Return the field of a setting; None for a key of a mapping that takes any."""
    model: type[BaseModel] | None = TracingSettings
    field: FieldInfo | None = None
    for part in (str(key[0]).removeprefix(f"{PROJECT}:"), *key[1:]):
        if isinstance(part, int):
            continue
        if model is None:
            return None
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        model = (inner_model(field) or entry_model(field)) if field else None
    return field


def others(key: Key, value: Any) -> list[Any]:
    """Return other values of the same kind, those that change most first."""
    if key in _VALUES:
        return [other for other in _VALUES[key] if other != value]
    field = _field_of(key)
    kinds = [field.annotation, *get_args(field.annotation)] if field else []
    choices = next((k for k in kinds if isinstance(k, type) and issubclass(k, Enum)), None)
    found: list[Any]
    if choices:
        found = [choice.value for choice in choices]
    elif isinstance(value, bool):
        found = [not value]
    elif isinstance(value, int | float):
        found = [value * 50, value * 2, value + 1, value - 1, value / 2]
    elif isinstance(value, list):
        entries = cast(list[Any], value)
        found = [[], *([*entries[:-1], other] for other in others((*key, 0), entries[-1]))]
    else:
        text = str(value)
        digits = text.translate(str.maketrans("23", "32"))
        # Another namespace, a longer name, another host or path, other digits.
        found = [text.replace(".svc", "x.svc", 1), f"{text}x", text.replace("//", "//x", 1)]
        found += [text.replace(".", "-x.", 1), digits]
    return [other for other in found if other != value]


def plan(stack: str, key: Key, value: Any) -> Plan:
    """Plan a stack file with one value changed.

    Args:
        stack: name of the stack.
        key: place of the value.
        value: the value; as it is in the file for the plan without a change.

    Raises:
        SettingsError: the configuration is refused.
    """
    config = copy.deepcopy(stack_file(stack))
    node: Any = config
    for part in key[:-1]:
        node = node[part]
    node[key[-1]] = value
    variables: dict[str, Any] = {}

    def program() -> None:
        variables.update(runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"))

    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    recording = record(program, project=PROJECT, stack=stack, config=values)
    return Plan(stack=stack, settings=variables["config"].settings, recording=recording)


def resources(made: Plan) -> str:
    """Return the resources of a plan as text, with the secrets in plain."""
    inputs = [
        (r.urn, r.inputs, r.protect, r.retain_on_delete, r.dependencies)
        for r in made.recording.resources
        if r.type != STACK_TYPE
    ]
    return json.dumps(inputs, default=lambda secret: cast(Secret, secret).value)


@cache
def unchanged(stack: str) -> Plan:
    key = written(stack)[0]
    return plan(stack, key, value_at(stack, key))


@cache
def _unchanged_resources(stack: str) -> str:
    return resources(unchanged(stack))


def changes_resources(changed: Plan) -> bool:
    """Tell whether the plan of a changed stack file has other resources."""
    return resources(changed) != _unchanged_resources(changed.stack)


def effect(stack: str, key: Key) -> str:
    """Return what a change of a value does: `resources`, `nothing`, or `refused` by all of them."""
    accepted = False
    for value in others(key, value_at(stack, key)):
        try:
            if changes_resources(plan(stack, key, value)):
                return "resources"
            accepted = True
        except SettingsError:
            continue
    return "nothing" if accepted else "refused"
