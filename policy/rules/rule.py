"""What a policy is, what it looks at and what it finds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

# Stands for a value that is known only after an update. It is not judged: the update evaluates the
# policies again before it creates anything.
from pulumi.runtime.rpc import UNKNOWN

from components.core.tier import Tier

__all__ = ["UNKNOWN", "Before", "Finding", "Level", "Resource", "Rule", "Violation"]


class Level(StrEnum):
    """What a violation does."""

    MANDATORY = "mandatory"
    """`make plan`, `pulumi preview` and `pulumi up` fail."""
    ADVISORY = "advisory"
    """It is said, and nothing else."""
    OFF = "off"
    """Nobody looks."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack, from a plan or from the engine.

    Attributes:
        urn: URN.
        type: type token.
        name: logical name.
        inputs: properties by their names in the provider's schema, unknown ones as `UNKNOWN`.
        protect: whether Pulumi refuses to delete it.
        dependencies: URNs of what it depends on.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    dependencies: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the resources alone do not tell: how the stack was before.

    Attributes:
        retention_hours: hours that Tempo keeps traces so far; None where that is not known.
    """

    retention_hours: float | None = None


class Finding(NamedTuple):
    """One thing that is wrong with one resource."""

    urn: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One policy.

    Attributes:
        name: its name in Pulumi, kebab-case.
        what: what must not be, or must be, in a sentence.
        why: what it saves its reader from.
        fix: what to do about a violation.
        levels: what a violation does, by the environment's tier.
        check: finds violations; it is given all resources.
        whole_stack: whether resources must be seen together. The other rules look at each resource
            by itself, so that the engine can ask them before it makes one.
        compares: whether it must know how the stack was before.
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
    """A finding in an environment.

    Attributes:
        rule: name of the rule.
        level: what it does in this environment.
        urn: URN of the resource.
        message: what is wrong with it.
    """

    rule: str
    level: Level
    urn: str
    message: str
