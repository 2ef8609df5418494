"""The policies for Pulumi's own engine: `pulumi preview --policy-pack policy`."""

# Runs in policy/venv, because pulumi-policy and the stack need incompatible versions of protobuf.
# The type checker doesn't find pulumi-policy, so everything that needs it is in this file.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false
# The project must be on the path before it is imported.
# ruff: noqa: E402

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

# The engine runs this folder, which needs the project around it.
_PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_PROJECT))
# The package itself imports every component with its libraries; the pack only needs a module
# without any.
sys.modules["components"] = ModuleType("components")
sys.modules["components"].__path__ = [str(_PROJECT / "components")]

from components.core.tier import TIERS, Tier
from policy.rules import RULES, UNKNOWN, Before, Level, Resource, Rule, UnknownInputs
from policy.rules.retention import DEPLOYED_HOURS

_LEVELS = {
    Level.MANDATORY: EnforcementLevel.MANDATORY,
    Level.ADVISORY: EnforcementLevel.ADVISORY,
    Level.OFF: EnforcementLevel.DISABLED,
}


def _tier() -> Tier:
    """Return the tier in the stack's configuration, as the program itself determines it.

    A configuration that the program refuses counts as production.
    """
    try:
        environment: Any = pulumi.Config("tracing").get_object("environment")
        by_name = TIERS.get(environment["name"], Tier.PRODUCTION)
        return Tier(environment.get("tier", by_name))
    except (pulumi.ConfigTypeError, AttributeError, KeyError, TypeError, ValueError):
        return Tier.PRODUCTION


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value for the rules: unknown values as `UNKNOWN`, integers as integers."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_item(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _item(container: Any, key: Any) -> Any:  # noqa: ANN401
    try:
        return _plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _inputs(props: Mapping[str, Any]) -> Mapping[str, Any]:
    return _plain(props) or UnknownInputs()


def _before(config: Mapping[str, Any]) -> Before:
    return Before(retention_hours=config.get(DEPLOYED_HOURS))


def _of_resource(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(
            urn=args.urn,
            type=args.resource_type,
            name=args.name,
            inputs=_inputs(args.props),
            protect=args.opts.protect,
        )
        for finding in rule.check([resource], _before(args.get_config())):
            report(finding.message)

    return validate


def _of_stack(rule: Rule) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [
            Resource(
                urn=r.urn,
                type=r.resource_type,
                name=r.name,
                inputs=_inputs(r.props),
                protect=r.opts.protect,
                dependencies=[d.urn for d in r.dependencies],
            )
            for r in args.resources
        ]
        for finding in rule.check(resources, _before(args.get_config())):
            report(finding.message, finding.urn)

    return validate


def _policy(rule: Rule, tier: Tier) -> Policy:
    kind, check = (
        (StackValidationPolicy, _of_stack)
        if rule.whole_stack
        else (ResourceValidationPolicy, _of_resource)
    )
    return kind(
        name=rule.name,
        description=rule.what,
        validate=check(rule),
        enforcement_level=_LEVELS[rule.levels[tier]],
        config_schema=(
            PolicyConfigSchema({DEPLOYED_HOURS: {"type": "number"}}) if rule.compares else None
        ),
        remediation_steps=rule.fix,
    )


PolicyPack("tracing", [_policy(rule, _tier()) for rule in RULES])
