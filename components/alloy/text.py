"""Blocks, attributes and expressions of an Alloy configuration, without their values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t]+)
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<newline>\n)
    | (?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<open>[{\[(])
    | (?P<close>[}\])])
    | (?P<sign>[^\s"`])
    """,
    re.VERBOSE | re.DOTALL,
)

Token = tuple[str, str]


@dataclass(frozen=True)
class Expression:
    """An Alloy expression that is written as it is, for example `clean.default.input`."""

    text: str


@dataclass
class Block:
    """One block: `name "label" { … }`, or the whole file with neither."""

    name: str
    label: str | None = None
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    blocks: list["Block"] = field(default_factory=list["Block"])

    def named(self, name: str) -> list["Block"]:
        """Return the blocks directly inside of a name."""
        return [block for block in self.blocks if block.name == name]

    def walk(self) -> Iterator["Block"]:
        """Yield this block and all below it."""
        yield self
        for block in self.blocks:
            yield from block.walk()


def parse(text: str) -> Block:
    """Return the blocks of a configuration.

    Raises:
        ValueError: the text is not made of blocks and attributes.
    """
    tokens = list(_tokens(text))
    whole = Block("")
    try:
        end = _body(tokens, 0, whole)
    except IndexError:
        raise ValueError("the text ends inside a block") from None
    except RecursionError:
        raise ValueError("blocks are nested too deep") from None
    if end != len(tokens):
        raise ValueError("too many closing braces")
    return whole


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not Alloy: {text[at : at + 40]!r}")
        at = match.end()
        kind = match.lastgroup or ""
        if kind not in {"space", "comment"}:
            yield kind, match[0]


def _body(tokens: list[Token], at: int, block: Block) -> int:
    """Read attributes and blocks up to the closing brace; return where that is."""
    while at < len(tokens) and tokens[at][0] != "close":
        kind, text = tokens[at]
        if kind == "newline":
            at += 1
            continue
        if kind != "name":
            raise ValueError(f"{text!r} where a name belongs")
        if tokens[at + 1] == ("sign", "="):
            if text in block.attributes:
                raise ValueError(f"{text} is given twice")
            at, block.attributes[text] = _expression(tokens, at + 2)
            continue
        inner = Block(text)
        at += 1
        if tokens[at][0] == "string":
            inner.label = tokens[at][1][1:-1]
            at += 1
        if tokens[at] != ("open", "{"):
            raise ValueError(f"{text} without a body")
        at = _body(tokens, at + 1, inner)
        if at >= len(tokens):
            raise ValueError(f"{text} does not end")
        at += 1
        block.blocks.append(inner)
    return at


def _expression(tokens: list[Token], at: int) -> tuple[int, str]:
    """Read an expression: it ends with its line, unless a bracket is open."""
    depth, parts = 0, list[str]()
    while at < len(tokens):
        kind, text = tokens[at]
        if depth == 0 and kind in {"newline", "close"}:
            break
        depth += (kind == "open") - (kind == "close")
        if kind != "newline":
            parts.append(text)
        at += 1
    return at, " ".join(parts)
