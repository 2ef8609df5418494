"""The bootstrap program as a whole: its resources by setting, and its errors."""

import json
import re

import pulumi
import pytest
from pydantic.alias_generators import to_camel

from bootstrap.access import DeploymentAccess
from bootstrap.settings import BootstrapSettings
from bootstrap.state import StateBackend
from components.checks import SettingsError
from components.checks.messages import keys_of
from plan.recorder import UNKNOWN, Recording, Resource
from plan.stackfile import StackConfig, read
from tests.bootstrap.programs import (
    PROJECT,
    PURPOSES,
    REPOSITORY,
    ROOT,
    STACKS,
    bootstrap,
    recorded,
)
from tests.storage.aws_inputs import problems
from tests.sweep import sweep

COMPONENTS = {f"tracing:index:{kind.__name__}": kind for kind in (StateBackend, DeploymentAccess)}
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ENTRY, ENTRY_POLICY = (
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
)
BOUNDARY = "aws:iam/policy:Policy"
KEY, ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"


def made(recording: Recording) -> list[Resource]:
    return [r for r in recording.resources if r.type.startswith("aws:")]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_every_resource_is_well_formed(stack: str, preview: bool) -> None:
    recording = bootstrap(stack, preview=preview)
    components = {r.urn: r for r in recording.resources if r.type in COMPONENTS}
    provider = recording.one("pulumi:providers:aws")

    assert len(components) == 2
    assert [p for r in made(recording) for p in problems(r)] == []
    for resource in made(recording):
        assert resource.name.startswith(f"{components[resource.parent].name}-")
        assert resource.provider.startswith(f"{provider.urn}::")
    for urn, component in components.items():
        hints = COMPONENTS[component.type].__annotations__
        declared = {to_camel(n) for n, hint in hints.items() if hint == pulumi.Output[str]}
        assert recording.component_outputs[urn].keys() - {"traceKeyArn"} == declared


@pytest.mark.parametrize("stack", STACKS)
def test_it_works_in_the_account_and_region_of_the_stack_file(stack: str) -> None:
    recording = recorded(stack)
    cluster = json.loads(read(ROOT, stack).values["tracing:cluster"])
    provider = recording.one("pulumi:providers:aws").inputs

    assert provider["region"] == cluster["region"]
    assert json.loads(provider["allowedAccountIds"]) == [cluster["accountId"]]
    assert cluster["accountId"] in recording.outputs["backendUrl"]
    [role] = [r for r in made(recording) if r.name == "access-deploy"]
    assert cluster["accountId"] in role.inputs["assumeRolePolicy"]


def test_outputs_tell_what_the_next_steps_need() -> None:
    assert bootstrap("prod", preview=True).outputs == {
        "backendUrl": "s3://tracing-state-prod-333333333333-eu-west-1?region=eu-west-1",
        "secretsProvider": "awskms://alias/tracing-state-prod?region=eu-west-1",
        "previewRoleArn": UNKNOWN,
        "driftRoleArn": UNKNOWN,
        "deployRoleArn": UNKNOWN,
    }


def test_names_do_not_collide_between_environments_of_an_account() -> None:
    names = [
        (r.type, r.inputs[key])
        for stack in STACKS
        for r in made(recorded(stack))
        for key in ("name", "bucket")
        if key in r.inputs and r.type in ("aws:iam/role:Role", BOUNDARY, "aws:kms/alias:Alias")
    ]
    assert len(set(names)) == len(names) == 5 * len(STACKS)


def test_the_trace_bucket_gets_a_key_that_outlives_the_stack() -> None:
    assert len(recorded("prod").of_type(KEY)) == 1
    recording = bootstrap("prod", {"repository": REPOSITORY, "traceKey": "true"}, preview=True)
    [key] = [r for r in recording.of_type(KEY) if r.name == "access-trace-key"]
    [alias] = [r for r in recording.of_type(ALIAS) if r.name == "access-trace-key-alias"]

    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert alias.inputs["name"] == "alias/tracing-prod-traces"
    assert all(r.protect and r.retain_on_delete for r in (key, alias))
    assert recording.outputs["traceKeyArn"] == UNKNOWN


def test_deployment_gets_a_key_for_sse_kms() -> None:
    """The deploy role makes none: `bootstrap` refuses a stack that would need that."""
    file = read(ROOT, "prod")
    file.values["tracing:storage"] = json.dumps({"encryption": "sse-kms"})
    [(key, message)] = refusal("prod", {"repository": REPOSITORY}, file)
    assert key == "tracing:storage.kmsKeyArn"
    assert "traceKey: true" in message
    assert "traceKeyArn" in message
    bootstrap("prod", {"repository": REPOSITORY, "traceKey": "true"}, file=file)


def test_an_account_has_one_provider_for_github() -> None:
    [provider] = recorded("dev").of_type(PROVIDER)
    roles = [r for r in made(recorded("dev")) if r.type == "aws:iam/role:Role"]
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert all(provider.urn in role.dependencies for role in roles)

    exists = bootstrap("dev", {"repository": REPOSITORY, "githubProviderExists": "true"})
    assert exists.of_type(PROVIDER) == []
    assert len(exists.of_type("aws:iam/role:Role")) == 3


