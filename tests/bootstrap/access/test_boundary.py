"""The permissions boundary of Tempo's role: all that Tempo calls, and nothing beside it."""

import json
from pathlib import Path

import pytest

from plan.stackfile import StackConfig, read
from tests.bootstrap.access.programs import ROOT, STACKS, bootstrap, recorded
from tests.identity.policy_check import verdict
from tests.stack.variants import recorded as stack_recorded

POLICY = "aws:iam/policy:Policy"
THROUGH_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}


def boundary(stack: str) -> str:
    return recorded(stack).one(POLICY).inputs["policy"]


@pytest.mark.parametrize("stack", STACKS)
def test_it_admits_what_tempos_role_is_given(stack: str) -> None:
    for policy in stack_recorded(stack, preview=False).of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            actions, resource = statement["Action"], statement["Resource"]
            for action in [actions] if isinstance(actions, str) else actions:
                # The recorder makes up the ARN of the key.
                key = action.startswith("kms:")
                asked = "arn:aws:kms:eu-west-1:333333333333:key/k" if key else resource
                said = verdict(boundary(stack), action=action, resource=asked, context=THROUGH_S3)
                assert said == "allow", action


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::other/key"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::traces-prod-333333333333-eu-west-1"),
        ("s3:GetObject", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1/.pulumi/x"),
        ("iam:CreateUser", "arn:aws:iam::333333333333:user/eve"),
        ("sts:AssumeRole", "arn:aws:iam::333333333333:role/admin"),
        ("kms:ScheduleKeyDeletion", "arn:aws:kms:eu-west-1:333333333333:key/k"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:999999999999:key/k"),
    ],
)
def test_it_admits_nothing_else(action: str, resource: str) -> None:
    said = verdict(boundary("prod"), action=action, resource=resource, context=THROUGH_S3)
    assert said == "nothing"


def test_keys_are_for_s3_only() -> None:
    key = "arn:aws:kms:eu-west-1:333333333333:key/k"
    for context in ({}, {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}):
        said = verdict(boundary("prod"), action="kms:Decrypt", resource=key, context=context)
        assert said == "nothing"


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_file_names_the_boundary_that_is_made(stack: str) -> None:
    named = stack_recorded(stack).one("aws:iam/role:Role").inputs["permissionsBoundary"]
    assert named.endswith(f":policy/{bootstrap(stack).one(POLICY).inputs['name']}")


@pytest.mark.parametrize("own", [True, False], ids=["key of the stack", "given key"])
def test_it_admits_previous_keys_for_reading(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Role and boundary have both keys: one alone would cut Tempo off."""
    old = "arn:aws:kms:eu-west-1:999999999999:key/old"
    given = "arn:aws:kms:eu-west-1:999999999999:key/new"
    storage = {"encryption": "sse-kms", "previousKmsKeyArns": [old]}
    storage |= {} if own else {"kmsKeyArn": given}
    file = read(ROOT, "prod")
    file.values["tracing:storage"] = json.dumps(storage)

    def changed(root: Path, stack: str) -> StackConfig:
        return file

    monkeypatch.setattr("bootstrap.loader.read", changed)
    policy = bootstrap("prod").one(POLICY).inputs["policy"]
    new = "arn:aws:kms:eu-west-1:333333333333:key/k" if own else given

    def answer(action: str, key: str) -> str:
        return verdict(policy, action=action, resource=key, context=THROUGH_S3)

    assert answer("kms:Decrypt", old) == answer("kms:GenerateDataKey", new) == "allow"
    assert answer("kms:GenerateDataKey", old) == "nothing"
    assert answer("kms:Decrypt", given.replace("new", "other")) == "nothing"
