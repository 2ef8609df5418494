"""Markdown as GitHub shows it: tables, code, folded parts, text diffs."""

import difflib
import html
import json
from collections.abc import Iterable

from plan.diff.values import MISSING
from plan.dumping import UNKNOWN_SHOWN

#: Characters of a value in a cell of a table; a longer one is shown as a diff.
_CELL = 160
#: Lines up to which a text needs no line numbers in its diff.
_SHORT = 4


def code(text: str) -> str:
    """Return a string as inline code."""
    if "`" in text or text != text.strip() or not text:
        return f"<code>{html.escape(text, quote=False) or ' '}</code>"
    return f"`{text}`"


def value(given: object) -> str:
    """Return a value in a cell; a string that looks like another type is quoted."""
    if given is MISSING:
        return "-"
    if given == UNKNOWN_SHOWN:
        return "*known after `up`*"
    if isinstance(given, str):
        text = json.dumps(given) if _ambiguous(given) else given
    else:
        text = json.dumps(given, ensure_ascii=False, sort_keys=True)
    text = " ".join(text.replace(UNKNOWN_SHOWN, "(known after up)").split("\n"))
    return code(text if len(text) <= _CELL else f"{text[: _CELL - 1]}…")


def is_long(given: object) -> bool:
    """Whether a value is too long for a cell."""
    text = given if isinstance(given, str) else json.dumps(given, default=str)
    return len(text) > _CELL or "\n" in text


def _ambiguous(text: str) -> bool:
    try:
        return not isinstance(json.loads(text), (dict, list))
    except ValueError:
        return text == ""


def folded(title: str, body: str) -> str:
    """Return a collapsed part; the title is plain text."""
    return f"<details><summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def quoted(kind: str, body: str) -> str:
    """Return a GitHub alert: NOTE, WARNING or CAUTION."""
    return "\n".join([f"> [!{kind}]", *(f"> {line}".rstrip() for line in body.splitlines())])


def fence(text: str, language: str) -> str:
    """Return a code block, whatever it contains."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def diff(before: str, after: str) -> str:
    """Return a code block with the lines that differ."""
    old, new = before.splitlines(), after.splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm=""))
    # The first two lines name files, of which there are none. The line numbers of the only hunk in
    # a short text are not needed either.
    hunks = sum(line.startswith("@@") for line in lines)
    head = 3 if hunks == 1 and (len(old) < _SHORT or len(new) < _SHORT) else 2
    return fence("\n".join(lines[head:]), "diff")


def counted(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else f'{one}s'}"


def paragraphs(parts: Iterable[str]) -> str:
    """Return the parts that are not empty, each as a paragraph."""
    return "\n\n".join(part for part in parts if part)