def test_only_drift_and_deployment_read_secrets_of_the_cluster() -> None:
    recording = recorded("prod")
    given = {r.name: r.inputs for r in recording.of_type(ENTRY_POLICY)}
    of = {purpose: given[f"access-{purpose}-cluster-policy"] for purpose in PURPOSES}
    policy = {purpose: its["policyArn"].rpartition("/")[2] for purpose, its in of.items()}

    # The view has no Secrets, the admin's view has them (EKS user guide, "Review access policy
    # permissions").
    assert policy == {
        "preview": "AmazonEKSViewPolicy",
        "drift": "AmazonEKSAdminViewPolicy",
        "deploy": "AmazonEKSClusterAdminPolicy",
    }
    for purpose in ("preview", "drift"):
        assert of[purpose]["accessScope"] == {
            "type": "namespace",
            "namespaces": ["monitoring", "tracing", "tracing-beyla"],
        }
    assert of["deploy"]["accessScope"] == {"type": "cluster"}
    entries = [r.inputs["principalArn"] for r in recording.of_type(ENTRY)]
    assert len(entries) == 3
    assert set(entries) == {its["principalArn"] for its in of.values()}


def test_access_to_the_cluster_can_be_somebody_elses() -> None:
    recording = bootstrap("prod", {"repository": REPOSITORY, "clusterAccess": "false"})
    assert recording.of_type(ENTRY) == recording.of_type(ENTRY_POLICY) == []


def test_an_immutable_subject_goes_into_the_trust() -> None:
    recording = bootstrap("dev", {"repository": "example@12/tracing@34"})
    [role] = [r for r in made(recording) if r.name == "access-deploy"]
    assert "repo:example@12/tracing@34:environment:dev" in role.inputs["assumeRolePolicy"]


def refusal(
    stack: str, own: dict[str, str], file: StackConfig | None = None
) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as refused:
        bootstrap(stack, own, file=file)
    return [(p.key, p.message) for p in refused.value.problems]


@sweep(
    ("own", "key", "said"),
    [
        ({}, "repository", "is missing"),
        ({"repository": "tracing"}, "repository", "for example example/tracing"),
        (
            {"repository": "https://github.com/a/b"},
            "repository",
            "must be owner and name of a GitHub repository",
        ),
        (
            {"repository": "a/b:environment:prod"},
            "repository",
            "must be owner and name of a GitHub repository",
        ),
        ({"repository": "a/*"}, "repository", "must be owner and name of a GitHub repository"),
        ({"repository": REPOSITORY, "clusterAccess": "maybe"}, "clusterAccess", "true or false"),
        (
            {"repository": REPOSITORY, "clusterAcess": "true"},
            "clusterAcess",
            "unknown key; did you mean clusterAccess?",
        ),
    ],
)
def test_wrong_settings_are_refused_with_their_key(
    own: dict[str, str], key: str, said: str
) -> None:
    [(found, message)] = refusal("dev", own)
    assert found == f"{PROJECT}:{key}"
    assert said in message


def test_both_files_problems_come_in_one_message() -> None:
    keys = [key for key, _ in refusal("local", {"repositry": "a/b"})]
    assert keys == [f"{PROJECT}:repository", f"{PROJECT}:repositry", "tracing:storage.endpoint"]


def test_a_role_without_a_boundary_is_refused() -> None:
    file = read(ROOT, "prod")
    del file.values["tracing:identity"]
    [(key, message)] = refusal("prod", {"repository": REPOSITORY}, file)
    assert key == "tracing:identity.permissionsBoundaryArn"
    assert "arn:aws:iam::333333333333:policy/tracing-prod-boundary" in message


def test_alloys_role_needs_a_boundary_although_tempos_is_given() -> None:
    file = read(ROOT, "prod")
    file.values["tracing:identity"] = json.dumps({"roleArn": "arn:aws:iam::333333333333:role/t"})
    workspace = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1a2b"
    metrics = {"url": workspace, "remoteWriteUrl": f"{workspace}/api/v1/remote_write"}
    file.values["tracing:backends"] = json.dumps({"metrics": {**metrics, "auth": "sigv4"}})
    [(key, message)] = refusal("prod", {"repository": REPOSITORY}, file)
    assert key == "tracing:identity.permissionsBoundaryArn"
    assert "the pods' roles" in message


def test_a_stack_without_a_file_is_refused() -> None:
    [(_, message)] = refusal("qa", {"repository": REPOSITORY})
    assert "there is no such file; stacks here: dev, local, prod, staging" in message


def test_the_document_lists_the_settings_that_there_are() -> None:
    text = (ROOT / "docs/deployment.md").read_text()
    table = text.partition("| key of `tracing-bootstrap` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.M) == keys_of(BootstrapSettings)
