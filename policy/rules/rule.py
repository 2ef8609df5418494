"""Policies, the resources that they check, and their violations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

# Stands for a value that is known only after an update. It is not judged: the update evaluates the
# policies again before it creates anything.
from pulumi.runtime.rpc import UNKNOWN

from components.core.tier import Tier

__all__ = [
    "UNKNOWN",
    "Before",
    "Finding",
    "Level",
    "Resource",
    "Rule",
    "UnknownInputs",
    "Violation",
]


class Level(StrEnum):
    """Effect of a violation."""

    MANDATORY = "mandatory"
    """`make plan`, `pulumi preview` and `pulumi up` fail."""
    ADVISORY = "advisory"
    """A warning."""
    OFF = "off"
    """Not evaluated."""


class UnknownInputs(Mapping[str, Any]):
    """Inputs of a resource that a command leaves out (`--exclude`, `--target`): none is known.

    The engine passes none for a resource that this command does not create.
    """

    def __getitem__(self, key: str) -> str:
        return UNKNOWN

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack, from a plan or from the engine.

    Attributes:
        inputs: properties by their names in the provider's schema, unknown ones as `UNKNOWN`.
        protect: whether Pulumi refuses to delete it.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    dependencies: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Before:
    """The deployed stack, for policies that compare with it; None where it is unknown."""

    retention_hours: float | None = None


class Finding(NamedTuple):
    """A problem of one resource."""

    urn: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One policy.

    Attributes:
        name: name in Pulumi, kebab-case.
        what: the requirement, in one sentence.
        why: the reason.
        fix: how to resolve a violation.
        levels: effect of a violation, by tier.
        check: finds violations in all resources.
        whole_stack: whether it needs all resources. Other policies check each resource by itself,
            so that the engine can evaluate them before it creates one.
        compares: whether it needs the deployed stack.
    """

    name: str
    what: str
    why: str
    fix: str
    levels: Mapping[Tier, Level]
    check: Callable[[Sequence[Resource], Before], Iterator[Finding]]
    whole_stack: bool = False
    compares: bool = False


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A violation in an environment, with the level that the rule has there."""

    rule: str
    level: Level
    urn: str
    message: str
