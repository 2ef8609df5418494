"""The result of a check, and how a terminal shows results."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from plan.diff.markdown import counted

_WIDTH: Final = 100


class Level(StrEnum):
    """What a finding means for `up`."""

    OK = "ok"
    NOT_CHECKED = "not checked"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report.

    Attributes:
        level: what it means for `up`.
        text: what was found.
        fix: what to do about it; empty if there is nothing to do.
    """

    level: Level
    text: str
    fix: str = ""


def ok(text: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(level=Level.OK, text=text)


def warning(text: str, fix: str) -> Finding:
    """Return a finding that `up` may survive."""
    return Finding(level=Level.WARNING, text=text, fix=fix)


def error(text: str, fix: str) -> Finding:
    """Return a finding with which `up` fails, or the stack doesn't work."""
    return Finding(level=Level.ERROR, text=text, fix=fix)


def not_checked(text: str, fix: str = "") -> Finding:
    """Return a finding for what can't be checked from here."""
    return Finding(level=Level.NOT_CHECKED, text=text, fix=fix)


def wrapped(head: str, text: str) -> list[str]:
    """Return a text as lines for a terminal, indented to the end of what precedes the first one."""
    # A URL or a name that is broken can't be copied.
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def count(found: Sequence[tuple[str, Finding]], level: Level) -> int:
    """Return the number of findings of a level."""
    return sum(finding.level is level for _, finding in found)


def summary(found: Sequence[tuple[str, Finding]]) -> str:
    """Return how many findings there are of each level, the most severe first."""
    return ", ".join(
        counted(number, level) if level in (Level.ERROR, Level.WARNING) else f"{number} {level}"
        for level in reversed(Level)
        if (number := count(found, level))
    )
