"""Policies of access to Secrets in the cluster."""

from collections.abc import Iterator, Mapping, Sequence

from . import levels
from .reading import RELEASE, at, chart, entries, items, mapping
from .rule import UNKNOWN, Before, Finding, Resource, Rule

_ROLES = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
)
#: Values of an RBAC rule that permit reading Secrets.
_READING: Mapping[str, set[str]] = {
    "apiGroups": {"", "*"},
    "resources": {"secrets", "*"},
    "verbs": {"get", "list", "watch", "*"},
}


def _readable_secrets(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for resource in resources:
        if resource.type in _ROLES:
            yield from _grants(resource, resource.inputs)
        elif resource.type == RELEASE:
            values = resource.inputs.get("values")
            yield from _grants(resource, {"values": values})
            charts_own = at(values, "rbac.rules") is None and at(values, "rbac.create", True)
            if chart(resource) == "alloy" and values != UNKNOWN and charts_own:
                what = "values.rbac.rules is not set: the chart's own let Alloy read every Secret"
                yield Finding(resource.urn, what)


def _grants(resource: Resource, looked_at: object) -> Iterator[Finding]:
    """Find RBAC rules, at any path, that permit reading Secrets."""
    for path, _, value in entries(looked_at):
        if isinstance(value, list):
            for index, rule in enumerate(map(mapping, items(value))):
                if all({str(v) for v in items(rule.get(k))} & r for k, r in _READING.items()):
                    yield Finding(resource.urn, f"{path}[{index}] lets somebody read Secrets")


RULES = (
    Rule(
        name="secrets-readable",
        what="Neither Alloy nor a role that the stack creates can read Secrets.",
        why="Alloy accepts data from every pod, and its chart allows it to read every Secret.",
        fix="List only what Alloy needs in rbac.rules: pods.",
        levels=levels.ALWAYS,
        check=_readable_secrets,
    ),
)
