import itertools
import json
import warnings
from typing import Any

import pytest

from components.storage.component import TraceStorage, TraceStorageArgs
from components.storage.settings import Encryption, StorageSettings
from plan.recorder import UNKNOWN, Recording, Resource, record
from tests.storage.aws_inputs import problems

BUCKET, REGION, ACCOUNT = "traces-dev-111122223333-eu-west-1", "eu-west-1", "111122223333"
GIVEN_KEY = "arn:aws:kms:eu-west-1:111122223333:key/given"
TAGS = {"environment": "dev", "managed-by": "pulumi"}

COMPONENT = "tracing:index:TraceStorage"
S3_BUCKET = "aws:s3/bucket:Bucket"
ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
KEY, ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"
GUARDS = [ACCESS, OWNERSHIP, ENCRYPTION, POLICY, LIFECYCLE]

both_modes = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def run(preview: bool, settings: StorageSettings | None = None, hours: int = 336) -> Recording:
    def program() -> None:
        TraceStorage(
            "storage",
            TraceStorageArgs(
                settings=settings or StorageSettings(),
                bucket=BUCKET,
                region=REGION,
                account_id=ACCOUNT,
                retention_hours=hours,
                tags=TAGS,
            ),
        )

    with warnings.catch_warnings():
        # Inputs and classes that pulumi-aws is about to drop.
        warnings.simplefilter("error", DeprecationWarning)
        return record(program, preview=preview)


def own_key(**more: Any) -> StorageSettings:
    return StorageSettings(encryption=Encryption.SSE_KMS, **more)


def children(recording: Recording) -> list[Resource]:
    component = recording.one(COMPONENT)
    return [resource for resource in recording.resources if resource.parent == component.urn]


def outputs(recording: Recording) -> dict[str, Any]:
    return recording.component_outputs[recording.one(COMPONENT).urn]


def inputs(recording: Recording, token: str) -> dict[str, Any]:
    return recording.one(token).inputs


@both_modes
def test_it_makes_a_bucket_and_its_guards_and_nothing_else(preview: bool) -> None:
    made = sorted(resource.type for resource in children(run(preview)))
    assert made == sorted([S3_BUCKET, *GUARDS])


@both_modes
def test_an_own_key_adds_a_key_and_its_alias(preview: bool) -> None:
    made = sorted(resource.type for resource in children(run(preview, own_key())))
    assert made == sorted([S3_BUCKET, *GUARDS, KEY, ALIAS])


@both_modes
@pytest.mark.parametrize("settings", [StorageSettings(), own_key()], ids=["sse-s3", "sse-kms"])
def test_children_stand_under_the_component_and_carry_its_name(
    preview: bool, settings: StorageSettings
) -> None:
    recording = run(preview, settings)
    aws_resources = [r for r in recording.resources if r.type.startswith("aws:")]
    assert aws_resources == children(recording)
    assert all(resource.name.startswith("storage-") for resource in aws_resources)


@both_modes
@pytest.mark.parametrize(
    "settings",
    [StorageSettings(), own_key(), own_key(kms_key_arn=GIVEN_KEY)],
    ids=["sse-s3", "own key", "given key"],
)
def test_every_input_is_one_that_pulumi_aws_knows(preview: bool, settings: StorageSettings) -> None:
    assert [p for resource in children(run(preview, settings)) for p in problems(resource)] == []


@both_modes
def test_the_bucket_and_all_that_guards_it_are_kept_where_protected(preview: bool) -> None:
    for resource in children(run(preview, own_key(protect=True))):
        assert (resource.protect, resource.retain_on_delete) == (True, True), resource.name


@both_modes
def test_nothing_is_kept_where_not_protected(preview: bool) -> None:
    for resource in children(run(preview, own_key(protect=False))):
        assert not resource.protect, resource.name
        assert not resource.retain_on_delete, resource.name


@pytest.mark.parametrize("force", [True, False])
def test_force_destroy_reaches_the_bucket(force: bool) -> None:
    settings = StorageSettings(protect=False, force_destroy=force)
    assert inputs(run(True, settings), S3_BUCKET)["forceDestroy"] is force


@both_modes
def test_every_guard_guards_this_bucket(preview: bool) -> None:
    recording = run(preview)
    assert inputs(recording, S3_BUCKET)["bucket"] == BUCKET
    assert {inputs(recording, guard)["bucket"] for guard in GUARDS} == {BUCKET}


def test_guards_are_made_one_after_the_other_policy_after_public_access_block() -> None:
    recording = run(True)
    chain = [S3_BUCKET, *GUARDS]
    for before, after in itertools.pairwise(chain):
        assert recording.one(before).urn in recording.one(after).dependencies, after


def test_public_access_is_blocked_in_all_four_ways() -> None:
    assert inputs(run(True), ACCESS) == {
        "bucket": BUCKET,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }


