"""Tempo's calls with the role's credentials, against moto with its IAM enforcement on."""

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

from components.core import iam
from components.identity import policies
from tests.identity.policy_check import verdict
from tests.sweep import sweep

REGION = "eu-west-1"
BUCKET = "traces-dev"
OTHER = "traces-dev-2"
META = "single-tenant/b0/meta.json"
POLICY = iam.document(*policies.bucket_access(BUCKET, region=REGION))
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k1"

S3 = Any
Call = Callable[[S3], object]


@pytest.fixture
def s3() -> Iterator[S3]:
    """S3 as a session of the role sees it, with two buckets that hold a block each."""
    with mock_aws():
        admin = {"aws_access_key_id": "admin", "aws_secret_access_key": "admin"}
        owner = boto3.client("s3", region_name=REGION, **admin)
        for bucket in (BUCKET, OTHER):
            owner.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            owner.put_object(Bucket=bucket, Key=META, Body=b"{}")
        iam = boto3.client("iam", region_name=REGION, **admin)
        trust = policies.pod_identity_trust(
            cluster="apps",
            region=REGION,
            account_id="123456789012",
            namespace="tracing",
            service_account="tempo",
        )
        role = iam.create_role(RoleName="tempo", AssumeRolePolicyDocument=trust)["Role"]
        iam.put_role_policy(RoleName="tempo", PolicyName="bucket-access", PolicyDocument=POLICY)
        sts = boto3.client("sts", region_name=REGION, **admin)
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tempo-0")["Credentials"]
        yield boto3.client(
            "s3",
            region_name=REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )


def upload_in_parts(s3: S3) -> None:
    """A block's data, as Append and CloseAppend send it."""
    target = {"Bucket": BUCKET, "Key": "single-tenant/b1/data.parquet"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        **target,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )


def give_an_upload_up(s3: S3) -> None:
    """What the client does when an upload of a large object fails."""
    target = {"Bucket": BUCKET, "Key": "single-tenant/b2/bloom-0"}
    s3.abort_multipart_upload(**target, UploadId=s3.create_multipart_upload(**target)["UploadId"])


def mark_a_block_compacted(s3: S3) -> None:
    """The copy of `meta.json` that keeps its tags, then the deletion of the original."""
    s3.copy_object(
        Bucket=BUCKET,
        Key="single-tenant/b0/meta.compacted.json",
        CopySource={"Bucket": BUCKET, "Key": META},
    )
    s3.get_object_tagging(Bucket=BUCKET, Key=META)
    s3.put_object_tagging(Bucket=BUCKET, Key=META, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object(Bucket=BUCKET, Key=META)


TEMPO: dict[str, Call] = {
    "check the bucket at start": lambda s3: s3.list_objects(Bucket=BUCKET, MaxKeys=1),
    "poll the blocks": lambda s3: s3.list_objects_v2(Bucket=BUCKET, Prefix="single-tenant/"),
    "write": lambda s3: s3.put_object(Bucket=BUCKET, Key="single-tenant/b1/bloom-0", Body=b"x"),
    "write a block": upload_in_parts,
    "give an upload up": give_an_upload_up,
    "read": lambda s3: s3.get_object(Bucket=BUCKET, Key=META),
    "read a range": lambda s3: s3.get_object(Bucket=BUCKET, Key=META, Range="bytes=0-1"),
    "mark a block compacted": mark_a_block_compacted,
    "clear a block": lambda s3: s3.delete_object(Bucket=BUCKET, Key=META),
}

OTHERS: dict[str, Call] = {
    "list another bucket": lambda s3: s3.list_objects_v2(Bucket=OTHER),
    "read from another bucket": lambda s3: s3.get_object(Bucket=OTHER, Key=META),
    "write to another bucket": lambda s3: s3.put_object(Bucket=OTHER, Key=META, Body=b"x"),
    "delete in another bucket": lambda s3: s3.delete_object(Bucket=OTHER, Key=META),
    "list all buckets": lambda s3: s3.list_buckets(),
    "make a bucket": lambda s3: s3.create_bucket(
        Bucket="new-one", CreateBucketConfiguration={"LocationConstraint": REGION}
    ),
    "delete the bucket": lambda s3: s3.delete_bucket(Bucket=BUCKET),
    "read the bucket's policy": lambda s3: s3.get_bucket_policy(Bucket=BUCKET),
    "change the bucket's policy": lambda s3: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
    "delete the bucket's policy": lambda s3: s3.delete_bucket_policy(Bucket=BUCKET),
    "turn versions on": lambda s3: s3.put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    ),
    "delete the lifecycle": lambda s3: s3.delete_bucket_lifecycle(Bucket=BUCKET),
    "delete the encryption": lambda s3: s3.delete_bucket_encryption(Bucket=BUCKET),
    "open the bucket": lambda s3: s3.delete_public_access_block(Bucket=BUCKET),
    "make an object public": lambda s3: s3.put_object_acl(
        Bucket=BUCKET, Key=META, ACL="public-read"
    ),
}


