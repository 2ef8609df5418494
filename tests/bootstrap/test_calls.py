"""Calls with the roles' credentials, against moto with its IAM enforcement on.

moto judges S3 by action and resource, IAM by action and by a role that exists, KMS and STS by
action and `*`. It reads no boundary and no condition of a permission, and EKS has no resource:
`test_role_policies.py` and `test_boundary.py` judge these.
"""

# boto3 makes its clients at run time and carries no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from components.core import iam
from tests.bootstrap.programs import PURPOSES, policies
from tests.sweep import sweep

REGION, ACCOUNT = "eu-west-1", "333333333333"
STATE = f"tracing-state-prod-{ACCOUNT}-{REGION}"
BUCKET = f"traces-prod-{ACCOUNT}-{REGION}"
OTHER = "somebody-elses"
CHECKPOINT = ".pulumi/stacks/tracing/prod.json"
LOCK = ".pulumi/locks/organization/tracing/prod/1.json"
OF_BOOTSTRAP = ".pulumi/stacks/tracing-bootstrap/prod.json"
TEMPO, ADMIN = "tracing-prod-platform-prod-tempo", "admin"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/tracing-prod-boundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
HERE = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
ANYTHING = iam.document(iam.statement("Any", "*", resource="*"))
TRUST = iam.document(
    iam.statement("Pods", "sts:AssumeRole", principal={"Service": "pods.eks.amazonaws.com"})
)
TAGS = [{"Key": "environment", "Value": "prod"}, {"Key": "managed-by", "Value": "pulumi"}]
KMS_TAGS = [{f"Tag{name}": text for name, text in tag.items()} for tag in TAGS]

