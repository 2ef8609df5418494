"""Reads and validates one stack's whole configuration, and reports all of its errors at once."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from components.alloy import own_modules
from components.checks import SECRETS, Problem, SettingsError, credentials, problem
from components.checks.validate import validate
from components.core.tier import PRODUCTION_NAMES, TIERS, Tier
from components.settings import TracingSettings
from config import sdk
from config.providers import aws_arguments, parsed

PROJECT = "tracing"
#: Likeness of two names above which one is probably a typing error of the other.
_NEAR: Final = 0.8
GROUPS = tuple(field.alias or name for name, field in TracingSettings.model_fields.items())


@dataclass(frozen=True, kw_only=True)
class TracingConfig:
    """The configuration of a stack, with the passwords or tokens of its backends.

    Attributes:
        alloy_modules: content of the files in `alloy.modules`, by their paths.
    """

    settings: TracingSettings
    aws: dict[str, Any]
    metrics_password: pulumi.Output[str] | None
    logs_password: pulumi.Output[str] | None
    profiles_password: pulumi.Output[str] | None
    alloy_modules: dict[str, str]


def load_config() -> TracingConfig:
    """Read and validate the configuration of the current stack.

    Raises:
        SettingsError: with every problem of the stack file.
    """
    raw = sdk.configuration()
    given = {k.split(":", 1)[1]: v for k, v in raw.items() if k.startswith(f"{PROJECT}:")}
    found = [*_key_problems(given), *_copied(given)]
    groups = {k: parsed(v) for k, v in given.items() if k in GROUPS and not _is_secret(k)}
    secret_groups = [k for k in given if k in GROUPS and _is_secret(k)]
    settings, wrong = validate(groups, skipped=secret_groups)
    texts, unread = _read_modules(settings)
    found += [*wrong, *credentials(settings, given), *unread]
    found = [dataclasses.replace(item, key=f"{PROJECT}:{item.key}") for item in found]
    aws, wrong_aws = aws_arguments(raw, settings)
    found += [*wrong_aws, *_misspelt_projects(raw)]
    if found:
        raise SettingsError(f"Pulumi.{pulumi.get_stack()}.yaml", found)
    config = pulumi.Config(PROJECT)
    return TracingConfig(
        settings=settings,
        aws=aws,
        metrics_password=config.get_secret("metricsPassword"),
        logs_password=config.get_secret("logsPassword"),
        profiles_password=config.get_secret("profilesPassword"),
        alloy_modules=texts,
    )


def _read_modules(settings: TracingSettings) -> tuple[dict[str, str], list[Problem]]:
    """Return the content of the files in `alloy.modules`, and what is wrong with them."""
    texts: dict[str, str] = {}
    found: list[Problem] = []
    for key, _, path in own_modules.paths(settings.alloy.modules):
        file = Path(path)
        try:
            # A pipe would be waited for.
            if not file.is_file():
                raise FileNotFoundError(0, "there is no such file in the project's folder")
            texts[path] = file.read_bytes()[: own_modules.MOST_BYTES + 1].decode()
        except UnicodeDecodeError:
            found.append(problem(key, path, "is not UTF-8 text: save it as UTF-8"))
        except OSError as error:
            found.append(problem(key, path, f"can't be read: {error.strerror}"))
    read = own_modules.problems(settings.alloy.modules, texts)
    return texts, [*found, *(p for p in read if p.key not in {f.key for f in found})]


def _misspelt_projects(raw: Mapping[str, str]) -> Iterator[Problem]:
    """Yield each key whose project is probably a typing error: Pulumi ignores such keys."""
    for key, text in raw.items():
        project, _, name = key.partition(":")
        near = difflib.SequenceMatcher(None, project.lower(), PROJECT).ratio() > _NEAR
        if project != PROJECT and near and name.partition(".")[0] in (*GROUPS, *SECRETS):
            value = "[secret]" if sdk.is_secret(key) else parsed(text)
            yield problem(key, value, f"is ignored by Pulumi; did you mean {PROJECT}:{name}?")


def _copied(given: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem if the names of stack and environment promise different tiers."""
    group = parsed(given["environment"]) if "environment" in given else None
    name = cast(dict[str, Any], group).get("name") if isinstance(group, dict) else None
    stack = pulumi.get_stack()
    promised, found = _promised(stack), _promised(name) if isinstance(name, str) else None
    if promised and found and promised is not found:
        yield problem(
            "environment.name",
            name,
            f"is {found.value}, and the stack {stack} is {promised.value}: the file is a copy of "
            f"another stack's. Set environment.name to {stack}, or rename the stack",
        )


def _promised(name: str) -> Tier | None:
    """Return the tier of a name such as `prod` or `prod-eu`; None for other names."""
    first = name.partition("-")[0]
    return Tier.PRODUCTION if first in PRODUCTION_NAMES else TIERS.get(first)


def _is_secret(key: str) -> bool:
    return sdk.is_secret(f"{PROJECT}:{key}")


def _key_problems(given: dict[str, str]) -> Iterator[Problem]:
    """Yield each key that is unknown, and each that is encrypted or not against the rules."""
    known = (*GROUPS, *SECRETS)
    for key, text in given.items():
        if key in SECRETS:
            if not _is_secret(key):
                yield Problem(
                    key=key,
                    message="must be encrypted: remove this key and run "
                    f"`pulumi config set --secret {PROJECT}:{key}`",
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
                f"unknown key; run `pulumi config set` with --path for {PROJECT}:{key}",
            )
        else:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            value = "[secret]" if _is_secret(key) else parsed(text)
            yield problem(key, value, f"unknown key; {hint}")
