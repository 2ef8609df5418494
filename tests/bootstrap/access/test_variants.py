"""Roles by settings that no stack file has: what Pulumi calls for them passes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plan.recorder import Recording
from plan.stackfile import StackConfig, read
from tests.bootstrap.access.aws_calls import CALLS, Purpose
from tests.bootstrap.access.programs import REPOSITORY, ROOT, bootstrap
from tests.identity.policy_check import verdict

ACCOUNT, REGION = "111111111111", "eu-west-1"
HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tracing-dev-platform-dev-tempo"
KEY = f"arn:aws:kms:{HERE}:key/given"
BUCKET = f"arn:aws:s3:::traces-dev-{ACCOUNT}-{REGION}"


def made(monkeypatch: pytest.MonkeyPatch, groups: Mapping[str, Mapping[str, Any]]) -> Recording:
    """Run bootstrap for dev's stack file with other settings in some groups."""
    file = read(ROOT, "dev")
    for group, changed in groups.items():
        old = json.loads(file.values.get(f"tracing:{group}", "{}"))
        file.values[f"tracing:{group}"] = json.dumps({**old, **changed})

    def changed_file(root: Path, stack: str) -> StackConfig:
        return file

    monkeypatch.setattr("bootstrap.loader.read", changed_file)
    return bootstrap("dev", {"repository": REPOSITORY})


def answer(recording: Recording, purpose: str, action: str, resource: str) -> str:
    context = {
        "iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/tracing-dev-boundary",
        "iam:PassedToService": "pods.eks.amazonaws.com",
    }
    answers = {
        verdict(r.inputs["policy"], action=action, resource=resource, context=context)
        for r in recording.of_type("aws:iam/rolePolicy:RolePolicy")
        if r.name.startswith(f"access-{purpose}-")
    }
    return next(a for a in ("deny", "allow", "nothing") if a in answers)


@pytest.mark.parametrize("purpose", ["preview", "drift"])
def test_the_operators_and_the_rules_namespaces_are_read(
    purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = {"operator": {"enabled": True}, "alerts": {"namespace": "rules"}}
    recording = made(monkeypatch, groups)
    [its] = [r for r in recording.resources if r.name == f"access-{purpose}-cluster-policy"]
    namespaces = its.inputs["accessScope"]["namespaces"]
    assert {"tracing", "tracing-operator", "monitoring", "rules"} <= set(namespaces)


@pytest.mark.parametrize(
    "groups",
    [
        {"storage": {"encryption": "sse-kms", "kmsKeyArn": KEY}},
        {
            "storage": {
                "encryption": "sse-kms",
                "kmsKeyArn": KEY,
                "previousKmsKeyArns": [f"{KEY}-old"],
            }
        },
        {"storage": {"existing": True, "bucket": "ours"}},
        {
            "identity": {"mode": "irsa"},
            "cluster": {"oidcIssuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/A1"},
        },
    ],
    ids=["key", "previous keys", "existing bucket", "irsa"],
)
def test_what_pulumi_calls_passes(
    groups: Mapping[str, Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = made(monkeypatch, groups)
    stages: list[tuple[str, Purpose]] = [
        ("deploy", "create"),
        ("preview", "read"),
        ("drift", "read"),
    ]
    makes_bucket = "existing" not in groups.get("storage", {})
    for kind, calls in CALLS.items():
        resource = {"aws:s3": BUCKET, "aws:ia": ROLE}.get(kind[:6])
        if resource is None:
            continue
        expected = "allow" if resource == ROLE or makes_bucket else "nothing"
        for purpose, stage in stages:
            for call in calls[stage]:
                assert answer(recording, purpose, call.action, resource) == expected, call
    # A given key is its owner's.
    for action in ("kms:PutKeyPolicy", "kms:TagResource", "kms:Decrypt", "kms:DescribeKey"):
        assert answer(recording, "deploy", action, KEY) == "nothing"