@sweep("call", TEMPO.values(), ids=TEMPO)
@set_initial_no_auth_action_count(0)
def test_what_tempo_calls_passes(s3: S3, call: Call) -> None:
    call(s3)


@sweep("call", OTHERS.values(), ids=OTHERS)
@set_initial_no_auth_action_count(0)
def test_anything_else_is_refused(s3: S3, call: Call) -> None:
    with pytest.raises(ClientError) as refused:
        call(s3)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


@sweep(
    ("action", "resource"),
    [
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}/{META}"),
        ("s3:ListBucket", f"arn:aws:s3:::{OTHER}"),
        ("s3:GetObject", f"arn:aws:s3:::{OTHER}/{META}"),
        ("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}"),
        ("s3:GetObjectVersion", f"arn:aws:s3:::{BUCKET}/{META}"),
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::{BUCKET}/{META}"),
        ("s3:BypassGovernanceRetention", f"arn:aws:s3:::{BUCKET}/{META}"),
        ("kms:Decrypt", KEY),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/admin"),
    ],
)
def test_the_bucket_policy_of_the_role_says_nothing_of(action: str, resource: str) -> None:
    assert verdict(POLICY, action=action, resource=resource) == "nothing"


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_the_key_is_for_use_through_s3_in_its_region(action: str) -> None:
    policy = iam.document(*policies.key_access(KEY, region=REGION))

    def answer(service: str | None, key: str = KEY) -> str:
        context = {"kms:ViaService": service} if service else {}
        return verdict(policy, action=action, resource=key, context=context)

    assert answer("s3.eu-west-1.amazonaws.com") == "allow"
    assert answer(None) == "nothing"
    assert answer("ec2.eu-west-1.amazonaws.com") == "nothing"
    assert answer("s3.eu-west-1.amazonaws.com", KEY + "2") == "nothing"


@pytest.mark.parametrize("current", [KEY, None], ids=["another key", "keys of S3"])
def test_previous_keys_are_for_reading_only(current: str | None) -> None:
    old, other = KEY + "-old", KEY + "-other"
    policy = iam.document(*policies.key_access(current, previous=[old], region=REGION))
    through_s3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}

    def answer(action: str, key: str, context: dict[str, str] = through_s3) -> str:
        return verdict(policy, action=action, resource=key, context=context)

    assert answer("kms:Decrypt", old) == "allow"
    assert answer("kms:Decrypt", old, {}) == "nothing"
    assert answer("kms:GenerateDataKey", old) == "nothing"
    assert answer("kms:Decrypt", other) == "nothing"
    assert answer("kms:GenerateDataKey", KEY) == ("allow" if current else "nothing")


@pytest.mark.parametrize("action", ["kms:Encrypt", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"])
def test_the_key_is_not_tempos_to_manage(action: str) -> None:
    policy = iam.document(*policies.key_access(KEY, region=REGION))
    context = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    assert verdict(policy, action=action, resource=KEY, context=context) == "nothing"


@pytest.mark.parametrize("suffix", ["amazonaws.com", "amazonaws.com.cn"])
def test_in_china_s3_may_go_by_either_name(suffix: str) -> None:
    policy = iam.document(*policies.key_access(KEY, region="cn-north-1"))
    context = {"kms:ViaService": f"s3.cn-north-1.{suffix}"}
    assert verdict(policy, action="kms:Decrypt", resource=KEY, context=context) == "allow"


def test_the_bucket_policy_of_the_role_is_of_the_region_s_partition() -> None:
    statements = policies.bucket_access(BUCKET, region="us-gov-west-1")
    resources = [statement["Resource"] for statement in statements]
    assert resources == [
        f"arn:aws-us-gov:s3:::{BUCKET}",
        f"arn:aws-us-gov:s3:::{BUCKET}/*",
    ]
