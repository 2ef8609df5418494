"""Validates the groups of a stack file and reports all of their problems at once."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..core.problem import Problem, SettingsError
from ..core.tier import TIERS, Tier
from ..settings import TracingSettings
from .messages import Path, key_of, nearest, path_of, problem_of
from .rules import problems

#: Defaults of the tiers that differ from the defaults of the settings, which suit production.
PRESETS: dict[Tier, dict[str, dict[str, Any]]] = {
    Tier.EPHEMERAL: {
        "storage": {"protect": False, "forceDestroy": True},
        "beyla": {"namespaces": ["*"]},
        "charts": {"atomic": False},
    },
    Tier.DEVELOPMENT: {
        "storage": {"protect": False},
        "beyla": {"namespaces": ["*"]},
        "charts": {"atomic": False},
    },
    Tier.STAGING: {"storage": {"protect": False}, "charts": {"atomic": False}},
    Tier.PRODUCTION: {},
}
#: Placeholders for required settings that are missing or invalid, so that the rules between
#: settings can still be checked.
_PLACEHOLDERS: dict[str, dict[str, Any]] = {
    "environment": {"name": "unnamed"},
    "cluster": {"name": "unnamed", "region": "us-east-1", "accountId": "000000000000"},
}
#: Placeholders for invalid entries of lists. Without them, the entries after an invalid one would
#: be reported by other numbers than in the file.
_ENTRIES: dict[str, dict[str, Any]] = {
    "slos": {
        "name": "unnamed",
        "owner": "unnamed",
        "objective": 99,
        "ratio": {"bad": "rate(bad[window])", "total": "rate(total[window])"},
    }
}


def parse_settings(groups: Mapping[str, Any], source: str = "settings") -> TracingSettings:
    """Return settings from a mapping, with the defaults of the tier.

    Args:
        groups: plain values by group and key, as under `tracing:` in a stack file. Access to the
            cluster (`cluster.kubeContext` or `cluster.stackReference`) is optional.
        source: name of the source, for the message.

    Raises:
        SettingsError: with every problem, by the key as it is written.
    """
    settings, found = validate(groups, stack_file=False)
    if found:
        raise SettingsError(source, found)
    return settings


def validate(
    groups: Mapping[str, Any], skipped: Sequence[str] = (), *, stack_file: bool = True
) -> tuple[TracingSettings, list[Problem]]:
    """Check the groups of a stack file, by themselves and against each other.

    An invalid value is left out and the rest is checked, so that all problems are reported at once.
    `skipped` are groups that could not be read: problems that follow from that are not reported.
    Use the settings only if there is no problem.
    """
    values = with_presets(copy.deepcopy(dict(groups)))
    found: list[Problem] = []
    # Reported keys, and the keys meant by misspelt ones: problems that follow from them are noise.
    suspects = set(skipped)
    while True:
        try:
            settings = TracingSettings.model_validate(values, by_alias=True, by_name=False)
            break
        except ValidationError as error:
            # A default that depends on an invalid value is no error of its own.
            details = [
                detail
                for detail in error.errors(include_url=False)
                if detail["type"] != "default_factory_not_called"
            ]
            keys = [key_of(path_of(detail)) for detail in details]
            found += [
                problem_of(detail)
                for detail, key in zip(details, keys, strict=True)
                if not any(key == s or key.startswith(f"{s}.") for s in suspects)
            ]
            misspelt = (d for d in details if d["type"] == "extra_forbidden")
            suspects |= {*keys, *filter(None, (nearest(path_of(d)) for d in misspelt))}
            # From the last to the first, because leaving out an entry moves the later ones.
            for detail in reversed(details):
                suspects.add(key_of(_leave_out(values, detail)))
    found += [
        p
        for p in problems(settings, stack_file=stack_file)
        if not any(s in f"{p.key} {p.message}" for s in suspects)
    ]
    return settings, found


def _leave_out(values: dict[str, Any], detail: ErrorDetails) -> Path:
    """Remove a value, or put a placeholder where one is required; return the path of either."""
    path = path_of(detail)
    group, last = str(path[0]), path[-1]
    if len(path) == 1 and group in _PLACEHOLDERS:
        values[group] = dict(_PLACEHOLDERS[group])
    elif len(path) == 2 and last in _PLACEHOLDERS.get(group, {}):
        values[group][last] = _PLACEHOLDERS[group][str(last)]
    elif len(path) > 1 and group in _ENTRIES:
        path = path[:2]
        values[group][path[1]] = copy.deepcopy(_ENTRIES[group])
    else:
        # A mapping without its required key is left out as a whole.
        path = path[:-1] if detail["type"] == "missing" else path
        # A list of mappings is left out with a wrong entry: without the entry alone, the paths of
        # other problems would lead to the entries after it.
        numbers = [n for n, part in enumerate(path[:-1]) if isinstance(part, int)]
        path = path[: numbers[0]] if numbers else path
        node: Any = values
        *parents, last = list(path)
        for part in parents:
            # The mapping may have been left out already, for another of its keys.
            node = node.get(part, {})
        if isinstance(last, str):
            node.pop(last, None)
        elif node:
            node.pop(last)
    return path


def with_presets(groups: dict[str, Any]) -> dict[str, Any]:
    """Return the groups of a stack file with the defaults of its tier.

    Values of the wrong type are kept, and validation reports them.
    """
    environment = groups.get("environment")
    if not isinstance(environment, dict):
        return groups
    given: dict[str, Any] = environment  # pyright: ignore[reportUnknownVariableType]
    name = given.get("name")
    by_name = TIERS.get(name, Tier.PRODUCTION) if isinstance(name, str) else Tier.PRODUCTION
    tier = given.get("tier", by_name)
    merged = {**groups, "environment": {"tier": tier, **given}}
    if tier not in PRESETS:
        return merged
    for group, preset in PRESETS[Tier(tier)].items():
        own: Any = merged.get(group, {})
        if isinstance(own, dict):
            written = cast(dict[str, Any], own)
            merged[group] = {**_without_contradictions(preset, written), **written}
    return merged


def _without_contradictions(preset: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults of a tier without one that contradicts a value of the stack file."""
    # `services` would have no effect besides all namespaces.
    dropped = {"namespaces"} if own.get("services") else set[str]()
    keeps_bucket = own.get("protect") is True or own.get("existing") is True
    if keeps_bucket:
        dropped.add("forceDestroy")
    return {k: v for k, v in preset.items() if k not in dropped}
