"""The roles' policies, evaluated for every call that Pulumi makes for the stacks' resources."""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from plan.stackfile import read
from tests.bootstrap.aws_calls import BESIDE, CALLS, Call, Purpose
from tests.bootstrap.programs import PURPOSES, ROOT, STACKS, policies, recorded
from tests.identity.policy_check import together
from tests.stack.variants import PROGRAMS
from tests.stack.variants import recorded as stack_recorded
from tests.sweep import sweep

each_stack = sweep("stack", STACKS)
#: All actions with which a key could be made, claimed, changed, used or lost.
KEY_ACTIONS = sorted(
    {
        call.action
        for kind in ("aws:kms/key:Key", "aws:kms/alias:Alias")
        for purpose, calls in CALLS[kind].items()
        if purpose != "read"
        for call in calls
    }
    | {
        "kms:CancelKeyDeletion",
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DisableKey",
        "kms:EnableKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ImportKeyMaterial",
        "kms:ReplicateKey",
    }
)
READS = ("Get", "List", "Describe", "Decrypt")


@functools.cache
def cluster(stack: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(read(ROOT, stack).values["tracing:cluster"]))


def account(stack: str) -> str:
    return cast(str, cluster(stack)["accountId"])


def arn(stack: str, kind: str) -> str:
    """Return the ARN of a resource in the plan of a stack file."""
    role = stack_recorded(stack).one("aws:iam/role:Role").inputs["name"]
    bucket = stack_recorded(stack).one("aws:s3/bucket:Bucket").inputs["bucket"]
    here = f"{cluster(stack)['region']}:{account(stack)}"
    name = cluster(stack)["name"]
    return {
        "bucket": f"arn:aws:s3:::{bucket}",
        "role": f"arn:aws:iam::{account(stack)}:role/{role}",
        "passed role": f"arn:aws:iam::{account(stack)}:role/{role}",
        "association": f"arn:aws:eks:{here}:podidentityassociation/{name}/a-1",
        "cluster": f"arn:aws:eks:{here}:cluster/{name}",
    }[kind]


def context(stack: str, kind: str) -> dict[str, str]:
    """Return the condition keys of a request on a resource of the stack."""
    boundary = f"arn:aws:iam::{account(stack)}:policy/tracing-{stack}-boundary"
    return {
        "role": {"iam:PermissionsBoundary": boundary},
        "passed role": {"iam:PassedToService": "pods.eks.amazonaws.com"},
    }.get(kind, {})


def answer(
    stack: str, purpose: str, action: str, resource: str, about: Mapping[str, str] | None = None
) -> str:
    """Return the verdict of all policies of a role on a request."""
    its = policies(stack, purpose).values()
    return together(its, action=action, resource=resource, context=about)


def asked(stack: str, purpose: str, call: Call) -> str:
    return answer(stack, purpose, call.action, arn(stack, call.on), context(stack, call.on))


def calls(stack: str, *purposes: Purpose) -> Iterator[Call]:
    """Yield what Pulumi calls for the AWS resources of a stack's plan."""
    for resource in stack_recorded(stack).resources:
        if resource.type.startswith("aws:"):
            for purpose in purposes:
                yield from CALLS[resource.type][purpose]


def test_calls_are_known_for_every_type_that_a_stack_makes() -> None:
    made = {
        resource.type
        for name in PROGRAMS
        for resource in stack_recorded(name).resources
        if resource.type.startswith("aws:")
    }
    assert made == set(CALLS)


@each_stack
def test_deployment_may_do_what_pulumi_calls(stack: str) -> None:
    needed = [*calls(stack, "create", "read", "update"), *BESIDE]
    assert [call for call in needed if asked(stack, "deploy", call) != "allow"] == []


@each_stack
def test_deployment_may_delete_what_is_not_protected(stack: str) -> None:
    protected = {r.type for r in stack_recorded(stack).resources if r.protect}
    refused = {
        call.action for call in calls(stack, "delete") if asked(stack, "deploy", call) != "allow"
    }

    assert ("aws:s3/bucket:Bucket" in protected) == (stack == "prod")
    assert refused == ({"s3:DeleteBucket"} if protected else set())


@each_stack
def test_preview_may_read_and_nothing_else(stack: str) -> None:
    reads = {*calls(stack, "read"), *BESIDE}
    writes = {*calls(stack, "create", "update", "delete")} - reads

    assert [call for call in reads if asked(stack, "preview", call) != "allow"] == []
    may = {c.action for c in writes if asked(stack, "preview", c) == "allow"}
    # EKS looks at a role that it is passed; so does a preview at the role that the stack makes.
    assert may == {"iam:GetRole"}


