"""Calls to S3 with the roles' credentials, against moto with its IAM enforcement on.

moto judges S3 by action and resource. For other services it looks at no resource, so that their
policies are judged in `test_role_policies.py`.
"""

# boto3 makes its clients at run time and carries no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from tests.bootstrap.access.programs import PURPOSES, policies

REGION, ACCOUNT = "eu-west-1", "123456789012"
STATE = "tracing-state-prod-333333333333-eu-west-1"
BUCKET = "traces-prod-333333333333-eu-west-1"
OTHER = "somebody-elses"
CHECKPOINT = ".pulumi/stacks/tracing/prod.json"
LOCK = ".pulumi/locks/organization/tracing/prod/1.json"
OF_BOOTSTRAP = ".pulumi/stacks/tracing-bootstrap/prod.json"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
HERE = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}

S3 = Any
Call = Callable[[S3], object]


@pytest.fixture
def clients() -> Iterator[dict[str, dict[str, Any]]]:
    """Clients of the roles, by service, in an account with three buckets."""
    with mock_aws():
        admin = {"aws_access_key_id": "admin", "aws_secret_access_key": "admin"}
        owner = boto3.client("s3", region_name=REGION, **admin)
        for bucket in (STATE, OTHER):
            owner.create_bucket(Bucket=bucket, **HERE)
            for key in (CHECKPOINT, LOCK, OF_BOOTSTRAP, ".pulumi/meta.yaml"):
                owner.put_object(Bucket=bucket, Key=key, Body=b"{}")
        iam = boto3.client("iam", region_name=REGION, **admin)
        sts = boto3.client("sts", region_name=REGION, **admin)
        made: dict[str, dict[str, Any]] = {}
        for purpose in PURPOSES:
            iam.create_role(RoleName=purpose, AssumeRolePolicyDocument="{}")
            for name, policy in policies("prod", purpose).items():
                iam.put_role_policy(RoleName=purpose, PolicyName=name, PolicyDocument=policy)
            session = sts.assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{purpose}", RoleSessionName="job"
            )["Credentials"]
            keys = {
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            }
            made[purpose] = {s: boto3.client(s, region_name=REGION, **keys) for s in ("s3", "iam")}
        yield made


def make_the_bucket(s3: S3) -> None:
    """What an `up` sets on the bucket, as far as moto names it as IAM does."""
    s3.create_bucket(Bucket=BUCKET, **HERE)
    tags = {"TagSet": [{"Key": "environment", "Value": "prod"}]}
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    s3.put_bucket_policy(Bucket=BUCKET, Policy='{"Version": "2012-10-17", "Statement": []}')
    s3.get_bucket_policy(Bucket=BUCKET)
    s3.get_bucket_versioning(Bucket=BUCKET)


READS: dict[str, Call] = {
    "list the state": lambda s3: s3.list_objects_v2(Bucket=STATE, Prefix=".pulumi/"),
    "read the layout": lambda s3: s3.get_object(Bucket=STATE, Key=".pulumi/meta.yaml"),
    "read the checkpoint": lambda s3: s3.get_object(Bucket=STATE, Key=CHECKPOINT),
}
WRITES: dict[str, Call] = {
    "write the checkpoint": lambda s3: s3.put_object(Bucket=STATE, Key=CHECKPOINT, Body=b"{}"),
    "keep a copy": lambda s3: s3.copy_object(
        Bucket=STATE, Key=f"{CHECKPOINT}.bak", CopySource={"Bucket": STATE, "Key": CHECKPOINT}
    ),
    "lock": lambda s3: s3.put_object(Bucket=STATE, Key=LOCK, Body=b"{}"),
    "unlock": lambda s3: s3.delete_object(Bucket=STATE, Key=LOCK),
    "make the bucket": make_the_bucket,
}
NEVER: dict[str, Call] = {
    "read the bootstrap's state": lambda s3: s3.get_object(Bucket=STATE, Key=OF_BOOTSTRAP),
    "write the bootstrap's state": lambda s3: s3.put_object(
        Bucket=STATE, Key=OF_BOOTSTRAP, Body=b"{}"
    ),
    "change the layout": lambda s3: s3.put_object(
        Bucket=STATE, Key=".pulumi/meta.yaml", Body=b"version: 0"
    ),
    "turn versions off": lambda s3: s3.put_bucket_versioning(
        Bucket=STATE, VersioningConfiguration={"Status": "Suspended"}
    ),
    "delete the state": lambda s3: s3.delete_bucket(Bucket=STATE),
    "open the state": lambda s3: s3.delete_bucket_policy(Bucket=STATE),
    "read from another bucket": lambda s3: s3.get_object(Bucket=OTHER, Key=CHECKPOINT),
    "write to another bucket": lambda s3: s3.put_object(Bucket=OTHER, Key=CHECKPOINT, Body=b""),
    "change another bucket": lambda s3: s3.put_bucket_policy(Bucket=OTHER, Policy="{}"),
    "make another bucket": lambda s3: s3.create_bucket(Bucket="new-one", **HERE),
    "list all buckets": lambda s3: s3.list_buckets(),
}


def refuses(client: Any, call: Call) -> None:
    with pytest.raises(ClientError) as refused:
        call(client)
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


@pytest.mark.parametrize("call", READS.values(), ids=READS)
@set_initial_no_auth_action_count(0)
def test_all_read_the_state(clients: dict[str, dict[str, Any]], call: Call) -> None:
    for purpose in PURPOSES:
        call(clients[purpose]["s3"])


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@set_initial_no_auth_action_count(0)
def test_deployment_writes_and_the_others_do_not(
    clients: dict[str, dict[str, Any]], call: Call
) -> None:
    refuses(clients["preview"]["s3"], call)
    refuses(clients["drift"]["s3"], call)
    call(clients["deploy"]["s3"])


@pytest.mark.parametrize("call", NEVER.values(), ids=NEVER)
@set_initial_no_auth_action_count(0)
def test_none_does_anything_else(clients: dict[str, dict[str, Any]], call: Call) -> None:
    for purpose in PURPOSES:
        refuses(clients[purpose]["s3"], call)


@set_initial_no_auth_action_count(0)
def test_none_makes_users_or_administrators(clients: dict[str, dict[str, Any]]) -> None:
    for purpose in PURPOSES:
        iam = clients[purpose]["iam"]
        refuses(iam, lambda iam: iam.create_user(UserName="eve"))
        refuses(
            iam,
            lambda iam: iam.attach_role_policy(RoleName="deploy", PolicyArn=ADMINISTRATOR),
        )
