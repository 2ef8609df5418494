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

    Args:
        sid: identifier of the statement.
        action: actions, as IAM writes them.
        resource: ARNs that the actions apply to; omitted in trust policies.
        principal: the caller; only in trust policies and in policies of resources.
        condition: values of condition keys, by operator.
        effect: whether the statement allows or denies the actions.
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

    Args:
        sid: identifier of the statement.
        issuer: URL of the issuer without `https://`. It must be an identity provider in IAM.
        claims: required claims of the token.
        region: an AWS region of the account, for the partition.
        account_id: AWS account of the identity provider, 12 digits.
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
