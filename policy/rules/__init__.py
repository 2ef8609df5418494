"""The policies, one implementation for `make plan` and for Pulumi's own policy engine."""

from collections.abc import Sequence

from components.core.tier import Tier

from . import access, buckets, iam, pods, releases, retention
from .rule import UNKNOWN, Before, Finding, Level, Resource, Rule, UnknownInputs, Violation

__all__ = [
    "RULES",
    "UNKNOWN",
    "Before",
    "Finding",
    "Level",
    "Resource",
    "Rule",
    "UnknownInputs",
    "Violation",
    "violations",
]

RULES: tuple[Rule, ...] = (
    *buckets.RULES,
    *retention.RULES,
    *releases.RULES,
    *pods.RULES,
    *access.RULES,
    *iam.RULES,
)


def violations(
    resources: Sequence[Resource], tier: Tier, before: Before, *, rules: Sequence[Rule] = RULES
) -> list[Violation]:
    """Return the violations of a stack, mandatory ones first."""
    found = [
        Violation(rule=rule.name, level=rule.levels[tier], urn=urn, message=message)
        for rule in rules
        if rule.levels[tier] is not Level.OFF
        for urn, message in rule.check(resources, before)
    ]
    return sorted(found, key=lambda violation: violation.level is not Level.MANDATORY)
