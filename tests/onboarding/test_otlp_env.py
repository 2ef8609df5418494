"""The environment that applications get."""

from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import OTELResourceDetector
from pydantic import ValidationError

from components.checks import SettingsError
from components.onboarding.env import otlp_env, otlp_variables, sampler_variables
from components.onboarding.settings import Language, OtlpProtocol, OtlpSettings
from tests.onboarding.pods import FIELDS, environment, later
from tests.sweep import sweep

HTTP = "http://alloy.tracing.svc.cluster.local:4318"
GRPC = "http://alloy.tracing.svc.cluster.local:4317"
#: Where nothing is said but where OTLP goes.
PLAIN = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": HTTP,
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_PROPAGATORS": "tracecontext,baggage",
    "OTEL_TRACES_SAMPLER": "parentbased_always_on",
}


def settings(**given: Any) -> OtlpSettings:
    return OtlpSettings.model_validate(given)


def read(monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, Any]:
    """Return what OpenTelemetry's Python SDK reads from OTEL_RESOURCE_ATTRIBUTES."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", text)
    return dict(OTELResourceDetector().detect().attributes)


def test_only_what_is_said_is_set() -> None:
    assert otlp_variables(HTTP, settings()) == PLAIN


def test_everything_that_is_said_is_set() -> None:
    said = settings(
        protocol="grpc",
        serviceName="cart",
        serviceVersion="1.4.2",
        serviceNamespace="shop",
        environment="prod",
        attributes={"team": "checkout"},
        sampleRatio=0.25,
        propagators=["tracecontext", "b3"],
        metrics=True,
        logs=True,
    )

    assert otlp_variables(GRPC, said) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": GRPC,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_PROPAGATORS": "tracecontext,b3",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
        "OTEL_SERVICE_NAME": "cart",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,service.version=1.4.2,"
        "deployment.environment.name=prod,team=checkout",
    }


@pytest.mark.parametrize(
    ("language", "own"),
    [
        ("dotnet", {"OTEL_DOTNET_AUTO_LOGGER": "console"}),
        ("go", {}),
        ("java", {}),
        ("nodejs", {"OTEL_NODE_RESOURCE_DETECTORS": "env,host,os,process,serviceinstance"}),
        ("python", {}),
    ],
)
def test_what_only_one_language_knows(language: str, own: dict[str, str]) -> None:
    assert otlp_variables(HTTP, settings(language=Language(language))) == {**PLAIN, **own}


@pytest.mark.parametrize(
    ("ratio", "argument"), [(0, "0"), (0.05, "0.05"), (0.000001, "0.000001"), (0.3, "0.3")]
)
def test_a_part_of_the_traces_is_a_plain_number(ratio: float, argument: str) -> None:
    """SDKs differ in whether they read 1e-06."""
    assert sampler_variables(ratio) == {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": argument,
    }


def test_the_pod_says_which_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = otlp_env(HTTP, settings(serviceVersion="2"), container="app")
    found = environment(entries)

    assert read(monkeypatch, found["OTEL_RESOURCE_ATTRIBUTES"]) == {
        "service.version": "2",
        "k8s.container.name": "app",
        "k8s.pod.name": FIELDS["metadata.name"],
        "k8s.pod.uid": FIELDS["metadata.uid"],
        "k8s.node.name": FIELDS["spec.nodeName"],
        "k8s.namespace.name": FIELDS["metadata.namespace"],
    }
    names = [entry["name"] for entry in entries]
    assert len(names) == len(set(names))


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_value_of_an_attribute_arrives_as_it_is(value: str) -> None:
    """Through Kubernetes, which expands, and the SDK, which splits and unescapes."""
    entries = otlp_env(HTTP, settings(attributes={"a": value, "b": "end"}))
    with pytest.MonkeyPatch.context() as patch:
        found = read(patch, environment(entries)["OTEL_RESOURCE_ATTRIBUTES"])

    assert (found["a"], found["b"]) == (value, "end")


def endpoint_of(endpoint: pulumi.Input[str], **given: Any) -> pulumi.Input[str]:
    return otlp_variables(endpoint, settings(**given))["OTEL_EXPORTER_OTLP_ENDPOINT"]


def test_an_endpoint_may_be_an_output() -> None:
    assert later(lambda: endpoint_of(pulumi.Output.from_input(HTTP))) == HTTP


@sweep(
    ("endpoint", "protocol", "says"),
    [
        ("alloy.tracing:4318", "http/protobuf", "must be a URL without a path"),
        (f"{HTTP}/v1/traces", "http/protobuf", "must be a URL without a path"),
        ("", "grpc", "must be a URL without a path"),
        (GRPC, "http/protobuf", "take the stack's output otlpHttpEndpoint"),
        (HTTP, "grpc", "take the stack's output otlpGrpcEndpoint"),
    ],
)
@sweep("known", ["now", "later"])
def test_an_endpoint_of_another_kind_is_refused(
    endpoint: str, protocol: str, says: str, known: str
) -> None:
    def made() -> pulumi.Input[str]:
        given = endpoint if known == "now" else pulumi.Output.from_input(endpoint)
        return endpoint_of(given, protocol=protocol)

    with pytest.raises(SettingsError) as refused:
        later(made)

    assert f'endpoint: "{endpoint}"' in str(refused.value)
    assert says in str(refused.value)


def test_all_problems_are_said_at_once() -> None:
    said = settings(
        attributes={"service.name": "x", "1st": "y"}, propagators=["b3", "tracecontext", "b3"]
    )
    with pytest.raises(SettingsError) as refused:
        otlp_env("nowhere", said)

    text = str(refused.value)
    assert text.startswith("otlp: 4 problems; nothing was changed.")
    for key in ("attributes.service.name", "attributes.1st", "propagators", "endpoint"):
        assert f"\n  {key}: " in text


@sweep(
    "wrong",
    [
        {"protocol": "http/json"},
        {"language": "ruby"},
        {"serviceName": "a b"},
        {"serviceName": "$(HOME)"},
        {"sampleRatio": 1.1},
        {"sampleRatio": True},
        {"propagators": []},
        {"sampler": "always_on"},
    ],
)
def test_values_that_no_sdk_takes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_the_default_protocol_is_the_one_of_the_specification() -> None:
    assert settings().protocol is OtlpProtocol.HTTP_PROTOBUF
