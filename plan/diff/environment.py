"""One environment in both plans."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from components.core.tier import Tier
from plan import policies
from plan.diff.changes import Change, Operation, changes, protection
from plan.diff.ordering import Warned, warned
from plan.diff.presenting import Part
from plan.diff.presenting import settings as settings_parts
from plan.diff.trees import Planned
from plan.diff.values import Difference, differences
from plan.recorder import REFERENCE_TYPE, STACK_TYPE


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Effect of a change on one stack.

    Attributes:
        before: its plan in the base; None if the base has no such stack file.
        after: its plan in the working tree; None if the file is deleted.
        settings: changes in the stack file, and settings that follow from them.
        violations: new violations of policies, as in policy.json.
        mended: violations that are resolved.
    """

    stack: str
    before: Planned | None
    after: Planned | None
    changes: Sequence[Change] = ()
    orders: Sequence[Warned] = ()
    protection: Sequence[tuple[str, str]] = ()
    settings: Sequence[Part] = ()
    exports: Sequence[Difference] = ()
    warnings: Sequence[str] = ()
    violations: Sequence[Mapping[str, str]] = ()
    mended: Sequence[Mapping[str, str]] = ()
    rendered: Sequence[Part] = ()

    @property
    def error(self) -> str:
        """Why the working tree's stack file can't be planned; empty if it can, or is deleted."""
        return (self.after and self.after.error) or ""

    @property
    def base_error(self) -> str:
        """The same of the base."""
        return (self.before and self.before.error) or ""

    @property
    def state(self) -> str:
        """Why there are no changes to report; empty if both sides have a plan."""
        if self.error:
            return "the stack file is refused"
        if self.after is None:
            return "the stack file is gone"
        if self.before is None:
            return "a new environment"
        return "the base can't be planned" if self.base_error else ""

    @property
    def is_compared(self) -> bool:
        """Whether both sides have a plan."""
        return not self.state

    @property
    def is_same(self) -> bool:
        """Whether nothing changes."""
        said = (
            *(self.changes, self.protection, self.settings, self.exports, self.warnings),
            *(self.violations, self.mended),
        )
        return self.is_compared and not any(said)

    def count(self, operation: Operation) -> int:
        """Return the number of resources with an operation."""
        return sum(change.operation is operation for change in self.changes)


def environments(
    before: Mapping[str, Planned], after: Mapping[str, Planned]
) -> Iterator[Environment]:
    """Yield every environment of either tree, by name."""
    for stack in sorted({*before, *after}):
        yield environment(stack, before.get(stack), after.get(stack))


def environment(stack: str, before: Planned | None, after: Planned | None) -> Environment:
    """Return the effect on one stack."""
    made = Environment(stack=stack, before=before, after=after)
    if before is None or after is None or not made.is_compared:
        return made
    violations, mended = _policies(before, after)
    return replace(
        made,
        changes=changes(before, after),
        orders=warned(before, after),
        protection=protection(before, after),
        settings=list(settings_parts(before, after)),
        exports=list(differences(before.outputs, after.outputs)),
        warnings=[w for w in after.warnings if w not in before.warnings],
        violations=violations,
        mended=mended,
    )


def made(planned: Planned) -> list[Mapping[str, object]]:
    """Return the resources that `up` creates: not the stack itself, nor what it only reads."""
    return [r for r in planned.resources.values() if r["type"] not in (STACK_TYPE, REFERENCE_TYPE)]


def _policies(
    before: Planned, after: Planned
) -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    """Return new and resolved violations of policies.

    The working tree is evaluated against the base, which a plan by itself can't be: some policies
    are about the step from one to the other.
    """
    if before.policy is None or after.policy is None:
        return [], []
    tier = Tier(after.settings["environment"]["tier"])
    steps = policies.ask(list(after.resources.values()), tier, list(before.resources.values()))
    found: list[Mapping[str, str]] = json.loads(policies.as_json(steps, tier))["violations"]
    old: list[Mapping[str, str]] = before.policy["violations"]
    return _without(found, old), _without(old, found)


def _without(
    found: Sequence[Mapping[str, str]], other: Sequence[Mapping[str, str]]
) -> list[Mapping[str, str]]:
    """Return the violations that the others don't contain."""
    known = {(v["policy"], v["urn"]) for v in other}
    return [v for v in found if (v["policy"], v["urn"]) not in known]
