import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.storage import lifecycle, policies
from tests.identity.policy_check import verdict

REGION, ACCOUNT, BUCKET = "eu-west-1", "111122223333", "traces-dev"
TLS_ONLY = policies.tls_only(BUCKET, region=REGION)
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
KEY_POLICY = policies.key(account_id=ACCOUNT, region=REGION)


@pytest.mark.parametrize("principal", [ROOT, {"Service": "logging.s3.amazonaws.com"}], ids=str)
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/single-tenant/b0/meta.json"),
        ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/single-tenant/b0/meta.json"),
    ],
)
def test_plain_http_is_denied_and_tls_is_left_to_iam(
    action: str, resource: str, principal: dict[str, str]
) -> None:
    def answer(tls: str) -> str:
        return verdict(
            TLS_ONLY,
            action=action,
            resource=resource,
            principal=principal,
            context={"aws:SecureTransport": tls},
        )

    assert answer("false") == "deny"
    assert answer("true") == "nothing"


def test_the_bucket_policy_is_of_the_region_s_partition() -> None:
    statement = json.loads(policies.tls_only(BUCKET, region="cn-north-1"))["Statement"][0]
    assert statement["Resource"] == [f"arn:aws-cn:s3:::{BUCKET}", f"arn:aws-cn:s3:::{BUCKET}/*"]


@pytest.mark.parametrize("action", ["kms:PutKeyPolicy", "kms:Decrypt", "kms:ScheduleKeyDeletion"])
def test_the_account_administers_its_key_and_nobody_else_does(action: str) -> None:
    others = [
        {"AWS": "arn:aws:iam::999999999999:root"},
        {"AWS": "*"},
        {"Service": "s3.amazonaws.com"},
    ]
    assert verdict(KEY_POLICY, action=action, resource="any", principal=ROOT) == "allow"
    answers = {verdict(KEY_POLICY, action=action, resource="any", principal=o) for o in others}
    assert answers == {"nothing"}


@given(st.integers(min_value=1, max_value=87_600))
def test_objects_outlive_tempo_s_retention_by_a_week_and_no_more_than_eight_days(
    hours: int,
) -> None:
    days = lifecycle.expiry_days(hours)
    assert 7 * 24 <= days * 24 - hours < 8 * 24


@given(st.integers(min_value=1, max_value=87_599))
def test_a_longer_retention_never_expires_objects_sooner(hours: int) -> None:
    assert lifecycle.expiry_days(hours) <= lifecycle.expiry_days(hours + 1)


@pytest.mark.parametrize(("hours", "days"), [(1, 8), (24, 8), (25, 9), (336, 21), (87_600, 3657)])
def test_expiry_days_are_counted_in_whole_days(hours: int, days: int) -> None:
    assert lifecycle.expiry_days(hours) == days
