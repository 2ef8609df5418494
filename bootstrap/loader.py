"""Reads and validates both stack files: the bootstrap project's and the tracing stack's."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pydantic import ValidationError

from bootstrap.names import boundary_arn
from bootstrap.settings import BootstrapSettings
from components.checks import Problem, SettingsError, problem
from components.checks.messages import problem_of
from components.checks.validate import validate
from components.settings import TracingSettings
from config import sdk
from config.loader import GROUPS
from config.loader import PROJECT as TRACING
from config.providers import aws_arguments, parsed
from plan.stackfile import read

PROJECT = "tracing-bootstrap"
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class BootstrapConfig:
    """Settings from both stack files.

    Attributes:
        stack: name of both stacks, and of the GitHub environment that deploys.
    """

    settings: BootstrapSettings
    tracing: TracingSettings
    stack: str
    aws: dict[str, Any]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of all resources."""
        return {**self.tracing.aws_tags, "managed-by": PROJECT}


def load_bootstrap() -> BootstrapConfig:
    """Load and validate the configuration of the current stack and of its tracing stack.

    Raises:
        SettingsError: with all errors of both stack files.
    """
    stack = pulumi.get_stack()
    tracing, wrong = tracing_settings(_ROOT, stack)
    raw = sdk.configuration()
    own = {
        key.removeprefix(f"{PROJECT}:"): parsed(value)
        for key, value in raw.items()
        if key.startswith(f"{PROJECT}:")
    }
    aws, wrong_aws = aws_arguments(raw, tracing)
    try:
        settings = BootstrapSettings.model_validate(own, by_alias=True, by_name=False)
    except ValidationError as error:
        settings = None
        details = error.errors(include_url=False)
        wrong_aws += [_of(PROJECT, problem_of(detail, BootstrapSettings)) for detail in details]
    unfit: Iterable[Problem] = (
        () if wrong else _unfit(tracing, trace_key=settings is None or settings.trace_key)
    )
    found = [*(_of(TRACING, p) for p in (*wrong, *unfit)), *wrong_aws]
    if found or settings is None:
        raise SettingsError(f"Pulumi.{stack}.yaml and bootstrap/Pulumi.{stack}.yaml", found)
    return BootstrapConfig(settings=settings, tracing=tracing, stack=stack, aws=aws)


def tracing_settings(root: Path, stack: str) -> tuple[TracingSettings, list[Problem]]:
    """Return the settings of the tracing stack and its errors. With errors, settings are unusable.

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


def _unfit(tracing: TracingSettings, *, trace_key: bool) -> Iterator[Problem]:
    """Yield errors of valid tracing settings that `bootstrap` can't make roles for."""
    identity, storage = tracing.identity, tracing.storage
    if storage.endpoint:
        yield problem(
            "storage.endpoint",
            storage.endpoint,
            "is an S3 emulator: there is no AWS account to set up",
        )
        return
    makes_role = identity.makes_role or tracing.alloy_makes_role
    if makes_role and identity.permissions_boundary_arn is None:
        yield Problem(
            key="identity.permissionsBoundaryArn",
            message="is missing: the deploy role makes the pods' roles, and without a boundary it "
            f"could make them administrators. Set it to {boundary_arn(tracing)}, which "
            "`bootstrap` makes, or to your own policy",
        )
    if storage.makes_key and not trace_key:
        yield Problem(
            key="storage.kmsKeyArn",
            message="is missing: the deploy role can't make KMS keys. Set it to the ARN of a key, "
            f"or set {PROJECT}:traceKey: true to make one here, and set it to the output "
            "`traceKeyArn`",
        )


def _of(project: str, found: Problem) -> Problem:
    return dataclasses.replace(found, key=f"{project}:{found.key}")
