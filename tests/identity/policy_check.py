"""Evaluates IAM policies with their conditions, which moto ignores."""

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

Verdict = Literal["allow", "deny", "nothing"]


def verdict(
    policy: str,
    *,
    action: str,
    resource: str = "",
    principal: Mapping[str, str] | None = None,
    context: Mapping[str, str] | None = None,
) -> Verdict:
    """Return the verdict of a policy on one request: an explicit deny wins, then an allow.

    Args:
        policy: the policy as JSON.
        action: action as IAM writes it: `s3:GetObject`.
        resource: ARN of the resource; ignored in policies without resources (trust).
        principal: the caller, as in a policy: `{"Service": "pods.eks.amazonaws.com"}`.
        context: condition keys of the request.

    Raises:
        NotImplementedError: the policy has an element or operator that this can't evaluate.
    """
    found: Verdict = "nothing"
    for statement in cast(list[dict[str, Any]], json.loads(policy)["Statement"]):
        unread = statement.keys() - {
            "Sid",
            "Effect",
            "Principal",
            "Action",
            "Resource",
            "Condition",
        }
        if unread:
            raise NotImplementedError(f"elements {sorted(unread)}")
        if not (
            _matches(_list(statement["Action"]), action)
            and ("Resource" not in statement or _matches(_list(statement["Resource"]), resource))
            and ("Principal" not in statement or _is(statement["Principal"], principal or {}))
            and _holds(statement.get("Condition", {}), context or {})
        ):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        found = "allow"
    return found


def together(
    policies: Iterable[str],
    *,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> Verdict:
    """Return the verdict of all policies of a role on one request; see `verdict`."""
    answers = {
        verdict(policy, action=action, resource=resource, context=context) for policy in policies
    }
    order: tuple[Verdict, ...] = ("deny", "allow", "nothing")
    return next(answer for answer in order if answer in answers)


def _list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _matches(patterns: Sequence[str], value: str) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _is(expected: str | Mapping[str, str | Sequence[str]], principal: Mapping[str, str]) -> bool:
    if isinstance(expected, str):
        return expected == "*"
    return any(principal.get(kind) in _list(names) for kind, names in expected.items())


def _holds(
    condition: Mapping[str, Mapping[str, str | Sequence[str]]], context: Mapping[str, str]
) -> bool:
    for operator, wanted in condition.items():
        for key, values in wanted.items():
            if operator in ("StringEquals", "ArnEquals", "Bool"):
                if any("*" in value for value in _list(values)):
                    raise NotImplementedError(f"wildcard in {operator}")
                if context.get(key) not in _list(values):
                    return False
            else:
                raise NotImplementedError(f"operator {operator}")
    return True
