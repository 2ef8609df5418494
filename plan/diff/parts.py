"""Parts of a report: a title and a body, which can be left out where a report has no room."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plan.diff import markdown
from plan.diff.values import MISSING, Difference
from plan.dumping import dump

#: Lines of a body that stay open; a longer one is folded.
_OPEN = 16


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that changes, as a reviewer reads it.

    Attributes:
        title: plain text.
        body: Markdown.
    """

    title: str
    body: str

    def text(self) -> str:
        """Return the part, folded if it is long."""
        if len(self.body.splitlines()) > _OPEN:
            return markdown.folded(self.title, self.body)
        return f"**{self.title}**\n\n{self.body}"


def properties(found: Iterable[Difference], what: str = "property") -> str:
    """Return differences as a table, and below it those too long for one as text diffs.

    Args:
        found: the differences.
        what: head of the first column.
    """
    every = list(found)
    long = [d for d in every if _is_long(d)]
    rows = [(d.name, d.before, d.after) for d in every if d not in long]
    return markdown.paragraphs([before_after(what, rows), *(_long(d) for d in long)])


def of_resources(found: Sequence[tuple[str, Difference]]) -> str:
    """Return differences of several resources as one table, and below it the long ones.

    Args:
        found: name of the resource and difference.
    """
    rows = [
        (name, d.name, markdown.value(d.before), markdown.value(d.after))
        for name, d in found
        if not _is_long(d)
    ]
    cells = [(*(markdown.code(c) for c in row[:2]), *row[2:]) for row in rows]
    head = ("resource", "property", "before", "after")
    long = [f"{markdown.code(name)}, {_long(d)}" for name, d in found if _is_long(d)]
    return markdown.paragraphs([markdown.table([head, *cells]) if cells else "", *long])


def before_after(what: str, rows: Sequence[tuple[str, Any, Any]]) -> str:
    """Return a table of names with their old and new values; empty where there are none."""
    if not rows:
        return ""
    cells = [(markdown.code(n), markdown.value(b), markdown.value(a)) for n, b, a in rows]
    return markdown.table([(what, "before", "after"), *cells])


def _is_long(difference: Difference) -> bool:
    return any(
        v is not MISSING and markdown.is_long(v) for v in (difference.before, difference.after)
    )


def _long(difference: Difference) -> str:
    before, after = (_lines(v) for v in (difference.before, difference.after))
    name = markdown.code(difference.name)
    if difference.before is MISSING:
        return f"{name} is new:\n\n{markdown.diff('', after)}"
    if difference.after is MISSING:
        return f"{name} goes:\n\n{markdown.diff(before, '')}"
    return f"{name}:\n\n{markdown.diff(before, after)}"


def _lines(given: Any) -> str:  # noqa: ANN401
    if given is MISSING:
        return ""
    return given if isinstance(given, str) else dump(given)
