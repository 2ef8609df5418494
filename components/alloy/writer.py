"""Writes blocks, attributes and expressions of an Alloy configuration."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .text import Expression

#: Attributes whose value is a mapping.
_MAPS = ("external_labels", "headers")
_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


@dataclass(frozen=True)
class Lines:
    """A list of strings of which each is on a line of its own, raw where possible."""

    texts: Sequence[str]


#: Type of a module's arguments.
Value = (
    str
    | float
    | Expression
    | Lines
    | Sequence["str | Expression"]
    | Mapping[str, str]
    | Mapping[str, "str | Expression"]
)
#: Attributes of a block, and the blocks in it; several of one name are a list.
Body = Mapping[str, Any]
#: Instances by module, each with the module's arguments.
Instances = dict[str, dict[str, Value]]


#: Name of a module, label of an instance, and its arguments.
Instance = tuple[str, str, dict[str, Any]]


def inputs(module: str, label: str = "default") -> list["str | Expression"]:
    """Return an instance of a module as the only output of another."""
    return [Expression(f"{module}.{label}.input")]


def literal(text: str) -> str:
    r"""Return a string of Alloy, quotes included, that stands for exactly this text.

    The result is printable ASCII without two opening braces in a row: the chart passes the
    configuration through Helm's `tpl`, which takes those for an action, and into a YAML block. JSON
    and Alloy (as Go) escape alike, except for `\U`, which only Alloy has.
    """

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    quoted = _NOT_PRINTABLE_ASCII.sub(escape, json.dumps(text, ensure_ascii=False))
    return quoted.replace("{{", r"{\u007b")


def raw(text: str) -> str:
    """Return a string of Alloy, as a raw string if it can be one: statements have many quotes."""
    plain = not _NOT_PRINTABLE_ASCII.search(text) and "`" not in text and "{{" not in text
    return f"`{text}`" if plain else literal(text)


def expression(value: Value) -> str:
    """Return a value in Alloy's syntax."""
    match value:
        case Expression(text):
            return text
        case Lines(texts):
            return (
                "".join(["[\n", *(f"\t\t{raw(text)},\n" for text in texts), "\t]"])
                if texts
                else "[]"
            )
        case str():
            return literal(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(int(value)) if value == int(value) else repr(value)
        case Mapping():
            pairs = [f"{literal(key)} = {expression(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + "}"
        case _:
            return "[" + ", ".join(expression(item) for item in value) + "]"


def instance(module: str, label: str, arguments: Mapping[str, Value]) -> str:
    """Return the block of one instance of a module."""
    return block(f'{module} "{label}"', arguments)


def block(name: str, body: Body, indent: str = "") -> str:
    """Return a block, laid out as `alloy fmt` does.

    Each mapping in it is a block, and each list of mappings several, but for `_MAPS`.
    """
    attributes: dict[str, str] = {}
    inner: list[tuple[str, Body]] = []
    for key, value in body.items():
        if isinstance(value, Mapping) and key not in _MAPS:
            inner.append((key, cast(Body, value)))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            inner += [(key, each) for each in cast("list[Body]", value)]
        else:
            attributes[key] = expression(cast(Value, value))
    lines = [*_aligned(attributes, indent)]
    blocks = [block(k, v, f"{indent}\t") for k, v in inner]
    first = ["\n"] if lines and blocks else []
    return "".join([f"{indent}{name} {{\n", *lines, *first, "\n".join(blocks), f"{indent}}}\n"])


def _aligned(attributes: Mapping[str, str], indent: str) -> Iterator[str]:
    """Yield the lines of attributes, aligned up to each value of several lines."""
    group: dict[str, str] = {}
    for key, value in attributes.items():
        group[key] = value
        if "\n" in value or key == [*attributes][-1]:
            width = max(map(len, group))
            yield from (f"{indent}\t{k:<{width}} = {v}\n" for k, v in group.items())
            group = {}


def replaced(text: str, name: str, bodies: Sequence[Body]) -> str:
    """Replace the only block of a name by one or more of that name."""
    [found] = re.finditer(rf"^(\t+){name} \{{\n.*?^\1\}}\n", text, re.MULTILINE | re.DOTALL)
    blocks = "\n".join(block(name, body, found[1]) for body in bodies)
    return text[: found.start()] + blocks + text[found.end() :]
