"""The Pulumi package: its schema, and its messages about bad arguments."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.errors import InputPropertiesError

import components
from components.checks import SettingsError
from components.checks.validate import validate
from package.provider import COMPONENTS
from plan.recorder import record
from tests.golden import SCHEMA, provider, schema
from tests.sweep import sweep

CLUSTER = {"name": "apps", "region": "eu-west-1", "accountId": "123456789012"}
SETTINGS: dict[str, Any] = {"environment": {"name": "dev"}, "cluster": CLUSTER}
BUCKET = {"bucket": "traces", "region": "eu-west-1", "accountId": "123456789012"}


@pytest.fixture(scope="module")
def inferred() -> dict[str, Any]:
    return json.loads(schema())


def test_the_schema_is_the_expected_one() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `make golden` and review it"


def test_the_version_is_that_of_the_components(inferred: dict[str, Any]) -> None:
    assert inferred["version"] == provider().version == components.__version__


def test_every_input_is_documented(inferred: dict[str, Any]) -> None:
    objects = {
        **{name: made["inputProperties"] for name, made in inferred["resources"].items()},
        **{n: type_["properties"] for n, type_ in inferred["types"].items() if "enum" not in type_},
    }
    texts = {
        (name, key): given.get("description")
        for name, properties in objects.items()
        for key, given in properties.items()
    }
    assert [key for key, text in texts.items() if not text or "\n" in text] == []


def test_every_output_is_documented(inferred: dict[str, Any]) -> None:
    for resource in inferred["resources"].values():
        assert [
            k for k, given in resource.get("properties", {}).items() if not given["description"]
        ] == []
        assert resource["description"]


def test_what_has_a_default_is_not_asked_for(inferred: dict[str, Any]) -> None:
    required = {n: t.get("required", []) for n, t in inferred["types"].items()}
    assert required["tracing:index:TracingSettings"] == ["cluster", "environment"]
    assert required["tracing:index:ClusterSettings"] == ["accountId", "name", "region"]
    assert required["tracing:index:TempoSettings"] is not None
    stack = inferred["resources"]["tracing:index:TracingStack"]
    assert stack["requiredInputs"] == ["settings"]
    storage = inferred["resources"]["tracing:index:TraceStorage"]
    assert storage["requiredInputs"] == ["accountId", "bucket", "region", "retentionHours"]


def test_settings_are_plain_and_endpoints_are_not(inferred: dict[str, Any]) -> None:
    stack = inferred["resources"]["tracing:index:TracingStack"]["inputProperties"]
    assert stack["settings"]["plain"]
    assert "plain" not in {k for k, v in stack["metricsPassword"].items() if v}
    alloy = inferred["resources"]["tracing:index:Alloy"]["inputProperties"]
    assert not alloy["tempoEndpoint"].get("plain")


def refused(kind: str, arguments: dict[str, Any] | Callable[[], dict[str, Any]]) -> str:
    """Return the message about a bad argument; nothing is created."""
    said: list[str] = []

    def program() -> None:
        given = arguments() if callable(arguments) else arguments
        with pytest.raises(InputPropertiesError) as error:
            provider().construct("mine", f"tracing:index:{kind}", given)
        said.append(error.value.message)

    assert [r.type for r in record(program).resources] == ["pulumi:pulumi:Stack"]
    return said[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tempo": {"sise": "m", "retentionHours": 1}},
        {"tempo": {"mode": "distributed"}, "identity": {"mode": "irsa"}},
        {"storage": {"protect": "maybe"}, "backends": {"metrics": {"url": "nowhere"}}},
        {"tempoo": {}},
        {"cluster": {**CLUSTER, "accountId": 123456789012}},
    ],
)
def test_a_bad_setting_ends_in_the_message_of_a_stack_file(wrong: dict[str, Any]) -> None:
    groups = {**SETTINGS, **wrong}
    problems = validate(groups, stack_file=False)[1]
    assert refused("TracingStack", {"settings": groups}) == str(SettingsError("mine", problems))


def test_numbers_arrive_as_floats_and_are_whole_all_the_same() -> None:
    groups = {**SETTINGS, "tempo": {"retentionHours": 72.0}}
    made = record(
        lambda: provider().construct("x", "tracing:index:TracingStack", {"settings": groups})
    )
    tempo = next(r for r in made.resources if r.name == "x-tempo-release")
    assert tempo.inputs["values"]["tempo"]["retention"] == "72h"


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        (
            "TracingStack",
            {"settings": SETTINGS, "metricsPassword": "x"},
            "metricsPassword\n    needs a user: set backends.metrics.username, or",
        ),
        (
            "TraceStorage",
            {**BUCKET, "retentionHours": 72.0, "settings": {"protekt": True}},
            "settings.protekt: true\n    unknown key; did you mean settings.protect?",
        ),
        (
            "TraceStorage",
            {**BUCKET, "retentionHours": "long"},
            'retentionHours: "long"\n    must be an integer',
        ),
        (
            "TraceStorage",
            {
                **BUCKET,
                "retentionHours": 72.0,
                "settings": {"existing": True, "encryption": "sse-kms"},
            },
            "An existing bucket with sse-kms needs kms_key_arn",
        ),
        (
            "Tempo",
            {"bucket": "b", "region": "r", "clusterName": "c"},
            "namespace\n    is missing: it must be a string (An existing namespace)",
        ),
    ],
)
def test_other_bad_arguments(kind: str, arguments: dict[str, Any], said: str) -> None:
    assert said in refused(kind, arguments)


def test_what_must_be_plain_is_no_output() -> None:
    def arguments() -> dict[str, Any]:
        cluster = {**CLUSTER, "name": pulumi.Output.from_input("late")}
        return {"settings": {**SETTINGS, "cluster": cluster}}

    said = refused("TracingStack", arguments)
    assert "settings.cluster.name\n    is an output of a resource, or secret" in said


@sweep("kind", COMPONENTS)
def test_every_component_is_public(kind: str) -> None:
    assert kind in components.__all__
