"""Amazon Managed Prometheus: what is signed, and what the pods' roles may do."""

import json
from functools import cache
from typing import Any

import pytest

from bootstrap import policies
from components.alloy.pipeline import config
from components.alloy.text import parse
from components.backends.amazon import permissions, workspace
from components.backends.settings import LogsSettings, MetricsSettings
from components.checks import credentials
from components.checks.validate import validate
from components.core import iam
from components.grafana import datasources
from components.settings import TracingSettings
from components.stack import TracingStack, TracingStackArgs
from components.tempo.config import remote_write
from components.tempo.settings import TempoMode
from plan.recorder import Recording, record
from tests.alloy.cases import arguments as alloy_arguments
from tests.backends.test_sign_in import module, written
from tests.checks.test_rules import stack_file
from tests.identity.policy_check import together, verdict
from tests.sweep import sweep
from tests.tempo.cases import arguments as tempo_arguments

WORKSPACE = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0a1b-2c"
ARN = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-0a1b-2c"
ROLE = "arn:aws:iam::444455556666:role/writer"
METRICS = {"url": WORKSPACE, "remoteWriteUrl": f"{WORKSPACE}/api/v1/remote_write", "auth": "sigv4"}
BOUNDARY = "arn:aws:iam::123456789012:policy/b"


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        (f"{WORKSPACE}/api/v1/remote_write", ARN),
        (f"{WORKSPACE}/", ARN),
        (
            "https://aps-workspaces-fips.us-gov-west-1.amazonaws.com/workspaces/ws-1/api",
            "arn:aws-us-gov:aps:us-gov-west-1:123456789012:workspace/ws-1",
        ),
        (
            "https://aps-workspaces.cn-north-1.amazonaws.com.cn/workspaces/ws-1",
            "arn:aws-cn:aps:cn-north-1:123456789012:workspace/ws-1",
        ),
    ],
)
def test_the_url_names_the_workspace(url: str, arn: str) -> None:
    found = workspace(url)
    assert found
    assert found.arn("123456789012") == arn


def metrics(**changes: Any) -> MetricsSettings:
    return MetricsSettings.model_validate(METRICS | changes)


def policy(backend: MetricsSettings) -> str:
    return iam.document(*permissions(backend.writers.values(), account_id="123456789012"))


@pytest.mark.parametrize(
    ("action", "resource", "answer"),
    [
        ("aps:RemoteWrite", ARN, "allow"),
        ("aps:RemoteWrite", f"{ARN}x", "nothing"),
        ("aps:RemoteWrite", ARN.replace("123456789012", "444455556666"), "nothing"),
        ("aps:QueryMetrics", ARN, "nothing"),
        ("sts:AssumeRole", ROLE, "nothing"),
    ],
)
def test_a_role_may_write_to_its_workspace_and_nothing_else(
    action: str, resource: str, answer: str
) -> None:
    assert verdict(policy(metrics()), action=action, resource=resource) == answer


def test_a_writer_with_a_role_may_assume_it_and_nothing_else() -> None:
    made = policy(metrics(sigv4={"roleArn": ROLE}))
    assert verdict(made, action="sts:AssumeRole", resource=ROLE) == "allow"
    assert verdict(made, action="sts:AssumeRole", resource=f"{ROLE}2") == "nothing"
    assert verdict(made, action="aps:RemoteWrite", resource=ARN) == "nothing"


def test_only_signed_writes_are_allowed() -> None:
    further = [
        {"url": f"{WORKSPACE}2/api/v1/remote_write", "auth": "sigv4"},
        {"url": "https://m.example.com/push"},
    ]
    [statement] = json.loads(policy(metrics(remoteWrites=further)))["Statement"]
    assert statement["Resource"] == [ARN, f"{ARN}2"]
    assert json.loads(policy(metrics(auth="none")))["Statement"] == []


@pytest.mark.parametrize("role", [None, ROLE])
def test_all_sign_for_the_region_of_the_workspace(role: str | None) -> None:
    its = metrics(sigv4={"roleArn": role})
    [target] = remote_write(tempo_arguments(TempoMode.MONOLITHIC, metrics=its))
    [endpoint] = module(config(alloy_arguments(metrics=its)), "remote_write").named("endpoint")
    signed = {"region": "eu-west-1"} | ({"role_arn": role} if role else {})
    assert target["sigv4"] == written(endpoint)["sigv4"] == signed

    data = datasources.metrics(its, tempo_uid="tempo", password=None)["jsonData"]
    assert {key: value for key, value in data.items() if key.startswith("sigV4")} == {
        "sigV4Auth": True,
        "sigV4AuthType": "default",
        "sigV4Region": "eu-west-1",
        **({"sigV4AssumeRoleArn": role} if role else {}),
    }


