"""Just enough of Alloy's syntax to instantiate modules, laid out as `alloy fmt` does."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Expression:
    """An expression of Alloy to be written as it is, for example `enrich.default.input`."""

    text: str


#: What a module's argument can be given.
Value = str | int | Expression | Sequence["str | Expression"] | Mapping[str, str]

_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


def literal(text: str) -> str:
    r"""Return a string of Alloy, quotes included, that stands for exactly this text.

    The result is printable ASCII without two opening braces in a row: the chart puts the
    configuration through Helm's `tpl`, which takes those for an action, and into a YAML block. JSON
    and Alloy (as Go) escape alike, but for what `\U` stands for in Alloy alone.
    """

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    quoted = _NOT_PRINTABLE_ASCII.sub(escape, json.dumps(text, ensure_ascii=False))
    return quoted.replace("{{", r"{\u007b")


def expression(value: Value) -> str:
    """Return a value as Alloy writes it."""
    match value:
        case Expression(text):
            return text
        case str():
            return literal(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Mapping():
            pairs = [f"{literal(key)} = {literal(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + "}"
        case _:
            return "[" + ", ".join(expression(item) for item in value) + "]"


def instance(module: str, label: str, arguments: Mapping[str, Value]) -> str:
    """Return the block that instantiates a module.

    Args:
        module: name of a `declare`.
        label: name of this instance.
        arguments: the module's arguments, by name.
    """
    width = max(len(name) for name in arguments)
    lines = [f"\t{name:<{width}} = {expression(value)}" for name, value in arguments.items()]
    return "\n".join([f'{module} "{label}" {{', *lines, "}"]) + "\n"
