"""Reads a stack file as the Pulumi CLI does, without the CLI."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from components.rules import Problem, SettingsError
from plan.dumping import MASK

_TOP_LEVEL = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """The configuration of one stack.

    Attributes:
        values: full keys to text, objects as JSON, as a program is handed them.
        secret_keys: keys that are encrypted, or hold something encrypted.
    """

    values: dict[str, str]
    secret_keys: list[str]


class _Loader(yaml.SafeLoader):
    """Reads YAML as the CLI does: no yes and no for booleans, no key twice, Go's numbers."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise _marked(key, f"the key {key.value} is there twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def integer(self, node: yaml.ScalarNode) -> int:
        text = node.value.replace("_", "")
        if re.fullmatch(r"[-+]?0[0-7]+", text):
            return int(text, 8)
        return int(text, 0) if re.match(r"[-+]?0[xXoObB]", text) else int(text)

    def number(self, node: yaml.ScalarNode) -> float | int | str:
        value = float(node.value)
        if math.isinf(value):
            return node.value
        return int(value) if value.is_integer() else value

    def date(self, node: yaml.ScalarNode) -> None:
        raise _marked(node, f"{node.value} is a date to YAML: put it in quotes")


def _marked(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


_RESOLVED = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", "0123456789"),
)
for _name, _pattern, _first in _RESOLVED:
    # PyYAML tries a plain scalar's first letter; the empty one stands for an empty value.
    cast(Any, _Loader).add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), [*_first, ""]
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.date)


def stacks(root: Path) -> list[str]:
    """Return the names of the stacks that have a file."""
    files = root.glob("Pulumi.*.yaml")
    return sorted(f.name.removeprefix("Pulumi.").removesuffix(".yaml") for f in files)


def read(root: Path, stack: str) -> StackConfig:
    """Read the configuration of one stack.

    Args:
        root: folder of Pulumi.yaml.
        stack: name of the stack.

    Returns:
        Its configuration, with the defaults of Pulumi.yaml.

    Raises:
        SettingsError: there is no such file, or it is not a stack file.
    """
    source = f"Pulumi.{stack}.yaml"
    path = root / source
    if not path.is_file():
        there = ", ".join(stacks(root)) or "none"
        raise _refused(source, f"there is no such file; stacks here: {there}")
    document = _load(path)
    if document is None:
        raise _refused(source, "is empty; see Pulumi.dev.yaml for what a stack file holds")
    if not isinstance(document, dict):
        raise _refused(source, "must be a mapping with the key config")
    unknown = [str(k) for k in cast(dict[Any, Any], document) if k not in _TOP_LEVEL]
    if unknown:
        raise _refused(
            source, f"unknown key {unknown[0]}; settings go under config, as tracing:<group>"
        )
    config: object = cast(dict[str, object], document).get("config") or {}
    if not isinstance(config, dict):
        raise _refused(source, "config must be a mapping of keys like tracing:tempo")
    project = cast(dict[str, Any], _load(root / "Pulumi.yaml"))
    values = _defaults(project) | {
        _full_key(str(k), project["name"]): v for k, v in cast(dict[Any, Any], config).items()
    }
    return StackConfig(
        values={k: _text(v) for k, v in values.items()},
        secret_keys=[k for k, v in values.items() if _holds_secret(v)],
    )


def _load(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise _refused(path.name, f"is not UTF-8 text: byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _refused(path.name, f"is not valid YAML: {where}{error.problem}") from None
    except yaml.YAMLError as error:
        raise _refused(path.name, f"is not valid YAML: {error}") from None


def _refused(source: str, message: str) -> SettingsError:
    return SettingsError(source, [Problem(key=source, message=message)])


def _defaults(project: dict[str, Any]) -> dict[str, Any]:
    declared: dict[str, Any] = project.get("config") or {}
    return {
        _full_key(key, project["name"]): declaration["default"]
        for key, declaration in declared.items()
        if "default" in declaration
    }


def _full_key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: object) -> str:
    """Return a value as the CLI hands it to a program."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict) and set(cast(dict[Any, Any], value)) == {"secure"}:
        return MASK
    return json.dumps(value)


def _holds_secret(value: object) -> bool:
    if isinstance(value, dict):
        mapping = cast(dict[Any, Any], value)
        return set(mapping) == {"secure"} or any(_holds_secret(v) for v in mapping.values())
    if isinstance(value, list):
        return any(_holds_secret(v) for v in cast(list[Any], value))
    return False