@each_stack
def test_drift_may_do_what_preview_may(stack: str) -> None:
    assert policies(stack, "drift") == policies(stack, "preview")


@each_stack
def test_every_action_of_preview_is_a_read(stack: str) -> None:
    for policy in policies(stack, "preview").values():
        for statement in json.loads(policy)["Statement"]:
            for action in statement["Action"]:
                assert action.split(":")[1].startswith(READS), action


@each_stack
@sweep("purpose", PURPOSES)
def test_nothing_is_allowed_that_nobody_calls(stack: str, purpose: str) -> None:
    needed = {call.action for call in calls(stack, "create", "read", "update", "delete")}
    needed |= {call.action for call in BESIDE}
    for name, policy in policies(stack, purpose).items():
        if name.endswith("-stack"):
            allowed = {a for s in json.loads(policy)["Statement"] for a in s["Action"]}
            assert allowed <= needed


@each_stack
@sweep("purpose", PURPOSES)
def test_no_wildcard_of_actions_or_resources(stack: str, purpose: str) -> None:
    for policy in policies(stack, purpose).values():
        for statement in json.loads(policy)["Statement"]:
            assert not any("*" in action for action in statement["Action"])
            assert "*" not in statement["Resource"]


@each_stack
def test_policies_have_room_in_what_iam_takes(stack: str) -> None:
    # IAM's quotas: all inline policies of a role together, and one managed policy.
    for purpose in PURPOSES:
        text = "".join(policies(stack, purpose).values())
        assert len("".join(text.split())) <= 10_240
    [boundary] = recorded(stack).of_type("aws:iam/policy:Policy")
    assert len("".join(boundary.inputs["policy"].split())) <= 6_144


OTHER_BUCKET = "arn:aws:s3:::traces-prod-333333333333-eu-west-1-2"
ADMIN = "arn:aws:iam::333333333333:role/admin"
OWN = "arn:aws:iam::333333333333:role/tracing-prod-deploy"


