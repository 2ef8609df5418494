"""Validates the groups of a stack file and finds all of their problems in one go."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..settings import TracingSettings
from . import Problem, SettingsError, problems
from .messages import Path, key_of, nearest, problem_of
from .presets import with_presets

#: Stand for required settings that are missing or wrong, so that the rules across settings can
#: still be checked; the settings are reported all the same.
_PLACEHOLDERS: dict[str, dict[str, Any]] = {
    "environment": {"name": "unnamed"},
    "cluster": {"name": "unnamed", "region": "us-east-1", "accountId": "000000000000"},
}
#: Stand for wrong entries of groups that are lists: without one in its place, an entry that is left
#: out would give those behind it other numbers than in the file.
_ENTRIES: dict[str, dict[str, Any]] = {
    "slos": {
        "name": "unnamed",
        "owner": "unnamed",
        "objective": 99,
        "ratio": {"bad": "rate(bad[window])", "total": "rate(total[window])"},
    },
}


def parse_settings(groups: Mapping[str, Any], source: str = "settings") -> TracingSettings:
    """Return the settings that a mapping holds, with the defaults of its tier.

    Args:
        groups: what a stack file holds under `tracing:`, plain values by group and key. How the
            cluster is reached (`cluster.kubeContext` and the like) may be left out.
        source: where they come from, for the message.

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

    What is wrong by itself is left out and the rest is checked on, so that one look at a file finds
    all of its problems.

    Args:
        groups: values by group, as written.
        skipped: groups that could not be read; what follows from them is not reported.
        stack_file: whether they must say how the cluster is reached.

    Returns:
        The settings, of use only where there is no problem, and the problems.
    """
    values = with_presets(copy.deepcopy(dict(groups)))
    found: list[Problem] = []
    #: Keys that are reported, and those meant by misspelt ones: what follows from them is noise.
    suspects = set(skipped)
    while True:
        try:
            settings = TracingSettings.model_validate(values, by_alias=True, by_name=False)
            break
        except ValidationError as error:
            details = error.errors(include_url=False)
            keys = [key_of(detail["loc"]) for detail in details]
            found += [
                problem_of(detail)
                for detail, key in zip(details, keys, strict=True)
                if not any(key == s or key.startswith(f"{s}.") for s in suspects)
            ]
            suspects |= {*keys, *(nearest(d["loc"]) or "" for d in details if _misspelt(d))} - {""}
            # From the last to the first: leaving out an entry moves those behind it.
            for detail in reversed(details):
                suspects.add(key_of(_leave_out(values, detail)))
    found += [
        p
        for p in problems(settings, stack_file=stack_file)
        if not any(s in f"{p.key} {p.message}" for s in suspects)
    ]
    return settings, found


def _misspelt(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _leave_out(values: dict[str, Any], detail: ErrorDetails) -> Path:
    """Remove a value, or put a placeholder where one is required.

    Returns:
        The path of what was removed or replaced.
    """
    path = detail["loc"]
    group, last = str(path[0]), path[-1]
    if len(path) == 1 and group in _PLACEHOLDERS:
        values[group] = dict(_PLACEHOLDERS[group])
    elif len(path) == 2 and last in _PLACEHOLDERS.get(group, {}):
        values[group][last] = _PLACEHOLDERS[group][str(last)]
    elif len(path) > 1 and group in _ENTRIES:
        path = path[:2]
        values[group][path[1]] = copy.deepcopy(_ENTRIES[group])
    else:
        # Without a required key, what holds it can't be kept either.
        path = path[:-1] if detail["type"] == "missing" else path
        node: Any = values
        *parents, last = list(path)
        for part in parents:
            # What holds it may be gone already, for another of its keys.
            node = node[part] if isinstance(part, int) else node.get(part, {})
        if isinstance(last, int):
            node.pop(last)
        else:
            node.pop(last, None)
    return path
