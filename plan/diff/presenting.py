"""One changed resource as a reviewer reads it: each type in its own way."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import yaml

from plan.diff import grafana, markdown
from plan.diff.changes import Change, Operation
from plan.diff.losing import RELEASE
from plan.diff.parts import Part, of_resources, properties
from plan.diff.rules import rules
from plan.diff.values import MISSING, Difference
from plan.dumping import dump

_CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
_PROMETHEUS_RULE: Final = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
#: Where Alloy's chart takes its configuration.
_ALLOY = ("values", "alloy", "configMap", "content")
#: The C one is ten times faster; PyYAML is sometimes built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parts(changes: Iterable[Change]) -> Iterator[Part]:
    """Yield what changes in resources that are updated or replaced, in the order to read it.

    First Helm values and Alloy's configuration, then rules and dashboards, then in one table every
    property that has no way of its own to be shown.
    """
    every = list(changes)
    rest: list[tuple[str, Difference]] = []
    for change in every:
        if change.type == RELEASE:
            yield from _release(change)
    for change in every:
        if change.type == _PROMETHEUS_RULE:
            yield from _prometheus_rule(change)
        elif change.type == _CONFIG_MAP:
            yield from _config_map(change)
        rest += [(change.name, d) for d in change.differences if not _is_shown(change, d)]
    if rest:
        resources = markdown.counted(len({name for name, _ in rest}), "resource")
        yield Part(title=f"Properties of {resources}", body=of_resources(rest))


def _is_shown(change: Change, found: Difference) -> bool:
    """Whether a difference is in what `parts` shows in its own way."""
    if change.type == _CONFIG_MAP:
        # A file that comes or goes is a property like any other.
        both = [side.get("data", {}) for side in (change.before, change.after)]
        return found.path[0] == "data" and all(found.path[1] in files for files in both)
    return found.path[0] == {RELEASE: "values", _PROMETHEUS_RULE: "spec"}.get(change.type)


def whole(change: Change) -> Part:
    """Return a resource that comes or goes with all that it holds."""
    comes = change.operation is Operation.CREATE
    held = change.after if comes else change.before
    verb = "is created" if comes else "goes"
    return Part(
        title=f"{change.kind} {change.name} {verb}", body=markdown.fence(dump(dict(held)), "yaml")
    )


def _release(change: Change) -> Iterator[Part]:
    name = str(change.after["name"])
    values = [d for d in change.differences if d.path[0] == "values" and d.path != _ALLOY]
    if values:
        shorter = [Difference(path=d.path[1:], before=d.before, after=d.after) for d in values]
        yield Part(
            title=f"Helm values of {name}: {len(values)} changed",
            body=properties(shorter, "value"),
        )
    for found in (d for d in change.differences if d.path == _ALLOY):
        texts = ["" if v is MISSING else str(v) for v in (found.before, found.after)]
        yield Part(title=f"Alloy's configuration, {name}.alloy", body=markdown.diff(*texts))


def _config_map(change: Change) -> Iterator[Part]:
    before: Mapping[str, str] = change.before.get("data", {})
    after: Mapping[str, str] = change.after.get("data", {})
    for name in after:
        if name in before and before[name] != after[name]:
            yield from _file(name, before[name], after[name])


def _file(name: str, before: str, after: str) -> Iterator[Part]:
    if name.endswith(".json"):
        found = grafana.dashboard(name, before, after)
        if found:
            yield found
        return
    old, new = (yaml.load(text, _LOADER) for text in (before, after))  # noqa: S506 - a safe loader
    if "groups" in new:
        yield rules(name, old, new)
    else:
        yield grafana.datasources(name, old, new)


def _prometheus_rule(change: Change) -> Iterator[Part]:
    before, after = (cast(dict[str, Any], side["spec"]) for side in (change.before, change.after))
    if before != after:
        yield rules(str(change.after["metadata"]["name"]), before, after)
