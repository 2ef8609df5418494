"""The component as the engine sees it, alone and in the stack."""

import pytest

from components.checks.warnings import warnings
from components.core.helm import MAX_HISTORY, OPERATOR
from components.core.registry import workloads
from components.onboarding.annotations import INJECT
from components.otel_operator.component import OpenTelemetryOperator
from components.otel_operator.instrumentation import instrumentation
from components.otel_operator.values import values
from components.settings import TracingSettings
from plan.recorder import record
from tests.otel_operator.operators import operator
from tests.stack.variants import VARIANTS, recorded

RELEASE = "kubernetes:helm.sh/v3:Release"
INSTRUMENTATION = "kubernetes:opentelemetry.io/v1alpha1:Instrumentation"
WITH = "distributed-irsa"


@pytest.mark.parametrize("preview", [True, False])
def test_the_release_and_then_the_object(preview: bool) -> None:
    recording = record(lambda: OpenTelemetryOperator("op", operator()), preview=preview)
    component = recording.one("tracing:index:OpenTelemetryOperator")
    release, made = recording.one(RELEASE), recording.one(INSTRUMENTATION)

    assert (release.name, release.parent) == ("op-release", component.urn)
    assert (made.name, made.parent) == ("op-instrumentation", component.urn)
    # The chart brings the kind.
    assert release.urn in made.dependencies
    assert release.inputs["version"] == OPERATOR.version
    assert release.inputs["maxHistory"] == MAX_HISTORY
    assert release.inputs["values"] == values(operator())
    assert made.inputs["spec"] == instrumentation(operator())
    assert made.inputs["metadata"] == {"name": "tracing", "namespace": "tracing-operator"}
    assert recording.component_outputs[component.urn] == {
        "instrumentation": "tracing-operator/tracing"
    }


@pytest.mark.parametrize("name", ["dev", "staging", "prod", "local", "bare", "monolithic-given"])
def test_without_it_there_is_nothing_of_it(name: str) -> None:
    recording = recorded(name)

    assert recording.of_type(INSTRUMENTATION) == []
    assert recording.outputs["instrumentation"] == ""
    for release in recording.of_type(RELEASE):
        assert "k8s_pod_annotations" not in str(release.inputs["values"])


def test_with_it_the_export_names_the_object() -> None:
    made = recorded(WITH).one(INSTRUMENTATION).inputs["metadata"]

    assert recorded(WITH).outputs["instrumentation"] == f"{made['namespace']}/{made['name']}"


def test_with_it_beyla_leaves_its_pods_alone() -> None:
    [beyla] = [r for r in recorded(WITH).of_type(RELEASE) if r.inputs["name"] == "beyla"]
    excluded = beyla.inputs["values"]["config"]["data"]["discovery"]["exclude_instrument"]
    annotations = {key for each in excluded for key in each.get("k8s_pod_annotations", {})}

    assert set(INJECT.values()) < annotations
    assert {"k8s_namespace": "tracing-operator"} in excluded


def test_with_it_plan_and_warnings_say_so() -> None:
    settings = TracingSettings.model_validate(VARIANTS[WITH])

    assert workloads(settings)["opentelemetry operator"].replicas == 2
    assert any("operator.go is on" in warning for warning in warnings(settings))
