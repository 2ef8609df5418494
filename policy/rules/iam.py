"""Policies of IAM."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import levels
from .reading import is_kind, items, mapping, statements
from .rule import Before, Finding, Resource, Rule

_DOCUMENTS = ("iam/policy", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy")
#: Objects of one bucket, the only names that can't be known in advance.
_OBJECTS = re.compile(r"arn:aws[a-z-]*:s3:::[^*?/]+/.*")


def _documents(resource: Resource) -> Iterator[object]:
    """Yield the policy documents of a resource."""
    if is_kind(resource, *_DOCUMENTS):
        yield resource.inputs.get("policy")
    elif is_kind(resource, "iam/role"):
        yield resource.inputs.get("assumeRolePolicy")
        for inline in items(resource.inputs.get("inlinePolicies")):
            yield mapping(inline).get("policy")


def _wildcards(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for resource in resources:
        for document in _documents(resource):
            for statement in statements(document):
                if statement.get("Effect") == "Allow":
                    yield from (Finding(resource.urn, m) for m in _too_much(statement))


def _too_much(statement: Mapping[str, Any]) -> Iterator[str]:
    where = f"statement {statement.get('Sid', 'without Sid')} allows"
    for key in ("NotAction", "NotResource"):
        if key in statement:
            yield f"{where} all but some by {key}"
    for action in items(statement.get("Action")):
        if re.search(r"[*?]", str(action)):
            yield f"{where} action {action}"
    for arn in items(statement.get("Resource")):
        if re.search(r"[*?]", str(arn)) and not _OBJECTS.fullmatch(str(arn)):
            yield f"{where} resource {arn}"


RULES = (
    Rule(
        name="iam-wildcard",
        what="No IAM policy allows an action or a resource with a wildcard, except the objects "
        "of one named bucket.",
        why="A wildcard includes future actions, which a compromised Tempo could use.",
        fix="List the actions, and the ARN of the resource.",
        levels=levels.ALWAYS,
        check=_wildcards,
    ),
)
