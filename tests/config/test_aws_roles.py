"""Roles of the AWS provider: the last of them is of the stack's account and partition."""

import json
from typing import Any

from components.settings import TracingSettings
from config.providers import aws_arguments
from tests.sweep import sweep

OWN, OTHER = "123456789012", "999999999999"


def problems(key: str, value: Any, region: str = "eu-west-1") -> list[str]:
    """Return the keys of what is wrong with a key of the provider."""
    cluster = {"name": "c", "region": region, "accountId": OWN}
    settings = TracingSettings.model_validate({"environment": {"name": "qa"}, "cluster": cluster})
    _, found = aws_arguments({f"aws:{key}": json.dumps(value)}, settings)
    return [problem.key for problem in found]


def role(account: str, partition: str = "aws") -> dict[str, str]:
    return {"roleArn": f"arn:{partition}:iam::{account}:role/deploy", "sessionName": "s"}


@sweep(
    ("key", "value", "wrong"),
    [
        ("assumeRoles", [role(OWN)], []),
        ("assumeRoles", [role(OTHER), role(OWN)], []),
        ("assumeRoles", [role(OTHER)], ["aws:assumeRoles[0].roleArn"]),
        ("assumeRoles", [role(OWN), role(OTHER)], ["aws:assumeRoles[1].roleArn"]),
        ("assumeRoles", [role(OWN, "aws-cn")], ["aws:assumeRoles[0].roleArn"]),
        ("assumeRoleWithWebIdentity", role(OWN), []),
        ("assumeRoleWithWebIdentity", role(OTHER), ["aws:assumeRoleWithWebIdentity.roleArn"]),
        # Of another shape, which the provider itself refuses.
        ("assumeRoles", [], []),
        ("assumeRoles", ["x"], []),
        ("assumeRoles", {"roleArn": 1}, []),
        ("assumeRoleWithWebIdentity", {}, []),
    ],
)
def test_the_last_role_is_of_the_stacks_account(key: str, value: Any, wrong: list[str]) -> None:
    assert problems(key, value) == wrong


def test_and_of_its_partition() -> None:
    assert problems("assumeRoles", [role(OWN, "aws-us-gov")], "us-gov-west-1") == []
    assert problems("assumeRoles", [role(OWN)], "us-gov-west-1") == ["aws:assumeRoles[0].roleArn"]
