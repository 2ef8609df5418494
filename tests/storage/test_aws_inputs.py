"""The check of inputs itself: it finds what it is there to find."""

from typing import Any

from plan.recorder import UNKNOWN, Resource
from tests.storage.aws_inputs import problems
from tests.sweep import sweep

BUCKET = "aws:s3/bucket:Bucket"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def found(token: str, inputs: dict[str, Any]) -> list[str]:
    return problems(
        Resource(
            urn="urn",
            type=token,
            name="it",
            parent="",
            inputs=inputs,
            protect=None,
            retain_on_delete=None,
            dependencies=[],
            provider="",
        )
    )


@sweep(
    ("token", "inputs", "where"),
    [
        (BUCKET, {"buckett": "b"}, "it.buckett"),
        (BUCKET, {"force_destroy": True}, "it.force_destroy"),
        (BUCKET, {"forceDestroy": "yes"}, "it.forceDestroy"),
        (BUCKET, {"bucket": {"name": "b"}}, "it.bucket"),
        (BUCKET, {"tags": ["a"]}, "it.tags"),
        (LIFECYCLE, {"rules": [{"id": "a", "expiration": {"day": 1}}]}, "it.rules[0].expiration"),
        (LIFECYCLE, {"rules": [{"expiration": {"days": "1"}}]}, "it.rules[0].expiration.days"),
    ],
)
def test_a_wrong_input_is_found(token: str, inputs: dict[str, Any], where: str) -> None:
    (problem,) = found(token, inputs)
    assert problem.startswith(where)


def test_right_inputs_pass() -> None:
    assert found(BUCKET, {"bucket": UNKNOWN, "forceDestroy": False, "tags": {"a": "b"}}) == []
    assert found(LIFECYCLE, {"rules": [{"filter": {}, "expiration": {"days": 1}}]}) == []
