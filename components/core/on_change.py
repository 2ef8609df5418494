"""What a change of a setting does that neither a preview nor `up` reports."""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which changes of a setting count."""

    ANY = "any"
    LESS = "less"
    """A smaller number, or `true` to `false`."""
    MORE = "more"
    """A larger number, or `false` to `true`."""


@dataclass(frozen=True, kw_only=True)
class OnChange:
    """Marks a setting, in `Annotated`, whose change loses something or needs an order.

    The plan diff warns with it, and the table in docs/changes.md is generated from it. `section` is
    a page and a heading under docs/ with the steps: `changes.md#resize-a-volume`.
    """

    happens: str
    do: str
    section: str
    direction: Direction = Direction.ANY

    def applies(self, before: object, after: object) -> bool:
        """Return whether it holds for a change from one value to another."""
        if self.direction is Direction.ANY:
            return before != after
        if not isinstance(before, int | float) or not isinstance(after, int | float):
            return False
        return after < before if self.direction is Direction.LESS else after > before
