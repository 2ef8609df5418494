"""Policies of pods' access to their node."""

import json
from collections.abc import Iterator, Sequence

from . import levels
from .reading import BEYLA, RELEASE, at, chart, entries, mapping
from .rule import UNKNOWN, Before, Finding, Resource, Rule

_POD_GROUPS = ("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/")
_TRUE_IS_TOO_MUCH = ("hostNetwork", "hostPID", "hostIPC", "privileged", "allowPrivilegeEscalation")
_LEVEL_LABEL = "pod-security.kubernetes.io/enforce"


def _privileged_pods(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for resource in resources:
        if resource.type == RELEASE and chart(resource) != BEYLA:
            looked_at: object = {"values": resource.inputs.get("values")}
        elif resource.type.startswith(_POD_GROUPS):
            looked_at = resource.inputs
        else:
            continue
        for path, key, value in entries(looked_at):
            if _is_too_much(path, key, value):
                yield Finding(resource.urn, f"{path}: {json.dumps(value)}")


def _is_too_much(path: str, key: str, value: object) -> bool:
    """Return whether pod security level `baseline` refuses an entry."""
    if key in _TRUE_IS_TOO_MUCH:
        return value is True
    if key == "hostPath":
        return bool(value)
    if key == "add":
        return path.endswith("capabilities.add") and bool(value)
    return key == "runAsUser" and value == 0


def _privileged_namespaces(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    charts: dict[object, set[str]] = {}
    for release in resources:
        if release.type == RELEASE:
            charts.setdefault(release.inputs.get("namespace"), set()).add(chart(release))
    for namespace in resources:
        if namespace.type != "kubernetes:core/v1:Namespace":
            continue
        labels = at(namespace.inputs, "metadata.labels")
        level = labels if labels == UNKNOWN else mapping(labels).get(_LEVEL_LABEL, "not set")
        inside = charts.get(at(namespace.inputs, "metadata.name"), set())
        # A release whose namespace is unknown may be Beyla's.
        allowed = inside == {BEYLA} or (not inside and UNKNOWN in charts)
        if level not in ("baseline", "restricted", UNKNOWN) and not allowed:
            others = ", ".join(sorted(inside - {BEYLA})) or "no Beyla"
            yield Finding(namespace.urn, f"pod security is {level}, and it holds {others}")


RULES = (
    Rule(
        name="privileged-pods",
        what="Only Beyla has access to its node.",
        why="A compromised pod with host access controls the node and all pods on it.",
        fix="Remove the key that the message names. Only Beyla's eBPF needs it.",
        levels=levels.ALWAYS,
        check=_privileged_pods,
    ),
    Rule(
        name="privileged-namespace",
        what="Only the namespace of Beyla, without other workloads, allows privileged pods.",
        why="Kubernetes refuses privileged pods because of the namespace's label.",
        fix="Label it pod-security.kubernetes.io/enforce: restricted. Keep Beyla apart from it.",
        levels=levels.ALWAYS,
        check=_privileged_namespaces,
        whole_stack=True,
    ),
)