def test_every_destination_has_its_endpoint() -> None:
    elsewhere = {"region": "us-east-1", "service": "execute-api", "roleArn": ROLE}
    further = [
        {"url": "https://aps.example.com/push", "auth": "sigv4", "sigv4": elsewhere},
        {"url": "http://thanos/push", "tenant": "b"},
    ]
    its = metrics(remoteWrites=further)
    targets = remote_write(tempo_arguments(TempoMode.DISTRIBUTED, metrics=its))
    endpoints = module(config(alloy_arguments(metrics=its)), "remote_write").named("endpoint")
    assert [t["url"] for t in targets][1:] == [written(e)["url"] for e in endpoints][1:]
    assert targets[1]["sigv4"] == {
        "region": "us-east-1",
        "service_name": "execute-api",
        "role_arn": ROLE,
    }
    assert targets[2]["headers"] == {"X-Scope-OrgID": "b"}


def test_alloy_signs_logs_with_the_role() -> None:
    sigv4 = {"region": "eu-west-1", "service": "execute-api", "roleArn": ROLE}
    logs = LogsSettings.model_validate(
        {"otlpUrl": "https://l.example.com/otlp", "auth": "sigv4", "sigv4": sigv4}
    )
    made = parse(config(alloy_arguments(logs=logs)))
    [signs], [sender] = made.named("sigv4_auth"), made.named("send_to_loki")
    assert written(signs) == {"region": "eu-west-1", "service": "execute-api", "role_arn": ROLE}
    assert sender.attributes["auth"] == "sigv4_auth.default.handler"


def settings(mode: str = "podIdentity", **identity: str) -> TracingSettings:
    issuer = {"oidcIssuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/A1"}
    found, problems = validate(
        stack_file(
            identity={"mode": mode, "permissionsBoundaryArn": BOUNDARY, **identity},
            backends={"metrics": METRICS},
            cluster=issuer if mode == "irsa" else {},
        )
    )
    assert not problems
    return found


@cache
def stack(mode: str) -> Recording:
    args = TracingStackArgs(settings=settings(mode))
    return record(lambda: TracingStack("tracing", args), preview=True)


def inputs(made: Recording, name: str) -> dict[str, Any]:
    [found] = [r for r in made.resources if r.name == name]
    return found.inputs


@pytest.mark.parametrize("mode", ["podIdentity", "irsa"])
def test_tempo_and_alloy_have_roles_of_their_own(mode: str) -> None:
    made = stack(mode)
    for owner in ("identity", "alloy-identity"):
        access = inputs(made, f"tracing-{owner}-backend-access")["policy"]
        assert verdict(access, action="aps:RemoteWrite", resource=ARN) == "allow"
    names = {r.name for r in made.resources}
    assert "tracing-identity-bucket-access" in names
    assert "tracing-alloy-identity-bucket-access" not in names
    role = inputs(made, "tracing-alloy-identity-role")
    assert role["name"] == "tracing-qa-test-alloy"
    assert role["permissionsBoundary"] == BOUNDARY
    values = inputs(made, "tracing-alloy-release")["values"]
    if mode == "irsa":
        arn = "arn:aws:iam::123456789012:role/tracing-qa-test-alloy"
        assert values["serviceAccount"] == {"annotations": {"eks.amazonaws.com/role-arn": arn}}
        assert "system:serviceaccount:tracing:alloy" in role["assumeRolePolicy"]
    else:
        association = inputs(made, "tracing-alloy-identity-association")
        assert association["serviceAccount"] == "alloy"
        assert "serviceAccount" not in values


def test_the_deploy_role_makes_both_roles_within_a_boundary_that_lets_them_write() -> None:
    its = settings()
    for name, wanted in (("tempo", "allow"), ("alloy", "allow"), ("other", "nothing")):
        answer = together(
            [policies.write_stack(its), policies.read_stack(its)],
            action="iam:CreateRole",
            resource=f"arn:aws:iam::123456789012:role/tracing-qa-test-{name}",
            context={"iam:PermissionsBoundary": BOUNDARY},
        )
        assert answer == wanted
    boundary = policies.boundary(its, trace_key_arn=None)
    assert verdict(boundary, action="aps:RemoteWrite", resource=ARN) == "allow"
    assert verdict(boundary, action="aps:RemoteWrite", resource=f"{ARN}x") == "nothing"


