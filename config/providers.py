"""Arguments for the AWS provider: what the settings fix, and the `aws:` keys of the stack file."""

import difflib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pulumi
import pulumi_aws as aws
from pydantic.alias_generators import to_camel

from components.checks import Problem, problem
from components.core.regions import partition
from components.settings import TracingSettings
from config import sdk

#: Arguments that follow from the settings; a second source would only disagree with them.
_FIXED = {"region": "cluster.region", "allowedAccountIds": "cluster.accountId"}


def aws_arguments(
    config: Mapping[str, str], settings: TracingSettings
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the AWS provider's arguments and the problems of the `aws:` keys.

    Region and account come from the settings, so that no environment variable of a laptop decides
    where an `up` goes. Other `aws:` keys (a profile, endpoints of an emulator) pass through: an
    explicit provider does not read them by itself.
    """
    known = {to_camel(name): name for name in inspect.signature(aws.ProviderArgs).parameters}
    arguments: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, text in config.items():
        namespace, _, name = key.partition(":")
        if namespace == "kubernetes":
            # Without its value, which may be a kubeconfig with credentials.
            problems.append(
                Problem(
                    key=key,
                    message="has no effect: set tracing:cluster.kubeContext, and remove this key",
                )
            )
        if namespace != "aws":
            continue
        value = "[secret]" if sdk.is_secret(key) else parsed(text)
        if name in _FIXED:
            problems.append(
                problem(key, value, f"is set by tracing:{_FIXED[name]}: remove this key")
            )
        elif name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean aws:{near[0]}?" if near else ""
            problems.append(problem(key, value, f"unknown key{hint}"))
        elif sdk.is_secret(key):
            arguments[known[name]] = pulumi.Output.secret(parsed(text))
        else:
            arguments[known[name]] = value
            problems += _other_account(name, value, settings)
    arguments["region"] = settings.cluster.region
    arguments["allowed_account_ids"] = [settings.cluster.account_id]
    return arguments, problems


def _other_account(name: str, value: object, settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem if the provider would end up with a role of another account.

    Earlier roles of a chain may be anywhere: the last one makes the calls.
    """
    key, role = f"aws:{name}", value
    if name == "assumeRoles" and isinstance(value, list) and value:
        roles = cast(list[object], value)
        key, role = f"{key}[{len(roles) - 1}]", roles[-1]
    elif name != "assumeRoleWithWebIdentity":
        return
    arn = cast(dict[str, object], role).get("roleArn") if isinstance(role, dict) else None
    starts = f"arn:{partition(settings.cluster.region)}:iam::{settings.cluster.account_id}:role/"
    if isinstance(arn, str) and not arn.startswith(starts):
        yield problem(
            f"{key}.roleArn", arn, f"must begin with {starts} (a role of tracing:cluster.accountId)"
        )


def parsed(text: str) -> Any:  # noqa: ANN401
    """Return a configuration value as it stands in the stack file: Pulumi hands objects as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
