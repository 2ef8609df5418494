"""Markdown as GitHub shows it: tables, code, folded parts, text diffs."""

import difflib
import html
import json
from collections.abc import Iterable

from plan.diff.values import MISSING
from plan.dumping import UNKNOWN_SHOWN

#: Characters of a value that a cell of a table shows; a longer one is a line of its own.
_CELL = 160
#: Lines of a text that needs no line numbers in its diff.
_SHORT = 4


def code(text: str) -> str:
    """Return a text as code in a line."""
    if "`" in text or text != text.strip() or not text:
        return f"<code>{html.escape(text, quote=False) or ' '}</code>"
    return f"`{text}`"


def value(given: object) -> str:
    """Return a value in a cell: texts bare, but quoted where they could be taken for another."""
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
    """Whether a value needs more room than a cell has."""
    text = given if isinstance(given, str) else json.dumps(given, default=str)
    return len(text) > _CELL or "\n" in text


def _ambiguous(text: str) -> bool:
    try:
        return not isinstance(json.loads(text), (dict, list))
    except ValueError:
        return text == ""


def folded(title: str, body: str) -> str:
    """Return a part that is closed until its title is clicked; the title is plain text."""
    return f"<details><summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def quoted(kind: str, body: str) -> str:
    """Return an alert as GitHub colours it: NOTE, WARNING or CAUTION."""
    return "\n".join([f"> [!{kind}]", *(f"> {line}".rstrip() for line in body.splitlines())])


def fence(text: str, language: str) -> str:
    """Return a block of code, whatever stands in it."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def diff(before: str, after: str) -> str:
    """Return a block with the lines that differ."""
    old, new = before.splitlines(), after.splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm=""))
    # The first two name files, of which there are none; the next one, where it is the only one of
    # its kind and the text is short, says nothing either.
    hunks = sum(line.startswith("@@") for line in lines)
    head = 3 if hunks == 1 and (len(old) < _SHORT or len(new) < _SHORT) else 2
    return fence("\n".join(lines[head:]), "diff")


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def paragraphs(parts: Iterable[str]) -> str:
    """Return the parts that say something, each a paragraph."""
    return "\n\n".join(part for part in parts if part)
