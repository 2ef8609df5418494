"""Reads stack files as the Pulumi CLI does, without the CLI."""

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from components.checks import Problem, SettingsError
from plan.command import stack_name_problem
from plan.dumping import MASK

_TOP_LEVEL = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """The configuration of one stack.

    Attributes:
        values: full keys to text, objects as JSON, as a program receives them.
        secret_keys: keys whose values are encrypted or contain an encrypted value.
        imports: whether the file imports environments of Pulumi ESC, whose values are not read.
    """

    values: dict[str, str]
    secret_keys: list[str]
    imports: bool


#: Limits of the values in a file, aliases expanded, and of its nesting. Stack files stay far below;
#: nine lines of aliases can expand to a billion values.
_MAX_VALUES = 50_000
_MAX_DEPTH = 50
#: Python doesn't convert longer integers.
_MAX_DIGITS = 4000
_TAGS: dict[type[yaml.Node], tuple[str, ...]] = {
    yaml.MappingNode: ("map",),
    yaml.SequenceNode: ("seq",),
    yaml.ScalarNode: ("bool", "float", "int", "merge", "null", "str", "timestamp"),
}
_YAML = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Reads YAML as the CLI does: yes is a string, keys are unique, and numbers are Go's."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way

    def get_single_node(self) -> yaml.Node | None:
        """Return the document, checked before values are constructed."""
        node = super().get_single_node()
        if node is not None:
            _count(node, {}, depth=0)
        return node

    def boolean(self, node: yaml.ScalarNode) -> bool:
        if not re.fullmatch(_BOOLEAN, node.value):
            raise _marked(node, f"{node.value} is not true or false")
        return node.value.lower() == "true"

    def integer(self, node: yaml.ScalarNode) -> int | str:
        if not re.fullmatch(_INTEGER, node.value):
            raise _marked(node, f"{node.value} is not an integer")
        text = node.value.replace("_", "")
        if len(text) > _MAX_DIGITS:
            return node.value
        if re.fullmatch(r"[-+]?0[0-7]+", text):
            return int(text, 8)
        if re.match(r"[-+]?0[xXoObB].", text):
            return int(text, 0)
        if not text.lstrip("+-").isdecimal():
            raise _marked(node, f"{node.value} is not an integer")
        return int(text)

    def number(self, node: yaml.ScalarNode) -> float | int | str:
        if not re.fullmatch(_FLOAT, node.value):
            raise _marked(node, f"{node.value} is not a number")
        value = float(node.value)
        if math.isinf(value):
            return node.value
        return int(value) if value.is_integer() else value

    def date(self, node: yaml.ScalarNode) -> None:
        raise _marked(node, f"{node.value} is a date to YAML: put it in quotes")


