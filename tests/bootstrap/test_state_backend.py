import itertools
import json
import warnings

import pytest

from bootstrap.names import state_bucket
from bootstrap.state import NONCURRENT_DAYS, StateBackend, StateBackendArgs
from components.checks.validate import validate
from plan.recorder import UNKNOWN, Recording, record
from tests.identity.policy_check import verdict

BUCKET = "tracing-state-dev-111122223333-eu-west-1"
TAGS = {"environment": "dev", "managed-by": "tracing-bootstrap"}

both_modes = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def run(preview: bool = True) -> Recording:
    def program() -> None:
        StateBackend(
            "state",
            StateBackendArgs(
                bucket=BUCKET,
                key_alias="alias/tracing-state-dev",
                region="eu-west-1",
                account_id="111122223333",
                tags=TAGS,
            ),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        return record(program, preview=preview)


@both_modes
def test_all_of_it_is_protected_and_outlives_the_stack(preview: bool) -> None:
    resources = [r for r in run(preview).resources if r.type.startswith("aws:")]
    assert len(resources) == 9
    assert all(r.protect and r.retain_on_delete for r in resources)


@both_modes
def test_the_bucket_keeps_versions_and_clears_old_ones(preview: bool) -> None:
    recording = run(preview)
    versioning = recording.one("aws:s3/bucketVersioning:BucketVersioning").inputs
    lifecycle = recording.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")

    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    assert lifecycle.inputs["rules"] == [
        {
            "id": "expire-noncurrent-versions",
            "status": "Enabled",
            "filter": {},
            "noncurrentVersionExpiration": {"noncurrentDays": NONCURRENT_DAYS},
        },
        {
            "id": "abort-incomplete-uploads",
            "status": "Enabled",
            "filter": {},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        },
    ]
    # The state itself never expires.
    assert not any("expiration" in rule for rule in lifecycle.inputs["rules"])


def test_the_bucket_is_private_encrypted_and_for_tls_only() -> None:
    recording = run(preview=False)
    access = recording.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    encryption = recording.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs
    policy = recording.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"]

    assert [access[key] for key in access if key != "bucket"] == [True] * 4
    assert encryption["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {
                "sseAlgorithm": "aws:kms",
                "kmsMasterKeyId": "arn:aws:test:::state-key",
            },
            "bucketKeyEnabled": True,
        }
    ]
    said = verdict(
        policy,
        action="s3:GetObject",
        resource=f"arn:aws:s3:::{BUCKET}/.pulumi/meta.yaml",
        principal={"AWS": "anyone"},
        context={"aws:SecureTransport": "false"},
    )
    assert said == "deny"


def test_the_key_turns_over_and_can_be_brought_back() -> None:
    key = run().one("aws:kms/key:Key").inputs
    assert key["enableKeyRotation"] is True
    assert key["deletionWindowInDays"] == 30
    assert json.loads(key["policy"])["Statement"][0]["Principal"] == {
        "AWS": "arn:aws:iam::111122223333:root"
    }


def test_the_bucket_is_configured_one_thing_after_the_other() -> None:
    recording = run()
    order = [
        recording.one(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}")
        for kind in (
            "BucketPublicAccessBlock",
            "BucketOwnershipControls",
            "BucketServerSideEncryptionConfiguration",
            "BucketPolicy",
            "BucketVersioning",
            "BucketLifecycleConfiguration",
        )
    ]
    for before, after in itertools.pairwise(order):
        assert before.urn in after.dependencies


@both_modes
def test_urls_are_known_before_anything_exists(preview: bool) -> None:
    recording = run(preview)
    outputs = recording.component_outputs[recording.one("tracing:index:StateBackend").urn]
    assert outputs["backendUrl"] == f"s3://{BUCKET}?region=eu-west-1"
    assert outputs["secretsProvider"] == "awskms://alias/tracing-state-dev?region=eu-west-1"
    assert (outputs["keyArn"] == UNKNOWN) == preview


@pytest.mark.parametrize("region", ["us-gov-west-1", "ap-southeast-1", "cn-northwest-1"])
def test_the_longest_names_are_such_as_s3_takes(region: str) -> None:
    cluster = {"name": "c", "region": region, "accountId": "1" * 12, "kubeContext": "c"}
    tracing, wrong = validate({"environment": {"name": "e" * 20}, "cluster": cluster})
    assert not wrong
    assert len(state_bucket(tracing)) <= 63
