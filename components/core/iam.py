"""IAM policy documents."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .regions import partition

Statement = Mapping[str, Any]
Names = str | Sequence[str]


def statement(
    sid: str,
    action: Names,
    *,
    resource: Names | None = None,
    principal: str | Mapping[str, str] | None = None,
    condition: Mapping[str, Mapping[str, Names]] | None = None,
    effect: Literal["Allow", "Deny"] = "Allow",
) -> Statement:
    """Return one statement of a policy.

    A trust policy has no resource; only it and policies of resources have a principal. The
    condition has values of condition keys, by operator.
    """
    elements = {
        "Sid": sid,
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
    return {name: value for name, value in elements.items() if value is not None}


def document(*statements: Statement) -> str:
    """Return a policy as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def web_identity_trust(
    sid: str, *, issuer: str, claims: Mapping[str, str], region: str, account_id: str
) -> str:
    """Return a trust policy for the holders of an OIDC issuer's tokens, as JSON.

    The issuer, without `https://`, must be an identity provider in IAM.
    """
    provider = f"arn:{partition(region)}:iam::{account_id}:oidc-provider/{issuer}"
    return document(
        statement(
            sid,
            "sts:AssumeRoleWithWebIdentity",
            principal={"Federated": provider},
            condition={
                "StringEquals": {f"{issuer}:{name}": value for name, value in claims.items()}
            },
        )
    )