def _marked(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _count(node: yaml.Node, counts: dict[int, int], depth: int) -> int:
    """Count the values of a node, aliases expanded, and check each of them.

    Raises:
        yaml.MarkedYAMLError: a stack file can't contain the node.
    """
    if id(node) in counts:
        if counts[id(node)] == 0:
            raise _marked(node, "the value contains itself")
        return counts[id(node)]
    if depth > _MAX_DEPTH:
        raise _marked(node, f"nested more than {_MAX_DEPTH} levels deep")
    if node.tag.removeprefix(_YAML) not in _TAGS[type(node)]:
        tag = node.tag.replace(_YAML, "!!")
        raise _marked(node, f"the tag {tag} cannot be used here: write a plain value")
    counts[id(node)] = 0
    found = 1
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    below: list[Any] = [] if isinstance(node, yaml.ScalarNode) else node.value
    for item in below:
        found += sum(
            _count(child, counts, depth + 1)
            for child in (
                cast("tuple[yaml.Node, ...]", item) if isinstance(item, tuple) else [item]
            )
        )
        if found > _MAX_VALUES:
            raise _marked(node, f"aliases make more than {_MAX_VALUES:,} values of it")
    if isinstance(node, yaml.ScalarNode) and any("\ud800" <= c <= "\udfff" for c in node.value):
        raise _marked(node, "the string has half of a surrogate pair, which is no character")
    counts[id(node)] = found
    return found


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _marked(key, "a key must be a string, not a list or a mapping")
        if key.value in seen:
            raise _marked(key, f"the key {key.value} is there twice")
        seen.add(key.value)


_BOOLEAN = r"true|True|TRUE|false|False|FALSE"
_INTEGER = r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_RESOLVED = (
    ("merge", r"<<", "<"),
    ("bool", _BOOLEAN, "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", "0123456789"),
)
for _name, _pattern, _first in _RESOLVED:
    # PyYAML selects patterns by the first letter of a plain scalar, which may be empty.
    cast(Any, _Loader).add_implicit_resolver(
        f"{_YAML}{_name}", re.compile(f"(?:{_pattern})$"), [*_first, ""]
    )
# As a value, `<<` is a string.
_Loader.add_constructor(f"{_YAML}merge", lambda _, node: str(node.value))
_Loader.add_constructor(f"{_YAML}bool", _Loader.boolean)
_Loader.add_constructor(f"{_YAML}int", _Loader.integer)
_Loader.add_constructor(f"{_YAML}float", _Loader.number)
_Loader.add_constructor(f"{_YAML}timestamp", _Loader.date)


def stacks(root: Path) -> list[str]:
    """Return the names of the stacks that have a file."""
    files = [f for f in root.glob("Pulumi.*.yaml") if f.is_file()]
    return sorted(f.name.removeprefix("Pulumi.").removesuffix(".yaml") for f in files)


def read(root: Path, stack: str) -> StackConfig:
    """Return the configuration of one stack, with the defaults of Pulumi.yaml.

    Raises:
        SettingsError: the file doesn't exist or is not a stack file.
    """
    source = f"Pulumi.{stack}.yaml"
    if wrong := stack_name_problem(stack):
        raise _refused("STACK", f"{wrong}; {_here(root)}")
    path = root / source
    if not os.path.lexists(path):
        meant = stack.removeprefix("Pulumi.").removesuffix(".yaml")
        is_file = meant != stack and meant in stacks(root)
        hint = f"; did you mean STACK={meant}?" if is_file else ""
        raise _refused(source, f"there is no such file{hint}; {_here(root)}")
    document = load(path)
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
    project, defaults = _project(root)
    values = defaults | {
        _full_key(str(k), project): v for k, v in cast(dict[Any, Any], config).items()
    }
    return StackConfig(
        values={k: _text(v) for k, v in values.items()},
        secret_keys=[k for k, v in values.items() if _holds_secret(v)],
        imports=bool(cast(dict[str, object], document).get("environment")),
    )


def unread_imports(stack: str) -> str:
    """Return the warning about a stack file that imports environments of Pulumi ESC."""
    return (
        f"Pulumi.{stack}.yaml imports ESC environments (its key environment). Their values are not "
        "read here: only the CLI can open them. `make preview` shows the stack with them"
    )


def _here(root: Path) -> str:
    return f"stacks here: {', '.join(stacks(root)) or 'none'}"


def load(path: Path) -> object:
    """Return the content of a YAML file of the project, as the CLI reads it."""
    try:
        if path.is_symlink() and not path.exists():
            raise _refused(path.name, f"is a link to {path.readlink()}, which does not exist")
        if path.is_dir():
            raise _refused(path.name, "is a directory; it must be a file")
        if path.exists() and not path.is_file():
            # Reading a pipe would wait for ever.
            raise _refused(path.name, "is not a regular file")
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise _refused(path.name, f"cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise _refused(path.name, f"is nested more than {_MAX_DEPTH} levels deep") from None
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


def _project(root: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of the project and the defaults of its configuration, by full keys."""
    path = root / "Pulumi.yaml"
    if not os.path.lexists(path):
        raise _refused(path.name, "there is no such file: run this in the project's folder")
    document = load(path)
    project = cast(dict[str, Any], document) if isinstance(document, dict) else {}
    name: object = project.get("name")
    declared: object = project.get("config") or {}
    if not isinstance(name, str) or not isinstance(declared, dict):
        raise _refused(path.name, "must be a mapping with the name of the project and its config")
    return name, {
        _full_key(str(key), name): cast(dict[str, Any], declaration)["default"]
        for key, declaration in cast(dict[Any, Any], declared).items()
        if isinstance(declaration, dict) and "default" in declaration
    }


def _full_key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: object) -> str:
    """Return a value as the CLI passes it to a program."""
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
