"""The permissions boundary of Tempo's role: what Tempo calls, and nothing else."""

import json

import pytest

from plan.stackfile import read
from tests.bootstrap.programs import REPOSITORY, ROOT, STACKS, bootstrap, recorded
from tests.identity.policy_check import verdict
from tests.stack.variants import recorded as stack_recorded
from tests.sweep import sweep

POLICY = "aws:iam/policy:Policy"
THROUGH_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
KEY = json.loads(read(ROOT, "prod").values["tracing:storage"])["kmsKeyArn"]


def boundary(stack: str) -> str:
    return recorded(stack).one(POLICY).inputs["policy"]


@pytest.mark.parametrize("stack", STACKS)
def test_it_admits_what_tempos_role_is_given(stack: str) -> None:
    policies = stack_recorded(stack, preview=False).of_type("aws:iam/rolePolicy:RolePolicy")
    assert policies
    for policy in policies:
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            actions, resource = statement["Action"], statement["Resource"]
            for action in [actions] if isinstance(actions, str) else actions:
                said = verdict(
                    boundary(stack), action=action, resource=resource, context=THROUGH_S3
                )
                assert said == "allow", action


@sweep(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::other/key"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::traces-prod-333333333333-eu-west-1"),
        ("s3:GetObject", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1/.pulumi/x"),
        ("iam:CreateUser", "arn:aws:iam::333333333333:user/eve"),
        ("sts:AssumeRole", "arn:aws:iam::333333333333:role/admin"),
        ("kms:ScheduleKeyDeletion", KEY),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:333333333333:key/other"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:999999999999:key/k"),
    ],
)
def test_it_admits_nothing_else(action: str, resource: str) -> None:
    said = verdict(boundary("prod"), action=action, resource=resource, context=THROUGH_S3)
    assert said == "nothing"


def test_keys_are_for_s3_only() -> None:
    for context, expected in (
        (THROUGH_S3, "allow"),
        ({}, "nothing"),
        ({"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}, "nothing"),
    ):
        said = verdict(boundary("prod"), action="kms:Decrypt", resource=KEY, context=context)
        assert said == expected


def test_a_stack_without_kms_has_no_key_in_its_boundary() -> None:
    assert "kms:" not in boundary("dev")


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_file_names_the_boundary_that_is_made(stack: str) -> None:
    named = stack_recorded(stack).one("aws:iam/role:Role").inputs["permissionsBoundary"]
    assert named.endswith(f":policy/{recorded(stack).one(POLICY).inputs['name']}")


@pytest.mark.parametrize("given", [True, False], ids=["given key", "new key"])
def test_it_admits_the_trace_key_and_previous_keys(given: bool) -> None:
    """Role and boundary have both keys: one alone would cut Tempo off.

    A key that `bootstrap` makes is in the boundary before the stack file names it.
    """
    old, new = f"{KEY}-old", f"{KEY}-new"
    file = read(ROOT, "prod")
    storage = {"encryption": "sse-kms", "previousKmsKeyArns": [old]}
    file.values["tracing:storage"] = json.dumps({**storage, "kmsKeyArn": new} if given else storage)
    own = {"repository": REPOSITORY, "traceKey": str(not given).lower()}
    policy = bootstrap("prod", own, file=file).one(POLICY).inputs["policy"]
    made = "arn:aws:test:::access-trace-key"

    def answer(action: str, key: str) -> str:
        return verdict(policy, action=action, resource=key, context=THROUGH_S3)

    assert answer("kms:Decrypt", old) == "allow"
    assert answer("kms:GenerateDataKey", new if given else made) == "allow"
    assert answer("kms:GenerateDataKey", made if given else new) == "nothing"
    assert answer("kms:GenerateDataKey", old) == "nothing"
    assert answer("kms:Decrypt", f"{KEY}-other") == "nothing"
