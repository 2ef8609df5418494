"""What the statements do to a value, rule by rule, without Alloy.

A report of changes names the rules behind them this way, and a check names what an operation
becomes. Whether the result is that of Alloy, only a comparison with what Alloy makes of the same
value shows.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from ..ottl import glob_pattern, whole_pattern
from . import statements
from .settings import Action, AttributeLimitSettings, RedactionSettings, RouteSettings

#: Syntax of RE2 that Python lacks, or reads differently.
_OTHER_SYNTAX = re.compile(r"\\[QpPCAz]|\[:\^?\w+:\]|\(\?[a-z]*U|\\x\{|\(\?<")


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Settings of what `clean` does to spans.

    Attributes:
        redaction: rules for secrets.
        limits: limits of attributes.
        routes: templates of routes.
    """

    redaction: RedactionSettings
    limits: AttributeLimitSettings
    routes: RouteSettings

    def removal(self, where: str, name: str) -> str | None:
        """Return the rule that removes an attribute as a whole; None if there is no such rule."""
        its = self.redaction
        stays = statements.is_needed(name) or _any(name, its.allowed)
        if its.enabled and its.allowed and not stays:
            return "allowed"
        return "limits.attributes" if self.limits.attributes and where == "span" else None

    def changes(self, where: str, name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
        """Yield the rules that change a value, in their order, each with what it leaves.

        What a rule has replaced, the next ones do not find.

        Args:
            where: `resource`, `span` or `event`.
            name: the attribute; of a span also `name` and `status.message`.
            value: the value that was sent.
        """
        for rule, change in self._steps(where, name):
            new = change(value)
            if new != value:
                yield rule, new
                value = new

    def _steps(self, where: str, name: str) -> Iterator[tuple[str, "_Change"]]:
        its, rules = self.redaction, self.redaction.rules
        is_text = where == "span" and name in ("name", "status.message")
        if its.enabled:
            if not is_text:
                yield from _of_name(its, name)
            for rule, pattern, new in statements.patterns(its):
                yield rule, _replacing(pattern, new)
            if rules.urls and where == "span" and name in (*statements.URLS, "name"):
                yield "urls", _replacing(statements.QUERY, f"${{1}}{statements.MASK}")
            late = where == "span" and name == "status.message"
            assigned = rules.assignments and name in statements.ASSIGNED_IN[where]
            if assigned and not late:
                yield "assignments", _assigned
            for rule, pattern, new in statements.own_patterns(its):
                yield rule, _replacing(pattern, new)
            if assigned and late:
                yield "assignments", _assigned
            if rules.sql_literals and where == "span" and name in statements.STATEMENTS:
                for pattern, new in statements.LITERALS.items():
                    yield "sqlLiterals", _replacing(pattern, new)
        if where == "span" and name in ("name", "http.route"):
            for pattern, new in statements.templates(self.routes):
                rule = "routes.ids" if pattern == statements.IDS else "routes.templates"
                yield rule, _replacing(pattern, new)
        if self.limits.value_bytes and where != "resource" and not is_text:
            yield "limits.valueBytes", _cut(self.limits.value_bytes)


_Change = Callable[[Any], Any]


def template(routes: RouteSettings, name: str) -> str:
    """Return a span name as the templates of routes leave it."""
    for pattern, new in statements.templates(routes):
        name = _replacing(pattern, new)(name)
    return name


def _any(name: str, globs: list[str]) -> bool:
    return any(re.fullmatch(glob_pattern(glob), name) for glob in globs)


def _of_name(its: RedactionSettings, name: str) -> Iterator[tuple[str, _Change]]:
    """Yield the rules that look at the name only; they leave no type."""
    if any(one.action is Action.HASH and one.name == name for one in its.attributes):
        yield "attributes", _hashed
    if _any(name, its.kept):
        return
    masked = [one.name for one in its.attributes if one.action is Action.MASK]
    ends = (
        ("headers", f"(?:{statements.HEADER_NAMES})$", its.rules.headers),
        ("names", f"(?:{statements.SENSITIVE_NAMES})$", its.rules.names),
        ("attributes", "|".join(map(whole_pattern, masked)), bool(masked)),
    )
    for rule, pattern, on in ends:
        if on and re.search(pattern, name, re.ASCII | re.IGNORECASE):
            yield rule, lambda value: statements.MASK
            return


def _hashed(value: Any) -> str:  # noqa: ANN401
    # Outside of a cluster, the key is empty.
    return f"sha256:{sha256(_text(value).encode()).hexdigest()}"


def _assigned(value: Any) -> Any:  # noqa: ANN401
    """Mask what is assigned to a secret name; a list of arguments becomes text for it."""
    new = _text(value)
    for pattern, with_what in statements.ASSIGNMENTS:
        new = _replacing(pattern, with_what)(new)
    return value if new == _text(value) else new


def _text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of RE2 for Python; None if Python reads it in another way."""
    if _OTHER_SYNTAX.search(pattern):
        return None
    try:
        # Python's `$` also matches in front of a last line feed.
        return re.compile(re.sub(r"(?<!\\)\$(?=[)|]|$)", r"\\Z", pattern), re.ASCII)
    except re.error:
        return None


def _replacing(pattern: str, new: str) -> _Change:
    compiled = _compiled(pattern)

    def expanded(found: re.Match[str]) -> str:
        return re.sub(r"\$\{(\d)\}", lambda group: found[int(group[1])] or "", new)

    def change(value: Any) -> Any:  # noqa: ANN401
        return compiled.sub(expanded, value) if compiled and isinstance(value, str) else value

    return change


def _cut(most: int) -> _Change:
    def change(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            return value
        return value.encode()[:most].decode(errors="ignore")

    return change
