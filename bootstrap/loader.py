"""Reads both stack files, this project's and the tracing stack's, and refuses them whole."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from bootstrap.settings import BootstrapSettings
from components.checks import Problem, SettingsError, problem
from components.checks.messages import problem_of
from components.checks.validate import validate
from components.core.names import boundary_arn
from components.identity.settings import IdentityMode
from components.settings import TracingSettings
from config.loader import GROUPS
from config.loader import PROJECT as TRACING
from config.providers import aws_arguments, parsed
from plan.stackfile import read

PROJECT = "tracing-bootstrap"
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class BootstrapConfig:
    """What both stack files hold.

    Attributes:
        settings: this project's own settings.
        tracing: settings of the tracing stack.
        stack: name of both stacks, and of the GitHub environment that deploys.
        aws: arguments for the AWS provider.
    """

    settings: BootstrapSettings
    tracing: TracingSettings
    stack: str
    aws: dict[str, Any]


def load_bootstrap(root: Path = _ROOT) -> BootstrapConfig:
    """Read and validate the configuration of the current stack and of the stack that it serves.

    Args:
        root: folder of the tracing stack's Pulumi.yaml.

    Returns:
        Settings and arguments for the AWS provider.

    Raises:
        SettingsError: with every problem of both stack files.
    """
    stack = pulumi.get_stack()
    tracing, wrong = tracing_settings(root, stack)
    found = [_of(TRACING, p) for p in (*wrong, *_unfit(tracing, wrong))]
    raw = runtime_config.CONFIG.get()
    settings = None
    try:
        settings = BootstrapSettings.model_validate(
            {
                key.removeprefix(f"{PROJECT}:"): parsed(value)
                for key, value in raw.items()
                if key.startswith(f"{PROJECT}:")
            },
            by_alias=True,
            by_name=False,
        )
    except ValidationError as error:
        details = error.errors(include_url=False)
        found += [_of(PROJECT, problem_of(detail, BootstrapSettings)) for detail in details]
    aws, wrong_aws = aws_arguments(raw, tracing)
    found += wrong_aws
    if found or settings is None:
        raise SettingsError(f"Pulumi.{stack}.yaml and bootstrap/Pulumi.{stack}.yaml", found)
    return BootstrapConfig(settings=settings, tracing=tracing, stack=stack, aws=aws)


def tracing_settings(root: Path, stack: str) -> tuple[TracingSettings, list[Problem]]:
    """Return the settings of the tracing stack, of use only where there is no problem.

    Args:
        root: folder of its Pulumi.yaml.
        stack: name of the stack.

    Raises:
        SettingsError: there is no such stack file, or it can't be read.
    """
    file = read(root, stack)
    given = {
        key.removeprefix(f"{TRACING}:"): parsed(value)
        for key, value in file.values.items()
        if key not in file.secret_keys
    }
    return validate({key: value for key, value in given.items() if key in GROUPS})


def makes_role(tracing: TracingSettings) -> bool:
    """Tell whether the tracing stack makes Tempo's role."""
    return tracing.identity.mode is not IdentityMode.NONE and tracing.identity.role_arn is None


def _unfit(tracing: TracingSettings, wrong: list[Problem]) -> Iterator[Problem]:
    """Yield what a stack file may say elsewhere but not here."""
    if tracing.storage.endpoint:
        yield problem(
            "storage.endpoint",
            tracing.storage.endpoint,
            "is a stand-in for S3: there is no account to set up",
        )
    elif makes_role(tracing) and tracing.identity.permissions_boundary_arn is None and not wrong:
        arn = boundary_arn(
            environment=tracing.environment.name,
            account_id=tracing.cluster.account_id,
            region=tracing.cluster.region,
        )
        yield Problem(
            key="identity.permissionsBoundaryArn",
            message="is missing: who deploys makes Tempo's role, and without a boundary could make "
            f"it an administrator. Set it to {arn}, which is made here, or to one of your own",
        )


def _of(project: str, found: Problem) -> Problem:
    return dataclasses.replace(found, key=f"{project}:{found.key}")
