"""Reads one stack's configuration, whole, and refuses it whole where something is wrong."""

import dataclasses
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from components.rules import SECRETS, Problem, SettingsError, credentials, problem
from components.settings import TracingSettings
from components.validation.validate import validate
from config.providers import aws_arguments, parsed

PROJECT = "tracing"
GROUPS = tuple(field.alias or name for name, field in TracingSettings.model_fields.items())


@dataclass(frozen=True, kw_only=True)
class TracingConfig:
    """What a stack's configuration holds.

    Attributes:
        settings: the plain settings.
        aws: arguments for the AWS provider.
        metrics_password: password of `grafana.metrics.username`.
        logs_password: password of `grafana.logs.username`.
    """

    settings: TracingSettings
    aws: dict[str, Any]
    metrics_password: pulumi.Output[str] | None
    logs_password: pulumi.Output[str] | None


def load_config() -> TracingConfig:
    """Read and validate the configuration of the current stack.

    Returns:
        Settings, secrets and arguments for the AWS provider.

    Raises:
        SettingsError: with every problem of the stack file.
    """
    raw = runtime_config.CONFIG.get()
    given = {k.split(":", 1)[1]: v for k, v in raw.items() if k.startswith(f"{PROJECT}:")}
    found = list(_key_problems(given))
    groups = {k: parsed(v) for k, v in given.items() if k in GROUPS and not _is_secret(k)}
    secret_groups = [k for k in given if k in GROUPS and _is_secret(k)]
    settings, wrong = validate(groups, skipped=secret_groups)
    found += [*wrong, *credentials(settings, given)]
    found = [dataclasses.replace(item, key=f"{PROJECT}:{item.key}") for item in found]
    aws, wrong_aws = aws_arguments(raw, settings)
    found += wrong_aws
    if found:
        raise SettingsError(f"Pulumi.{pulumi.get_stack()}.yaml", found)
    config = pulumi.Config(PROJECT)
    return TracingConfig(
        settings=settings,
        aws=aws,
        metrics_password=config.get_secret("metricsPassword"),
        logs_password=config.get_secret("logsPassword"),
    )


def _is_secret(key: str) -> bool:
    return runtime_config.is_config_secret(f"{PROJECT}:{key}")


def _key_problems(given: dict[str, str]) -> Iterator[Problem]:
    """Check the keys themselves: known, and encrypted just where they must be."""
    known = (*GROUPS, *SECRETS)
    for key, text in given.items():
        if key in SECRETS:
            if not _is_secret(key):
                yield Problem(
                    key=key,
                    message=f"must be encrypted: pulumi config set --secret {PROJECT}:{key}",
                )
        elif key in GROUPS:
            if _is_secret(key):
                yield Problem(
                    key=key,
                    message="holds an encrypted value, which would reach the state in plain text; "
                    f"the encrypted keys are {', '.join(SECRETS)}, outside the groups",
                )
        elif key.partition(".")[0] in GROUPS:
            yield problem(
                key,
                parsed(text),
                f"unknown key; pulumi config set takes --path for {PROJECT}:{key}",
            )
        else:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            value = "[secret]" if _is_secret(key) else parsed(text)
            yield problem(key, value, f"unknown key; {hint}")
