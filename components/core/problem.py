"""The errors of a stack file, worded for the person who wrote it."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pydantic import BaseModel

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
#: Likeness of two names above which one is probably a typing error of the other.
_NEAR = 0.7


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


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the name that was probably meant by an unknown one; None if none is near."""
    by_letters = {letters(each): each for each in known}
    close = difflib.get_close_matches(letters(name), by_letters, n=1, cutoff=_NEAR)
    return by_letters[close[0]] if close else None


def letters(name: object) -> str:
    """Return the letters and digits of a name, in lowercase."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def shown(value: object, longest: int = _LONGEST) -> str:
    """Return a value as messages show it: JSON without secrets, cut if it is long."""
    text = json.dumps(_without_secrets(value), ensure_ascii=False, default=str)
    # A password in a URL is refused, and must not be repeated.
    text = re.sub(r"//[^/\s\"]*@", f"//{_HIDDEN}@", text)
    text = re.sub(r"(://[^\s\"?#]*[?#])[^\s\"]+", rf"\1{_HIDDEN}", text)
    return _cut(_escaped(text), longest)


def shown_at(key: str, value: object) -> str:
    """Return the value of a key as messages show it; one that is secret by its key is hidden."""
    return _HIDDEN if looks_secret(key) else shown(value)


def _without_secrets(value: object) -> object:
    if isinstance(value, BaseModel):
        # A whole group: as it is written in the stack file.
        value = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, dict):
        tree = cast(dict[Any, object], value)
        # An environment variable, or a header in a list.
        named = looks_secret(str(tree.get("name", "")))
        return {
            k: _HIDDEN if looks_secret(str(k)) or (named and k == "value") else _without_secrets(v)
            for k, v in tree.items()
        }
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
    """Return a problem of a setting; a value that is secret by its key is hidden."""
    return Problem(key=key, value=shown_at(key, value), message=message)


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