def test_objects_belong_to_the_bucket_s_owner_and_access_lists_are_off() -> None:
    assert inputs(run(True), OWNERSHIP)["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_bucket_has_no_versions_and_no_settings_of_its_own() -> None:
    assert inputs(run(True), S3_BUCKET).keys() == {"bucket", "forceDestroy", "tags"}


@both_modes
def test_policies_are_known_at_preview(preview: bool) -> None:
    recording = run(preview, own_key())
    assert json.loads(inputs(recording, POLICY)["policy"])["Statement"][0]["Effect"] == "Deny"
    assert json.loads(inputs(recording, KEY)["policy"])["Statement"][0]["Action"] == "kms:*"


def test_a_stand_in_without_tls_gets_no_policy_that_would_refuse_it() -> None:
    local = run(True, StorageSettings(protect=False, endpoint="http://moto:5000"))
    assert local.of_type(POLICY) == []
    assert local.one(ENCRYPTION).urn in local.one(LIFECYCLE).dependencies
    assert run(True, StorageSettings(endpoint="https://minio:9000")).of_type(POLICY)


def test_lifecycle_aborts_uploads_drops_versions_and_backs_the_retention_up() -> None:
    rules = inputs(run(True, hours=336), LIFECYCLE)["rules"]
    assert all(rule["status"] == "Enabled" and rule["filter"] == {} for rule in rules)
    what = {k: v for rule in rules for k, v in rule.items() if k not in ("id", "status", "filter")}
    assert what == {
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        "noncurrentVersionExpiration": {"noncurrentDays": 1},
        "expiration": {"days": 21},
    }
    assert len({rule["id"] for rule in rules}) == len(rules)


def test_s3_manages_the_keys_by_default() -> None:
    (rule,) = inputs(run(True), ENCRYPTION)["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


@both_modes
def test_an_own_key_rotates_and_can_be_brought_back_for_a_month(preview: bool) -> None:
    recording = run(preview, own_key())
    key = inputs(recording, KEY)
    assert (key["enableKeyRotation"], key["deletionWindowInDays"]) == (True, 30)
    alias = recording.one(ALIAS)
    assert alias.inputs["name"] == f"alias/{BUCKET}"
    assert recording.one(KEY).urn in alias.dependencies


@both_modes
def test_an_own_key_encrypts_the_bucket_with_a_bucket_key(preview: bool) -> None:
    recording = run(preview, own_key())
    (rule,) = inputs(recording, ENCRYPTION)["rules"]
    assert rule["bucketKeyEnabled"] is True
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["sseAlgorithm"] == "aws:kms"
    assert default["kmsMasterKeyId"] == (UNKNOWN if preview else "arn:aws:test:::storage-key")
    assert recording.one(KEY).urn in recording.one(ENCRYPTION).dependencies


@both_modes
def test_a_given_key_is_used_and_none_is_made(preview: bool) -> None:
    recording = run(preview, own_key(kms_key_arn=GIVEN_KEY))
    assert recording.of_type(KEY) + recording.of_type(ALIAS) == []
    (rule,) = inputs(recording, ENCRYPTION)["rules"]
    assert rule == {
        "applyServerSideEncryptionByDefault": {
            "sseAlgorithm": "aws:kms",
            "kmsMasterKeyId": GIVEN_KEY,
        },
        "bucketKeyEnabled": True,
    }
    assert outputs(recording)["kmsKeyArn"] == GIVEN_KEY


@both_modes
def test_bucket_and_key_are_tagged(preview: bool) -> None:
    recording = run(preview, own_key())
    assert inputs(recording, S3_BUCKET)["tags"] == TAGS
    assert inputs(recording, KEY)["tags"] == TAGS


@both_modes
def test_outputs_name_the_bucket_that_is_made(preview: bool) -> None:
    given = outputs(run(preview))
    arn = UNKNOWN if preview else "arn:aws:test:::storage-bucket"
    assert given == {"bucketName": BUCKET, "bucketArn": arn}


@both_modes
def test_outputs_name_the_own_key(preview: bool) -> None:
    arn = UNKNOWN if preview else "arn:aws:test:::storage-key"
    assert outputs(run(preview, own_key()))["kmsKeyArn"] == arn


@both_modes
def test_an_existing_bucket_is_left_alone_and_its_outputs_are_known(preview: bool) -> None:
    recording = run(preview, StorageSettings(existing=True, bucket=BUCKET))
    assert children(recording) == []
    assert outputs(recording) == {"bucketName": BUCKET, "bucketArn": f"arn:aws:s3:::{BUCKET}"}


@both_modes
def test_an_existing_bucket_hands_its_given_key_on(preview: bool) -> None:
    recording = run(preview, own_key(existing=True, bucket=BUCKET, kms_key_arn=GIVEN_KEY))
    assert children(recording) == []
    assert outputs(recording)["kmsKeyArn"] == GIVEN_KEY


def test_no_key_is_made_for_an_existing_bucket() -> None:
    with pytest.raises(ValueError, match="kms_key_arn"):
        run(True, own_key(existing=True, bucket=BUCKET))