#: Clients of one role, by service.
Clients = Mapping[str, Any]
Call = Callable[[Clients], object]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Clients]]:
    """Clients of the roles, in an account with buckets, a KMS key and roles of others."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        owner = clients("admin", "admin")
        for bucket in (STATE, OTHER):
            owner["s3"].create_bucket(Bucket=bucket, **HERE)
            owner["s3"].put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
            for key in (CHECKPOINT, LOCK, OF_BOOTSTRAP, ".pulumi/meta.yaml"):
                owner["s3"].put_object(Bucket=bucket, Key=key, Body=b"{}")
        key = owner["kms"].create_key()["KeyMetadata"]["KeyId"]
        owner["kms"].create_alias(AliasName="alias/other", TargetKeyId=key)
        owner["iam"].create_policy(PolicyName="tracing-prod-boundary", PolicyDocument=ANYTHING)
        for role in (TEMPO, ADMIN):
            owner["iam"].create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
        made: dict[str, Clients] = {}
        for purpose in PURPOSES:
            name = f"tracing-prod-{purpose}"
            owner["iam"].create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
            for policy, document in policies("prod", purpose).items():
                owner["iam"].put_role_policy(
                    RoleName=name, PolicyName=policy, PolicyDocument=document
                )
            session = owner["sts"].assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="job"
            )["Credentials"]
            made[purpose] = clients(
                session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
            )
        yield made


def clients(access_key: str, secret_key: str, token: str | None = None) -> Clients:
    session = boto3.Session(access_key, secret_key, token, REGION)
    return {service: session.client(service) for service in ("s3", "iam", "kms", "sts")}


def refused(role: Clients, calls: Mapping[str, Call]) -> list[str]:
    """Return the names of the calls that IAM refuses to a role."""
    names: list[str] = []
    for name, call in calls.items():
        try:
            call(role)
        except ClientError as error:
            if "AccessDenied" not in str(error) and "not authorized" not in str(error):
                raise
            names.append(name)
    return names


def make_the_bucket(aws: Clients) -> None:
    """What an `up` sets on the bucket, as far as moto names it as IAM does."""
    s3 = aws["s3"]
    s3.create_bucket(Bucket=BUCKET, **HERE)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": TAGS})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=ANYTHING)
    s3.get_bucket_policy(Bucket=BUCKET)
    s3.get_bucket_versioning(Bucket=BUCKET)


READS: dict[str, Call] = {
    "list the state": lambda aws: aws["s3"].list_objects_v2(Bucket=STATE, Prefix=".pulumi/"),
    "read the layout": lambda aws: aws["s3"].get_object(Bucket=STATE, Key=".pulumi/meta.yaml"),
    "read the checkpoint": lambda aws: aws["s3"].get_object(Bucket=STATE, Key=CHECKPOINT),
    "read Tempo's role": lambda aws: aws["iam"].get_role(RoleName=TEMPO),
    "list its policies": lambda aws: aws["iam"].list_role_policies(RoleName=TEMPO),
    "list what is attached": lambda aws: aws["iam"].list_attached_role_policies(RoleName=TEMPO),
}
WRITES: dict[str, Call] = {
    "write the checkpoint": lambda aws: aws["s3"].put_object(
        Bucket=STATE, Key=CHECKPOINT, Body=b"{}"
    ),
    "keep a copy": lambda aws: aws["s3"].copy_object(
        Bucket=STATE, Key=f"{CHECKPOINT}.bak", CopySource={"Bucket": STATE, "Key": CHECKPOINT}
    ),
    "lock": lambda aws: aws["s3"].put_object(Bucket=STATE, Key=LOCK, Body=b"{}"),
    "unlock": lambda aws: aws["s3"].delete_object(Bucket=STATE, Key=LOCK),
    "make the bucket": make_the_bucket,
    "bound Tempo's role": lambda aws: aws["iam"].put_role_permissions_boundary(
        RoleName=TEMPO, PermissionsBoundary=BOUNDARY
    ),
    "give it a policy": lambda aws: aws["iam"].put_role_policy(
        RoleName=TEMPO, PolicyName="bucket-access", PolicyDocument=ANYTHING
    ),
    "tag it": lambda aws: aws["iam"].tag_role(RoleName=TEMPO, Tags=TAGS),
    "untag it": lambda aws: aws["iam"].untag_role(RoleName=TEMPO, TagKeys=["environment"]),
    "change its trust": lambda aws: aws["iam"].update_assume_role_policy(
        RoleName=TEMPO, PolicyDocument=TRUST
    ),
    "describe it": lambda aws: aws["iam"].update_role(RoleName=TEMPO, Description="Tempo"),
    "take its policy": lambda aws: aws["iam"].delete_role_policy(
        RoleName=TEMPO, PolicyName="bucket-access"
    ),
    "find its instance profiles": lambda aws: aws["iam"].list_instance_profiles_for_role(
        RoleName=TEMPO
    ),
    "delete it": lambda aws: aws["iam"].delete_role(RoleName=TEMPO),
}
NEVER: dict[str, Call] = {
    "read the bootstrap's state": lambda aws: aws["s3"].get_object(Bucket=STATE, Key=OF_BOOTSTRAP),
    "write the bootstrap's state": lambda aws: aws["s3"].put_object(
        Bucket=STATE, Key=OF_BOOTSTRAP, Body=b"{}"
    ),
    "change the layout": lambda aws: aws["s3"].put_object(
        Bucket=STATE, Key=".pulumi/meta.yaml", Body=b"version: 0"
    ),
    "turn versions off": lambda aws: aws["s3"].put_bucket_versioning(
        Bucket=STATE, VersioningConfiguration={"Status": "Suspended"}
    ),
    "list versions": lambda aws: aws["s3"].list_object_versions(Bucket=STATE),
    "delete the state": lambda aws: aws["s3"].delete_bucket(Bucket=STATE),
    "open the state": lambda aws: aws["s3"].delete_bucket_policy(Bucket=STATE),
    "read from another bucket": lambda aws: aws["s3"].get_object(Bucket=OTHER, Key=CHECKPOINT),
    "write to another bucket": lambda aws: aws["s3"].put_object(
        Bucket=OTHER, Key=CHECKPOINT, Body=b""
    ),
    "change another bucket": lambda aws: aws["s3"].put_bucket_policy(Bucket=OTHER, Policy="{}"),
    "make another bucket": lambda aws: aws["s3"].create_bucket(Bucket="new-one", **HERE),
    "list all buckets": lambda aws: aws["s3"].list_buckets(),
    "make a user": lambda aws: aws["iam"].create_user(UserName="eve"),
    "make an access key": lambda aws: aws["iam"].create_access_key(UserName="eve"),
    "make itself an administrator": lambda aws: aws["iam"].attach_role_policy(
        RoleName="tracing-prod-deploy", PolicyArn=ADMINISTRATOR
    ),
    "widen its own policy": lambda aws: aws["iam"].put_role_policy(
        RoleName="tracing-prod-deploy", PolicyName="write-stack", PolicyDocument=ANYTHING
    ),
    "widen its own trust": lambda aws: aws["iam"].update_assume_role_policy(
        RoleName="tracing-prod-deploy", PolicyDocument=TRUST
    ),
    "make Tempo an administrator": lambda aws: aws["iam"].attach_role_policy(
        RoleName=TEMPO, PolicyArn=ADMINISTRATOR
    ),
    "unbind Tempo's role": lambda aws: aws["iam"].delete_role_permissions_boundary(RoleName=TEMPO),
    "widen the boundary": lambda aws: aws["iam"].create_policy_version(
        PolicyArn=BOUNDARY, PolicyDocument=ANYTHING, SetAsDefault=True
    ),
    "change another role": lambda aws: aws["iam"].update_assume_role_policy(
        RoleName=ADMIN, PolicyDocument=TRUST
    ),
    "delete another role": lambda aws: aws["iam"].delete_role(RoleName=ADMIN),
    "become another role": lambda aws: aws["sts"].assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ADMIN}", RoleSessionName="eve"
    ),
    "make a key": lambda aws: aws["kms"].create_key(Tags=KMS_TAGS),
    "claim a key with tags": lambda aws: aws["kms"].tag_resource(
        KeyId="alias/other", Tags=KMS_TAGS
    ),
    "claim a key with an alias": lambda aws: aws["kms"].create_alias(
        AliasName=f"alias/{BUCKET}", TargetKeyId="alias/other"
    ),
    "take a key over": lambda aws: aws["kms"].put_key_policy(KeyId="alias/other", Policy=ANYTHING),
    "grant itself a key": lambda aws: aws["kms"].create_grant(
        KeyId="alias/other", GranteePrincipal=ADMIN, Operations=["Decrypt"]
    ),
    "use a key": lambda aws: aws["kms"].encrypt(KeyId="alias/other", Plaintext=b"x"),
    "rotate a key": lambda aws: aws["kms"].enable_key_rotation(KeyId="alias/other"),
    "disable a key": lambda aws: aws["kms"].disable_key(KeyId="alias/other"),
    "delete a key": lambda aws: aws["kms"].schedule_key_deletion(KeyId="alias/other"),
}


@sweep("purpose", PURPOSES)
@set_initial_no_auth_action_count(0)
def test_each_role_may_do_its_work_and_nothing_else(
    account: Mapping[str, Clients], purpose: str
) -> None:
    role = account[purpose]
    assert refused(role, READS) == []
    assert refused(role, WRITES) == ([] if purpose == "deploy" else [*WRITES])
    assert refused(role, NEVER) == [*NEVER]
