"""What is wrong with a setting, in words for the person who wrote it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi

#: Longer values are cut in messages.
_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem of a stack file.

    Attributes:
        key: the setting as written in the stack file, without the project: `tempo.retentionHours`.
        value: the value as written, as text; empty where there is none.
        message: what is allowed, and what to do.
    """

    key: str
    value: str = ""
    message: str


def shown(value: object) -> str:
    """Return a value as a message shows it: as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    # A password in a URL is refused, and must not be repeated.
    text = re.sub(r"//[^/\s\"]*@", "//[hidden]@", text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def problem(key: str, value: Any, message: str) -> Problem:  # noqa: ANN401
    """Return a problem of a setting that has a value."""
    return Problem(key=key, value=shown(value), message=message)


class SettingsError(pulumi.RunError):
    """Settings that no stack can be made from; its text lists every problem.

    Pulumi prints a RunError without a traceback and ends with status 1.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.key, p.message))
        count = len(self.problems)
        lines = [f"{source}: {count} problem{'s' if count > 1 else ''}; nothing was changed."]
        for item in self.problems:
            value = f": {item.value}" if item.value else ""
            lines += ["", f"  {item.key}{value}", f"    {item.message}"]
        super().__init__("\n".join(lines))
