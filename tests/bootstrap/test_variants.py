"""Roles for settings that no stack file uses: exactly the calls that Pulumi makes pass."""

import json
import runpy
from collections.abc import Mapping
from typing import Any

import pytest

from config.loader import PROJECT as TRACING
from plan.recorder import Recording, record
from plan.stackfile import StackConfig, read
from tests.bootstrap.aws_calls import CALLS, Kind, Purpose
from tests.bootstrap.programs import ROOT, bootstrap, policies_in
from tests.identity.policy_check import together

Groups = Mapping[str, Mapping[str, Any]]

ACCOUNT, REGION = "111111111111", "eu-west-1"
HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tracing-dev-platform-dev-tempo"
GIVEN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/platform/tempo"
KEY = f"arn:aws:kms:{HERE}:key/given"
BUCKET = f"arn:aws:s3:::traces-dev-{ACCOUNT}-{REGION}"
VARIANTS: dict[str, Groups] = {
    "operator": {"operator": {"enabled": True}},
    "rules": {"alerts": {"delivery": "configMap", "namespace": "rules"}},
    "protected": {"storage": {"protect": True}},
    "key": {"storage": {"encryption": "sse-kms", "kmsKeyArn": KEY}},
    "previous keys": {
        "storage": {
            "encryption": "sse-kms",
            "kmsKeyArn": KEY,
            "previousKmsKeyArns": [f"{KEY}-old"],
        }
    },
    "existing bucket": {"storage": {"existing": True, "bucket": "ours"}},
    "given role": {"identity": {"roleArn": GIVEN_ROLE, "permissionsBoundaryArn": None}},
    "irsa": {
        "identity": {"mode": "irsa"},
        "cluster": {"oidcIssuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/A1"},
    },
}


def changed(groups: Groups) -> StackConfig:
    """Return dev's stack file with other settings in some groups."""
    file = read(ROOT, "dev")
    for group, settings in groups.items():
        old = json.loads(file.values.get(f"tracing:{group}", "{}"))
        file.values[f"tracing:{group}"] = json.dumps({**old, **settings})
    return file


def types(groups: Groups) -> set[str]:
    """Return the types of the AWS resources that such a tracing stack makes."""
    recording = record(
        lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
        project=TRACING,
        stack="dev",
        preview=True,
        config=changed(groups).values,
    )
    return {r.type for r in recording.resources if r.type.startswith("aws:")}


def answer(recording: Recording, purpose: str, action: str, resource: str) -> str:
    context = {
        "iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/tracing-dev-boundary",
        "iam:PassedToService": "pods.eks.amazonaws.com",
    }
    its = policies_in(recording, purpose).values()
    return together(its, action=action, resource=resource, context=context)


@pytest.mark.parametrize("purpose", ["preview", "drift"])
def test_the_operators_and_the_rules_namespaces_are_read(purpose: str) -> None:
    file = changed({**VARIANTS["operator"], **VARIANTS["rules"]})
    recording = bootstrap("dev", file=file)
    [its] = [r for r in recording.resources if r.name == f"access-{purpose}-cluster-policy"]
    namespaces = its.inputs["accessScope"]["namespaces"]
    assert {"tracing", "tracing-operator", "monitoring", "rules"} <= set(namespaces)


@pytest.mark.parametrize("variant", VARIANTS)
def test_calls_pass_for_what_the_stack_makes_and_for_nothing_else(variant: str) -> None:
    groups = VARIANTS[variant]
    recording, makes = bootstrap("dev", file=changed(groups)), types(groups)
    resources: dict[Kind, str] = {
        "bucket": BUCKET,
        "role": ROLE,
        "passed role": groups.get("identity", {}).get("roleArn", ROLE),
        "association": f"arn:aws:eks:{HERE}:podidentityassociation/platform-dev/a-1",
        "cluster": f"arn:aws:eks:{HERE}:cluster/platform-dev",
        "key": KEY,
        "alias": f"arn:aws:kms:{HERE}:alias/traces-dev-{ACCOUNT}-{REGION}",
        "*": "*",
    }
    stages: list[Purpose] = ["create", "read", "update", "delete"]
    for purpose, does in (("deploy", stages), ("preview", ["read"]), ("drift", ["read"])):
        calls = {
            (call.action, resources[call.on], kind in makes and stage in does)
            for kind, of in CALLS.items()
            for stage in stages
            for call in of[stage]
        }
        needed = {(action, on) for action, on, needs in calls if needs}
        if variant == "protected":
            needed.discard(("s3:DeleteBucket", BUCKET))
        passed = {
            (action, on)
            for action, on, _ in calls
            if answer(recording, purpose, action, on) == "allow"
        }
        assert passed == needed, purpose