def test_an_existing_role_of_alloy_is_used_and_not_made() -> None:
    arn = "arn:aws:iam::123456789012:role/x"
    statements = json.loads(policies.write_stack(settings(alloyRoleArn=arn)))["Statement"]
    with_it = {s["Sid"] for s in statements if arn in s["Resource"]}
    assert with_it == {"PassRole", "LookAtPassedRole"}


UNSIGNED = {key: value for key, value in METRICS.items() if key != "auth"}
ELSEWHERE = {"url": "https://m", "remoteWriteUrl": "https://m/push"}
SECRET = {"name": "s", "key": "k"}
REFUSED: list[tuple[set[str], str, dict[str, Any]]] = [
    ({"metrics.url", "metrics.remoteWriteUrl"}, "set backends.metrics.auth: sigv4", UNSIGNED),
    ({"metrics.sigv4.region"}, "must be eu-west-1", METRICS | {"sigv4": {"region": "us-east-1"}}),
    ({"metrics.sigv4.service"}, "must be aps", METRICS | {"sigv4": {"service": "es"}}),
    (
        {"metrics.remoteWriteUrl"},
        "must name a region and a workspace",
        METRICS | {"remoteWriteUrl": "https://aps-workspaces.eu-west-1.amazonaws.com/api"},
    ),
    (
        {"metrics.remoteWriteUrl"},
        "must name a region and a workspace",
        METRICS | {"remoteWriteUrl": WORKSPACE.replace("https", "http")},
    ),
    (
        {"metrics.sigv4.region", "metrics.sigv4.roleArn"},
        "is missing",
        ELSEWHERE | {"auth": "sigv4"},
    ),
    ({"metrics.sigv4.roleArn"}, "has no effect", ELSEWHERE | {"sigv4": {"roleArn": ROLE}}),
    (
        {"metrics.remoteWrites[0].url"},
        "accepts signed requests only",
        ELSEWHERE | {"remoteWrites": [{"url": METRICS["remoteWriteUrl"]}]},
    ),
    (
        {"metrics.remoteWrites[0].url"},
        "is written to already by backends.metrics",
        ELSEWHERE | {"remoteWrites": [{"url": "https://m/push"}]},
    ),
    (
        {"metrics.remoteWrites[0].username"},
        "is missing",
        ELSEWHERE
        | {"remoteWrites": [{"url": "https://n", "auth": "basic", "existingSecret": SECRET}]},
    ),
]


@sweep(("keys", "said", "its"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused_with_the_fix(keys: set[str], said: str, its: dict[str, Any]) -> None:
    _, problems = validate(stack_file(backends={"metrics": its}))
    assert {p.key for p in problems} == {f"backends.{key}" for key in keys}
    assert all(said in p.message for p in problems)


def test_a_signature_elsewhere_is_accepted_with_its_region_and_role() -> None:
    where = {"sigv4": {"region": "eu-west-1", "roleArn": ROLE}}
    its = ELSEWHERE | {"auth": "sigv4"} | where
    assert validate(stack_file(backends={"metrics": its}))[1] == []


def test_a_destination_with_a_password_names_its_secret() -> None:
    its = ELSEWHERE | {"remoteWrites": [{"url": "https://n/push", "username": "u"}]}
    found, _ = validate(stack_file(backends={"metrics": its}))
    [problem] = credentials(found, {})
    assert problem.key == "backends.metrics.remoteWrites[0].existingSecret"


@pytest.mark.parametrize(
    ("key", "identity", "backends"),
    [
        ("identity.alloyRoleName", {"alloyRoleName": "x"}, {}),
        (
            "identity.alloyRoleArn",
            {"alloyRoleArn": "arn:aws:iam::999999999999:role/x"},
            {"metrics": METRICS},
        ),
        (
            "identity.alloyRoleName",
            {"alloyRoleName": "x", "alloyRoleArn": "arn:aws:iam::123456789012:role/x"},
            {"metrics": METRICS},
        ),
    ],
)
def test_a_role_of_alloy_is_refused_without_use(
    key: str, identity: dict[str, str], backends: dict[str, Any]
) -> None:
    _, problems = validate(stack_file(identity=identity, backends=backends))
    assert [p.key for p in problems] == [key]