@sweep(
    ("action", "resource"),
    [
        ("s3:CreateBucket", OTHER_BUCKET),
        ("s3:PutBucketPolicy", OTHER_BUCKET),
        ("s3:PutBucketPolicy", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1"),
        ("s3:PutBucketVersioning", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1"),
        ("s3:ListBucketVersions", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1"),
        ("s3:PutLifecycleConfiguration", "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1"),
        ("s3:GetObject", "arn:aws:s3:::traces-prod-333333333333-eu-west-1/single-tenant/b/meta"),
        ("s3:DeleteObject", "arn:aws:s3:::traces-prod-333333333333-eu-west-1/single-tenant/b/meta"),
        ("iam:CreateUser", "arn:aws:iam::333333333333:user/eve"),
        ("iam:CreateAccessKey", "arn:aws:iam::333333333333:user/eve"),
        ("iam:CreateRole", ADMIN),
        ("iam:PutRolePolicy", OWN),
        ("iam:UpdateAssumeRolePolicy", OWN),
        ("iam:AttachRolePolicy", "arn:aws:iam::333333333333:role/tracing-prod-platform-prod-tempo"),
        (
            "iam:DeleteRolePermissionsBoundary",
            "arn:aws:iam::333333333333:role/tracing-prod-platform-prod-tempo",
        ),
        (
            "iam:CreatePolicyVersion",
            "arn:aws:iam::333333333333:policy/tracing-prod-boundary",
        ),
        ("iam:PassRole", ADMIN),
        ("sts:AssumeRole", ADMIN),
        ("eks:CreateAccessEntry", "arn:aws:eks:eu-west-1:333333333333:cluster/platform-prod"),
        (
            "eks:CreatePodIdentityAssociation",
            "arn:aws:eks:eu-west-1:333333333333:cluster/other",
        ),
        ("eks:DeleteCluster", "arn:aws:eks:eu-west-1:333333333333:cluster/platform-prod"),
    ],
)
@sweep("purpose", PURPOSES)
def test_no_role_reaches_further(purpose: str, action: str, resource: str) -> None:
    about = {**context("prod", "role"), **context("prod", "passed role")}
    assert answer("prod", purpose, action, resource, about) == "nothing"


@sweep("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"])
def test_tempos_role_is_made_within_its_boundary_only(action: str) -> None:
    role = arn("prod", "role")
    other = {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert answer("prod", "deploy", action, role, context("prod", "role")) == "allow"
    assert answer("prod", "deploy", action, role, {}) == "nothing"
    assert answer("prod", "deploy", action, role, other) == "nothing"


def test_tempos_role_is_passed_to_pods_only() -> None:
    role = arn("prod", "role")
    lambdas = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert answer("prod", "deploy", "iam:PassRole", role, context("prod", "passed role")) == "allow"
    assert answer("prod", "deploy", "iam:PassRole", role, lambdas) == "nothing"
    assert answer("prod", "deploy", "iam:PassRole", role, {}) == "nothing"


@each_stack
@sweep("purpose", PURPOSES)
def test_no_role_reaches_a_key_but_the_states(stack: str, purpose: str) -> None:
    """Neither a key that it would create or claim with tags, nor the trace bucket's."""
    tags = {"environment": stack, "managed-by": "pulumi"}
    about = {f"aws:{of}Tag/{k}": v for of in ("Request", "Resource") for k, v in tags.items()}
    about["kms:ViaService"] = "s3.eu-west-1.amazonaws.com"
    here = f"arn:aws:kms:{cluster(stack)['region']}:{account(stack)}"
    bucket = arn(stack, "bucket").rpartition(":")[2]
    given = json.loads(read(ROOT, stack).values["tracing:storage"]).get("kmsKeyArn", "*")
    for resource in ("*", f"{here}:key/other", f"{here}:alias/{bucket}", given):
        allowed = [
            a for a in KEY_ACTIONS if answer(stack, purpose, a, resource, about) != "nothing"
        ]
        assert allowed == []
    for name, policy in policies(stack, purpose).items():
        assert ("kms:" in policy) == name.endswith("-state"), name


STATE = "arn:aws:s3:::tracing-state-prod-333333333333-eu-west-1"


@sweep(
    ("action", "key", "preview", "deploy"),
    [
        ("s3:GetObject", ".pulumi/meta.yaml", "allow", "allow"),
        ("s3:PutObject", ".pulumi/meta.yaml", "nothing", "nothing"),
        ("s3:GetObject", ".pulumi/stacks/tracing/prod.json", "allow", "allow"),
        ("s3:PutObject", ".pulumi/stacks/tracing/prod.json", "nothing", "allow"),
        ("s3:DeleteObject", ".pulumi/stacks/tracing/prod.json", "nothing", "allow"),
        ("s3:DeleteObjectVersion", ".pulumi/stacks/tracing/prod.json", "nothing", "nothing"),
        ("s3:GetObjectVersion", ".pulumi/stacks/tracing/prod.json", "nothing", "nothing"),
        ("s3:PutObject", ".pulumi/locks/organization/tracing/prod/1.json", "nothing", "allow"),
        ("s3:DeleteObject", ".pulumi/locks/organization/tracing/prod/1.json", "nothing", "allow"),
        ("s3:PutObject", ".pulumi/history/tracing/prod/1.json", "nothing", "allow"),
        ("s3:PutObject", ".pulumi/backups/tracing/prod/1.json", "nothing", "allow"),
        # The owner of prod's cluster, whose kubeconfig is read.
        ("s3:GetObject", ".pulumi/stacks/platform/prod.json", "allow", "allow"),
        ("s3:PutObject", ".pulumi/stacks/platform/prod.json", "nothing", "nothing"),
        ("s3:GetObject", ".pulumi/stacks/tracing-bootstrap/prod.json", "nothing", "nothing"),
        ("s3:PutObject", ".pulumi/stacks/tracing-bootstrap/prod.json", "nothing", "nothing"),
    ],
)
def test_who_reads_and_writes_the_state(action: str, key: str, preview: str, deploy: str) -> None:
    assert answer("prod", "preview", action, f"{STATE}/{key}") == preview
    assert answer("prod", "deploy", action, f"{STATE}/{key}") == deploy


@sweep(
    ("action", "preview", "deploy"),
    [
        ("kms:Decrypt", "allow", "allow"),
        ("kms:Encrypt", "nothing", "allow"),
        ("kms:GenerateDataKey", "nothing", "allow"),
        ("kms:ScheduleKeyDeletion", "nothing", "nothing"),
        ("kms:PutKeyPolicy", "nothing", "nothing"),
    ],
)
def test_who_uses_the_states_key(action: str, preview: str, deploy: str) -> None:
    [key] = [r for r in recorded("prod").of_type("aws:kms/key:Key") if r.name == "state-key"]
    # The ARN that the recorder returns.
    resource = "arn:aws:test:::state-key"
    about = {f"aws:ResourceTag/{k}": v for k, v in key.inputs["tags"].items()}
    assert answer("prod", "preview", action, resource, about) == preview
    assert answer("prod", "deploy", action, resource, about) == deploy
