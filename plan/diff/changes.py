"""Derives from two plans what `up` would do to each resource, as the engine would."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from components.core.system import Loss
from plan.diff.kinds import BUCKET, KUBERNETES_PROVIDER, RELEASE, RELEASES, kind_of, replacing
from plan.diff.trees import Planned
from plan.diff.values import Difference, differences
from plan.dumping import UNKNOWN_SHOWN
from plan.recorder import REFERENCE_TYPE, STACK_TYPE


class Operation(StrEnum):
    """Operation on a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that `up` would change.

    Attributes:
        before: its inputs in the base; empty if it is created.
        after: its inputs in the working tree; empty if it is deleted.
        differences: differences of the inputs; none if the resource is created or deleted.
        because: differences that force the replacement; those of the provider if the resource is
            replaced with its provider.
        refused: whether `up` refuses it because the resource is protected.
        kept: whether the deleted resource itself is kept.
    """

    operation: Operation
    urn: str
    type: str
    name: str
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: Mapping[str, Any] = field(default_factory=dict[str, Any])
    differences: tuple[Difference, ...] = ()
    because: tuple[Difference, ...] = ()
    refused: bool = False
    kept: bool = False

    @property
    def kind(self) -> str:
        """The kind for people: `Bucket`, `Release`."""
        return kind(self.type)

    @property
    def loss(self) -> Loss | None:
        """What goes with the resource; None for a type that this stack does not create."""
        if self.type == RELEASE:
            return RELEASES.get(str((self.before or self.after).get("name")))
        found = kind_of(self.type)
        return found and found.loss

    @property
    def lost(self) -> str:
        """What a replacement or deletion loses, in one sentence or two."""
        if self.loss is None:
            return "What it holds."
        if self.operation is not Operation.DELETE:
            return self.loss.replaced
        if self.type == BUCKET and self.before.get("forceDestroy"):
            return "All traces in it: `forceDestroy` is on."
        return self.loss.deleted


def kind(type_: str) -> str:
    """Return the name of a type for people."""
    last = type_.rsplit(":", 1)[-1]
    return f"{last} provider" if type_.startswith("pulumi:providers:") else last


def changes(before: Planned, after: Planned) -> list[Change]:
    """Return the changes from one plan to the other.

    Resources are identified by URN. The stack has no aliases, so a different name or parent is a
    different resource. Deletions are last, as in the engine.
    """
    found: dict[str, Change] = {}
    for urn, resource in after.resources.items():
        if resource["type"] in (STACK_TYPE, REFERENCE_TYPE):
            continue
        old = before.resources.get(urn)
        if old is None:
            found[urn] = _change(Operation.CREATE, resource, after=resource["inputs"])
        elif change := _changed(old, resource, found):
            found[urn] = change
    gone = (
        _change(
            Operation.DELETE,
            resource,
            before=resource["inputs"],
            refused=resource["protect"],
            kept=resource["retainOnDelete"],
        )
        for urn, resource in before.resources.items()
        if urn not in after.resources and resource["type"] != REFERENCE_TYPE
    )
    return [*found.values(), *gone]


def _changed(
    old: Mapping[str, Any], new: Mapping[str, Any], found: Mapping[str, Change]
) -> Change | None:
    """Return the change of a resource in both plans.

    `found` has the changes of the resources before it, and so of all that it depends on.
    """
    type_ = new["type"]
    before, after = _compared(old), _compared(new)
    differ = list(differences(before, after)) or list(_unknown_anew(new, after, found))
    provider = _replaced_provider(type_, found)
    because = provider or [d for d in differ if _forces(type_, d)]
    if not differ and not because:
        return None
    return _change(
        Operation.REPLACE if because else Operation.UPDATE,
        new,
        before=before,
        after=after,
        differences=tuple(differ),
        because=tuple(because),
        # The engine can remove a protection and replace the resource in one run.
        refused=bool(because and old["protect"] and new["protect"]),
        kept=bool(because and old["retainOnDelete"]),
    )


def _change(operation: Operation, resource: Mapping[str, Any], **rest: Any) -> Change:  # noqa: ANN401
    return Change(
        operation=operation,
        urn=resource["urn"],
        type=resource["type"],
        name=resource["name"],
        **rest,
    )


def _compared(resource: Mapping[str, Any]) -> dict[str, Any]:
    found = kind_of(resource["type"])
    ignored = found.ignored if found else ()
    return {k: v for k, v in resource["inputs"].items() if k not in ignored}


def _unknown_anew(
    resource: Mapping[str, Any], inputs: Mapping[str, Any], found: Mapping[str, Change]
) -> Iterator[Difference]:
    """Yield inputs from a resource that is replaced: they are unknown in both plans."""
    above = [found[urn] for urn in resource["dependencies"] if urn in found]
    if any(change.operation is Operation.REPLACE for change in above):
        for key, value in inputs.items():
            if _holds_unknown(value):
                yield Difference(path=(key,), before=UNKNOWN_SHOWN, after=UNKNOWN_SHOWN)


def _holds_unknown(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, dict):
        return any(_holds_unknown(v) for v in cast(dict[str, Any], value).values())
    if isinstance(value, list):
        return any(_holds_unknown(v) for v in cast(list[Any], value))
    return value == UNKNOWN_SHOWN


def _replaced_provider(type_: str, found: Mapping[str, Change]) -> list[Difference]:
    """Return why the cluster's provider is replaced, for a resource that is replaced with it."""
    if not type_.startswith("kubernetes:"):
        return []
    providers = (c for c in found.values() if c.type == KUBERNETES_PROVIDER)
    return [d for c in providers if c.operation is Operation.REPLACE for d in c.because]


def _forces(type_: str, difference: Difference) -> bool:
    """Whether a difference is in a property that forces a replacement."""
    name = difference.name
    return any(name == p or name.startswith((f"{p}.", f"{p}[")) for p in replacing(type_))


def protection(before: Planned, after: Planned) -> list[tuple[str, str]]:
    """Return changes of protection, which the engine doesn't report, by resource."""
    return [
        (new["name"], "protected" if new["protect"] else "no longer protected")
        for urn, new in after.resources.items()
        if (old := before.resources.get(urn)) and old["protect"] != new["protect"]
    ]
