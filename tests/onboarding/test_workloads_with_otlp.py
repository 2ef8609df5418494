"""Environment and annotations on their way into what a Deployment is made from."""

import copy
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes import apps, core, meta

from components.checks import SettingsError
from components.onboarding.env import otlp_env
from components.onboarding.injection import injection_annotations
from components.onboarding.settings import Language, OtlpSettings
from components.onboarding.workload import with_injection, with_otlp_env
from plan.recorder import Recording, record
from tests.onboarding.pods import later
from tests.onboarding.test_otlp_env import HTTP

SETTINGS = OtlpSettings(service_name="cart")
OBJECT = "tracing-operator/tracing"


def as_mapping(*containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "cart"}},
        "template": {
            "metadata": {"labels": {"app": "cart"}},
            "spec": {"containers": list(containers)},
        },
    }


def as_arguments(*containers: dict[str, Any]) -> apps.v1.DeploymentSpecArgs:
    return apps.v1.DeploymentSpecArgs(
        replicas=2,
        selector=meta.v1.LabelSelectorArgs(match_labels={"app": "cart"}),
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels={"app": "cart"}),
            spec=core.v1.PodSpecArgs(
                containers=[
                    core.v1.ContainerArgs(
                        name=each["name"],
                        image=each["image"],
                        env=[core.v1.EnvVarArgs(**entry) for entry in each["env"]]
                        if "env" in each
                        else None,
                    )
                    for each in containers
                ]
            ),
        ),
    )


each_kind = pytest.mark.parametrize("make", [as_mapping, as_arguments])
APP = {"name": "app", "image": "cart:1"}
WITH_OWN = {
    "name": "proxy",
    "image": "proxy:1",
    "env": [{"name": "OTEL_SERVICE_NAME", "value": "edge"}, {"name": "PORT", "value": "80"}],
}


def deployed(spec: Any) -> Recording:
    return record(lambda: _deployment(spec), preview=False)


def _deployment(spec: Any) -> None:
    apps.v1.Deployment("cart", metadata={"name": "cart"}, spec=spec)


def pod(spec: Any) -> dict[str, Any]:
    """Return the pod template as the provider gets it."""
    return deployed(spec).one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]


@each_kind
def test_every_container_gets_the_environment(make: Any) -> None:
    spec = make(APP, {**APP, "name": "worker"})
    app, worker = pod(with_otlp_env(spec, HTTP, SETTINGS))["spec"]["containers"]

    assert app["env"] == otlp_env(HTTP, SETTINGS, container="app")
    assert worker["env"] == otlp_env(HTTP, SETTINGS, container="worker")
    assert (app["image"], worker["image"]) == ("cart:1", "cart:1")


@each_kind
def test_what_the_application_set_stays(make: Any) -> None:
    [proxy] = pod(with_otlp_env(make(WITH_OWN), HTTP, SETTINGS))["spec"]["containers"]
    names = [entry["name"] for entry in proxy["env"]]

    assert len(names) == len(set(names))
    assert proxy["env"][-2:] == WITH_OWN["env"]


@each_kind
def test_only_the_named_containers(make: Any) -> None:
    spec = with_otlp_env(make(APP, WITH_OWN), HTTP, SETTINGS, containers=["app"])
    app, proxy = pod(spec)["spec"]["containers"]

    assert app["env"] == otlp_env(HTTP, SETTINGS, container="app")
    assert proxy["env"] == WITH_OWN["env"]


@each_kind
def test_once_more_changes_nothing(make: Any) -> None:
    once = with_otlp_env(make(APP, WITH_OWN), HTTP, SETTINGS)

    assert pod(with_otlp_env(once, HTTP, SETTINGS)) == pod(once)


def test_a_mapping_stays_as_it_was() -> None:
    spec = as_mapping(APP, WITH_OWN)
    before = copy.deepcopy(spec)
    with_injection(with_otlp_env(spec, HTTP, SETTINGS), Language.JAVA, OBJECT)

    assert spec == before


