from typing import Any

import pytest

from plan import adopt
from plan.adopt import with_ids
from plan.command import CommandError

BUCKET = "aws:s3/bucket:Bucket"
PROVIDER = {"type": "pulumi:providers:aws", "name": "aws", "inputs": {"region": "eu-west-1"}}
STACK = {"type": "tracing:index:TracingStack", "name": "tracing", "component": True}
STORAGE: dict[str, Any] = {
    "type": "tracing:index:TraceStorage",
    "name": "storage",
    "parent": "tracing",
    "component": True,
}
OTHERS = [
    {"type": "aws:iam/role:Role", "name": "role", "id": "<PLACEHOLDER>", "provider": "aws"},
    {"type": "kubernetes:core/v1:Namespace", "name": "namespace", "id": "<PLACEHOLDER>"},
]


def item(type_: str, name: str) -> dict[str, Any]:
    return {
        "type": type_,
        "name": name,
        "id": "<PLACEHOLDER>",
        "parent": "storage",
        "provider": "aws",
    }


def ids(chosen: dict[str, Any]) -> dict[str, str | None]:
    return {resource["name"]: resource.get("id") for resource in chosen["resources"]}


def test_the_bucket_and_what_is_above_it_are_imported_and_nothing_else() -> None:
    own = [item(BUCKET, "bucket"), item("aws:s3/bucketPolicy:BucketPolicy", "policy")]
    planned = {"resources": [PROVIDER, STACK, STORAGE, *OTHERS, *own]}
    assert ids(with_ids(planned, "traces", None)) == {
        "aws": None,
        "tracing": None,
        "storage": None,
        "bucket": "traces",
        "policy": "traces",
    }


def test_what_the_state_has_already_stays_in_the_name_table() -> None:
    table = {"storage": "urn:storage", "aws": "urn:aws"}
    chosen = with_ids({"nameTable": table, "resources": [item(BUCKET, "bucket")]}, "traces", None)
    assert ids(chosen) == {"bucket": "traces"}
    assert chosen["nameTable"] == table


def test_a_key_goes_by_its_id_and_an_alias_by_its_name() -> None:
    own = [
        item("aws:kms/key:Key", "key"),
        item("aws:kms/alias:Alias", "alias"),
        item(BUCKET, "bucket"),
    ]
    planned = {"resources": [PROVIDER, STACK, STORAGE, *own]}
    found = ids(with_ids(planned, "traces", "k-1"))
    assert [found[name] for name in ("key", "alias", "bucket")] == [
        "k-1",
        "alias/traces",
        "traces",
    ]
    with pytest.raises(CommandError, match="add the id of the key, ARGS=--key="):
        with_ids(planned, "traces", None)


@pytest.mark.parametrize("planned", [OTHERS, None])
def test_a_stack_that_has_its_bucket_is_left_alone(planned: list[dict[str, Any]] | None) -> None:
    with pytest.raises(CommandError, match="the stack has its bucket already"):
        with_ids({"resources": planned}, "traces", None)


def test_a_stack_file_with_problems_is_refused_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["adopt", "qa"])
    assert adopt.main() == 1
    assert "Pulumi.qa.yaml" in capsys.readouterr().err
