"""What a whole stack brings: releases, namespaces, secrets, identity, exports."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from components.core import names
from components.settings import TracingSettings
from components.stack import TracingStack, TracingStackArgs
from plan.recorder import UNKNOWN, Recording, Secret, record
from tests.network.stacks import WORLDS
from tests.stack.variants import (
    PASSWORDS,
    PROGRAMS,
    ROOT,
    STACKS,
    VARIANTS,
    chart_of,
    each_recording,
    recorded,
    releases,
)
from tests.sweep import sweep

BUCKET = "aws:s3/bucket:Bucket"
NAMESPACE = "kubernetes:core/v1:Namespace"
RELEASES = {
    names.TEMPO_RELEASE,
    names.ALLOY_RELEASE,
    names.ALLOY_SAMPLER_RELEASE,
    names.ALLOY_LOGS_RELEASE,
    names.BEYLA_RELEASE,
    names.OPERATOR_RELEASE,
    names.CANARY_RELEASE,
}
#: What other stacks may rely on.
EXPORTS = {
    "otlpGrpcEndpoint",
    "otlpHttpEndpoint",
    "tempoQueryUrl",
    "traceBucketName",
    "tempoRoleArn",
    "tempoDatasourceUid",
    "namespace",
    "tracesUrl",
    "instrumentation",
}


def in_plain(value: Any) -> str:
    return json.dumps(value, default=lambda _: "***", ensure_ascii=False)


def secrets(value: Any) -> Iterator[str]:
    """Yield what is kept secret within a value, as text."""
    if isinstance(value, Secret):
        yield json.dumps(value.value, default=lambda inner: inner.value, ensure_ascii=False)
    elif isinstance(value, dict | list):
        below = cast("dict[str, Any] | list[Any]", value)
        for item in below.values() if isinstance(below, dict) else below:
            yield from secrets(item)


def shown(recording: Recording) -> str:
    """Return all that a recording shows to everyone."""
    inputs = [[r.name, r.inputs] for r in recording.resources]
    return in_plain([inputs, recording.component_outputs, recording.warnings])


@each_recording
def test_no_password_is_anywhere_in_plain(recording: Recording) -> None:
    for password in PASSWORDS:
        assert password not in shown(recording)


@pytest.mark.parametrize("preview", [True, False])
def test_passwords_that_come_in_plain_are_kept_secret(preview: bool) -> None:
    found = TracingSettings.model_validate(VARIANTS["distributed-irsa"])
    metrics, logs = PASSWORDS
    args = TracingStackArgs(settings=found, metrics_password=metrics, logs_password=logs)
    text = shown(record(lambda: TracingStack("tracing", args), preview=preview))

    assert metrics not in text
    assert logs not in text


@pytest.mark.parametrize("name", [n for n, groups in VARIANTS.items() if "grafana" in groups])
@pytest.mark.parametrize("preview", [True, False])
def test_passwords_reach_the_pods_secret_and_grafanas(name: str, preview: bool) -> None:
    kept = {
        r.name: " ".join(secrets(r.inputs))
        for r in recorded(name, preview=preview).of_type("kubernetes:core/v1:Secret")
    }
    metrics, logs = PASSWORDS

    assert {n for n, text in kept.items() if metrics in text} == {
        "tracing-credentials",
        "tracing-datasources-metrics",
    }
    assert {n for n, text in kept.items() if logs in text} == {
        "tracing-credentials",
        "tracing-datasources-logs",
    }


@each_recording
def test_releases_are_pinned_bounded_and_fully_known(recording: Recording) -> None:
    for release in releases(recording):
        inputs = release.inputs
        assert inputs["name"] in RELEASES
        assert inputs["version"] == chart_of(release).version
        assert inputs["maxHistory"] == 10
        assert inputs["timeout"] >= 600
        assert inputs["createNamespace"] is False
        assert UNKNOWN not in in_plain(inputs)
        assert list(secrets(inputs)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_failed_upgrade_is_rolled_back_in_production_only(stack: str) -> None:
    found = releases(recorded(stack))

    assert {r.inputs["atomic"] for r in found} == {stack == "prod"}
    assert {r.inputs["cleanupOnFail"] for r in found} == {stack == "prod"}


@each_recording
def test_namespaces_are_the_stacks_own_and_have_their_pod_security_level(
    recording: Recording,
) -> None:
    levels = {
        r.inputs["metadata"]["name"]: {
            label.removeprefix("pod-security.kubernetes.io/"): level
            for label, level in r.inputs["metadata"]["labels"].items()
        }
        for r in recording.of_type(NAMESPACE)
    }

    for release in releases(recording):
        privileged = release.inputs["name"] == names.BEYLA_RELEASE
        level = "privileged" if privileged else "restricted"
        # The namespace `observe` of a variant exists already.
        if release.inputs["namespace"] != "observe":
            assert levels[release.inputs["namespace"]] == {"enforce": level, "warn": level}
    assert levels.keys() == {r.inputs["namespace"] for r in releases(recording)} - {"observe"}


@sweep("stack", STACKS)
@sweep("preview", [True, False])
def test_the_bucket_stays_in_production_and_nowhere_else(stack: str, preview: bool) -> None:
    recording = recorded(stack, preview=preview)
    kept = {r.name for r in recording.resources if r.protect or r.retain_on_delete}

    bucket = recording.one(BUCKET)
    production = stack == "prod"
    assert (bool(bucket.protect), bool(bucket.retain_on_delete)) == (production, production)
    assert all(name.startswith("tracing-storage-") for name in kept)
    assert bool(kept) is production


@sweep("name", PROGRAMS)
def test_one_service_account_has_the_role(name: str) -> None:
    """The same in trust policy, association and chart."""
    recording = recorded(name)
    [tempo] = [r for r in releases(recording) if r.inputs["name"] == names.TEMPO_RELEASE]
    namespace = tempo.inputs["namespace"]
    account = tempo.inputs["values"]["serviceAccount"]["name"]

    for association in recording.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        inputs = association.inputs
        assert (inputs["namespace"], inputs["serviceAccount"]) == (namespace, account)
    for role in recording.of_type("aws:iam/role:Role"):
        [statement] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        condition = statement["Condition"]["StringEquals"]
        tags = ("kubernetes-namespace", "kubernetes-service-account")
        trusted = [condition.get(f"aws:RequestTag/{tag}") for tag in tags]
        subjects = [value for key, value in condition.items() if key.endswith(":sub")]
        annotation = tempo.inputs["values"]["serviceAccount"]["annotations"]
        if subjects:
            assert subjects == [f"system:serviceaccount:{namespace}:{account}"]
            assert annotation["eks.amazonaws.com/role-arn"].endswith(f"/{role.inputs['name']}")
        else:
            assert trusted == [namespace, account]
            assert annotation == {}


@each_recording
def test_pods_come_after_what_they_need(recording: Recording) -> None:
    """A component waits for what it depends on, and its children wait for it."""
    by_urn = {r.urn: r for r in recording.resources}

    def before(release: str) -> set[str]:
        component = by_urn[next(r for r in releases(recording) if r.name == release).parent]
        return {by_urn[urn].type for urn in component.dependencies}

    made = {r.type for r in recording.resources}
    needed = {t for t in made if t.startswith(("aws:s3/", "aws:iam/", "aws:eks/"))}
    credentials = {r.type for r in recording.resources if r.name == "tracing-credentials"}
    namespace = {r.type for r in recording.resources if r.name == "tracing-namespace"}
    assert namespace | needed | credentials <= before("tracing-tempo-release")
    assert namespace <= before("tracing-alloy-release")


@pytest.mark.parametrize(
    ("world", "first", "second"),
    [
        ("rehearsal of sampling", "tracing-alloy-sampler", "tracing-alloy"),
        # With a role, the samplers run as the gateway's service account.
        ("sampling", "tracing-alloy", "tracing-alloy-sampler"),
    ],
)
def test_samplers_come_after_their_service_account(world: str, first: str, second: str) -> None:
    """A pod waits for its service account, and Helm waits for the pod."""
    args = TracingStackArgs(settings=WORLDS[world])
    made = record(lambda: TracingStack("tracing", args)).resources
    names_of = {r.urn: r.name for r in made}
    needed = {r.name: {names_of[urn] for urn in r.dependencies} for r in made}

    assert f"{first}-release" in needed[second]
    assert f"{second}-release" not in needed[first]


@each_recording
def test_exports_are_the_documented_ones(recording: Recording) -> None:
    component = recording.one("tracing:index:TracingStack")

    assert recording.outputs.keys() == EXPORTS
    assert recording.outputs == recording.component_outputs[component.urn]


def test_the_readme_lists_the_outputs() -> None:
    text = (ROOT / "README.md").read_text()
    [section] = re.findall(r"^#+ [^\n]*outputs[^\n]*\n(.*?)(?=^#|\Z)", text, re.M | re.S | re.I)

    assert set(re.findall(r"^\|\s*`(\w+)`\s*\|", section, re.M)) == EXPORTS