def test_arguments_stay_as_they_were() -> None:
    spec = as_arguments(APP, WITH_OWN)
    before = pod(spec)
    changed = with_injection(with_otlp_env(spec, HTTP, SETTINGS), Language.JAVA, OBJECT)

    assert isinstance(changed, apps.v1.DeploymentSpecArgs)
    assert pod(spec) == before
    assert pod(changed) != before


@each_kind
def test_the_pod_template_asks_for_an_sdk(make: Any) -> None:
    template = pod(with_injection(make(APP), Language.PYTHON, OBJECT))

    assert template["metadata"] == {
        "labels": {"app": "cart"},
        "annotations": {"instrumentation.opentelemetry.io/inject-python": OBJECT},
    }


def test_a_template_without_metadata_gets_some() -> None:
    spec = {"template": {"spec": {"containers": [APP]}}}
    template = with_injection(spec, Language.PYTHON, OBJECT)["template"]

    assert template["metadata"] == {"annotations": injection_annotations(Language.PYTHON, OBJECT)}


def test_annotations_of_the_application_stay() -> None:
    spec = as_mapping(APP)
    key = "instrumentation.opentelemetry.io/inject-python"
    spec["template"]["metadata"]["annotations"] = {key: "false", "own": "x"}

    found = with_injection(spec, Language.PYTHON, OBJECT)["template"]["metadata"]["annotations"]
    assert found == {key: "false", "own": "x"}


@pytest.mark.parametrize(
    ("language", "given", "annotations"),
    [
        ("java", {}, {"inject-java": OBJECT}),
        ("nodejs", {}, {"inject-nodejs": OBJECT}),
        ("dotnet", {}, {"inject-dotnet": OBJECT}),
        (
            "python",
            {"containers": ["a", "b"]},
            {"inject-python": OBJECT, "python-container-names": "a,b"},
        ),
        (
            "go",
            {"go_executable": "/bin/cart", "containers": ["a"]},
            {
                "inject-go": OBJECT,
                "go-container-names": "a",
                "otel-go-auto-target-exe": "/bin/cart",
            },
        ),
    ],
)
def test_annotations_of_each_language(
    language: str, given: dict[str, Any], annotations: dict[str, str]
) -> None:
    found = injection_annotations(Language(language), OBJECT, **given)

    assert found == {f"instrumentation.opentelemetry.io/{k}": v for k, v in annotations.items()}


@pytest.mark.parametrize(
    ("language", "name", "given", "says"),
    [
        ("go", OBJECT, {}, "needs the absolute path of the program"),
        ("go", OBJECT, {"go_executable": "cart"}, "needs the absolute path of the program"),
        (
            "go",
            OBJECT,
            {"go_executable": "/cart", "containers": ["a", "b"]},
            "looks at one container of a pod",
        ),
        ("java", OBJECT, {"go_executable": "/cart"}, "java has no use for it"),
        ("java", "", {}, "needs operator.enabled: true"),
        ("java", "tracing", {}, "must be namespace/name"),
    ],
)
def test_what_the_operator_would_pass_over_is_refused(
    language: str, name: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        injection_annotations(Language(language), name, **given)


def test_a_stack_without_the_operator_is_refused_once_it_is_known() -> None:
    def annotation() -> pulumi.Input[str]:
        [value] = injection_annotations(Language.JAVA, pulumi.Output.from_input("")).values()
        return value

    with pytest.raises(SettingsError, match=r"needs operator\.enabled: true"):
        later(annotation)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (as_mapping(), "the pod template has no container any"),
        ({}, "the pod template has no container any"),
        (
            {"template": {"spec": {"containers": pulumi.Output.from_input([APP])}}},
            "containers of the workload is an output",
        ),
        ({"template": pulumi.Output.from_input({})}, "template of the workload is an output"),
    ],
)
def test_where_nothing_can_be_added_it_is_said(spec: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        with_otlp_env(spec, HTTP, SETTINGS)


def test_a_container_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="the pod template has no container aap"):
        with_otlp_env(as_mapping(APP), HTTP, SETTINGS, containers=["aap"])
