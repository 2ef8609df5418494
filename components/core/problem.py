"""The errors of a stack file, worded for the person who wrote it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pulumi

#: Longer values and keys are cut in messages.
_LONGEST = 80
_LONGEST_KEY = 200
#: Names of keys whose values are secret, wherever they are. Pull secrets are names of Secrets.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|\bpw\b|(?<!pull)secret|token|bearer|credential|authorization"
    r"|(api|access|private|client|account)[-_.]?key",
    re.IGNORECASE,
)
_HIDDEN = "[hidden]"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error of a stack file.

    Attributes:
        key: the setting as written in the stack file, without the project: `tempo.retentionHours`.
        value: the value as written, in JSON; empty if there is none.
        message: what is wrong, what is allowed and how to fix it.
    """

    key: str
    value: str = ""
    message: str


def looks_secret(key: str) -> bool:
    """Return whether the value of a key is a secret, by its name; messages never show it."""
    return _SECRET.search(key) is not None


def shown(value: object) -> str:
    """Return a value as messages show it: JSON without secrets, cut if it is long."""
    text = json.dumps(_without_secrets(value), ensure_ascii=False, default=str)
    # A password in a URL is refused, and must not be repeated.
    text = re.sub(r"//[^/\s\"]*@", f"//{_HIDDEN}@", text)
    text = re.sub(r"(://[^\s\"?#]*[?#])[^\s\"]+", rf"\1{_HIDDEN}", text)
    return _cut(_escaped(text), _LONGEST)


def _without_secrets(value: object) -> object:
    if isinstance(value, dict):
        items = cast(dict[Any, object], value).items()
        return {k: _HIDDEN if looks_secret(str(k)) else _without_secrets(v) for k, v in items}
    if isinstance(value, list):
        return [_without_secrets(item) for item in cast(list[object], value)]
    # Pydantic makes 5.0 of a 5 in the stack file.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _escaped(text: str) -> str:
    """Return text without control characters, which a terminal would act on."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def problem(key: str, value: Any, message: str) -> Problem:  # noqa: ANN401
    """Return a problem of a setting that has a value; a value that is secret by its key is hidden.

    Args:
        key: the setting as written.
        value: its value.
        message: what is wrong, what is allowed and how to fix it.
    """
    return Problem(key=key, value=_HIDDEN if looks_secret(key) else shown(value), message=message)


class SettingsError(pulumi.RunError):
    """Invalid settings, with every problem in its text.

    Pulumi prints a RunError without a traceback and exits with status 1.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.key, p.message))
        count = len(self.problems)
        lines = [f"{source}: {count} problem{'s' if count > 1 else ''}; nothing was changed."]
        for item in self.problems:
            value = f": {item.value}" if item.value else ""
            lines += ["", f"  {_cut(_escaped(item.key), _LONGEST_KEY)}{value}"]
            lines += [f"    {item.message}"]
        super().__init__("\n".join(lines))
