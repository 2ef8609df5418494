"""The result of a check."""

from dataclasses import dataclass
from enum import StrEnum


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
