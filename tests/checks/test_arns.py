"""ARNs in settings: form, partition, region and account are checked before anything is made."""

from typing import Any

import pytest

from components.checks.validate import validate
from components.core.regions import PARTITIONS, Partition
from tests.sweep import sweep

ACCOUNT, OTHER = "111122223333", "444455556666"
KEY, ROLE, BOUNDARY = (
    "storage.kmsKeyArn",
    "identity.roleArn",
    "identity.permissionsBoundaryArn",
)


def problems(
    key: str, arn: str, *, region: str = "eu-west-1", mode: str = "podIdentity"
) -> dict[str, str]:
    """Return the problems of a stack file that holds one ARN, by key."""
    group, name = key.split(".")
    groups: dict[str, dict[str, Any]] = {
        "environment": {"name": "qa"},
        "cluster": {
            "name": "c",
            "region": region,
            "accountId": ACCOUNT,
            "kubeContext": "c",
            "oidcIssuer": "https://issuer.example.com",
        },
        "storage": {"encryption": "sse-kms"} if key == KEY else {},
        "identity": {"mode": mode},
    }
    groups[group][name] = arn
    _, found = validate(groups)
    assert len({problem.key for problem in found}) == len(found), "two messages about one value"
    return {problem.key: problem.message for problem in found}


def arns(partition: str, region: str, account: str) -> dict[str, str]:
    return {
        KEY: f"arn:{partition}:kms:{region}:{account}:key/mrk-1234",
        ROLE: f"arn:{partition}:iam::{account}:role/platform/tempo",
        BOUNDARY: f"arn:{partition}:iam::{account}:policy/b",
    }


@sweep("its", PARTITIONS, ids=lambda its: its.name)
@sweep("key", [KEY, ROLE, BOUNDARY])
@sweep("mode", ["podIdentity", "irsa"])
def test_only_the_partition_of_the_region_is_accepted(its: Partition, key: str, mode: str) -> None:
    region = its.regions[0]
    assert problems(key, arns(its.name, region, ACCOUNT)[key], region=region, mode=mode) == {}
    for other in PARTITIONS:
        if other is not its:
            arn = arns(other.name, region, ACCOUNT)[key]
            message = problems(key, arn, region=region, mode=mode)[key]
            assert message.startswith(f"must begin with arn:{its.name}:")


@pytest.mark.parametrize(
    ("key", "mode", "accepted"),
    [
        # The policy of a key can let in another account.
        (KEY, "podIdentity", True),
        (ROLE, "podIdentity", False),
        # A role trusts the identity provider of its own account, wherever the cluster is.
        (ROLE, "irsa", True),
        (BOUNDARY, "podIdentity", False),
        (BOUNDARY, "irsa", False),
    ],
)
def test_another_account_is_accepted_where_it_can_work(key: str, mode: str, accepted: bool) -> None:
    found = problems(key, arns("aws", "eu-west-1", OTHER)[key], mode=mode)
    assert (found == {}) is accepted
    if not accepted:
        assert f"arn:aws:iam::{ACCOUNT}:" in found[key]


def test_a_key_is_of_the_buckets_region() -> None:
    message = problems(KEY, arns("aws", "eu-central-1", ACCOUNT)[KEY])[KEY]
    assert message.startswith("must begin with arn:aws:kms:eu-west-1: ")


def test_a_boundary_of_aws_itself_is_accepted() -> None:
    assert problems(BOUNDARY, "arn:aws:iam::aws:policy/PowerUserAccess") == {}


@sweep(
    ("key", "arn"),
    [
        (KEY, "arn:aws:kms:eu-west-1:111122223333:alias/traces"),
        (KEY, "arn:aws:s3:::traces"),
        (KEY, "arn:aws-xx:kms:eu-west-1:111122223333:key/a"),
        (KEY, "arn:aws:kms:eu-west-1:1111:key/a"),
        (KEY, "arn:aws:kms:eu-west-1:111122223333:key/a\n"),
        (KEY, "0d1c7f5e-0f3a-4c0e-9f0b-3a1d6c1f2b4a"),
        (ROLE, "arn:aws:iam::111122223333:user/tempo"),
        (ROLE, "arn:aws:iam:eu-west-1:111122223333:role/tempo"),
        (ROLE, "arn:aws:sts::111122223333:assumed-role/tempo/session"),
        (ROLE, "tempo"),
        (BOUNDARY, "arn:aws:iam::111122223333:role/tempo"),
        (BOUNDARY, "arn:aws:iam::amazon:policy/b"),
    ],
)
def test_another_form_is_refused_with_an_example(key: str, arn: str) -> None:
    message = problems(key, arn)[key]
    assert message.startswith("must be the ARN of a")
    example = message.rpartition("for example ")[2]
    assert list(problems(key, example)) == []
