"""What docs/onboarding.md says in Pulumi's words and in Kubernetes': it is run, or compared."""

import re
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_kubernetes.apps.v1 import Deployment
from pydantic.alias_generators import to_snake

from components.core.names import INSTRUMENTATION
from components.onboarding.annotations import GO_EXECUTABLE, INJECT, PREFIX
from components.onboarding.languages import LANGUAGE_VARIABLES
from components.onboarding.settings import Language, OtlpSettings
from components.onboarding.workload import with_injection, with_otlp_env
from components.settings import TracingSettings
from plan.recorder import Recording, record
from tests.onboarding.services import DOCUMENT
from tests.test_docs import blocks

TEXT = DOCUMENT.read_text()
NAMES = {
    "pulumi": pulumi,
    "Deployment": Deployment,
    "Language": Language,
    "OtlpSettings": OtlpSettings,
    "with_injection": with_injection,
    "with_otlp_env": with_otlp_env,
}
OUTPUTS = {
    "instrumentation": "tracing-operator/tracing",
    "otlpHttpEndpoint": "http://alloy.tracing.svc.cluster.local:4318",
}


def planned(text: str) -> Recording:
    """Run a block as the program of an application's stack, beside a tracing stack that is up."""
    spec = {"template": {"spec": {"containers": [{"name": "cart", "image": "cart:1"}]}}}
    return record(
        lambda: exec(text, {**NAMES, "spec": spec}),  # noqa: S102 - the document's own
        preview=False,
        references={"organization/tracing/prod": OUTPUTS},
    )


def template(has: str) -> dict[str, Any]:
    [text] = [text for text in blocks(DOCUMENT, "python") if has in text]
    return planned(text).one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]


def test_the_pod_asks_for_the_object_that_the_stack_names() -> None:
    [manifest] = [
        yaml.safe_load(text) for text in blocks(DOCUMENT, "yaml") if "annotations" in text
    ]
    by_hand = manifest["spec"]["template"]["metadata"]["annotations"]

    assert template("with_injection(")["metadata"]["annotations"] == by_hand
    assert by_hand == {INJECT[Language.JAVA]: OUTPUTS["instrumentation"]}
    namespace = TracingSettings.model_fields["namespaces"].default.operator
    assert OUTPUTS["instrumentation"] == f"{namespace}/{INSTRUMENTATION}"


def test_the_container_gets_its_environment() -> None:
    [container] = template("with_otlp_env(")["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}

    assert env["OTEL_SERVICE_NAME"] == "cart"
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == OUTPUTS["otlpHttpEndpoint"]


def test_every_language_has_its_annotation_in_the_table() -> None:
    for annotation in [*INJECT.values(), GO_EXECUTABLE]:
        assert f"`{annotation.removeprefix(PREFIX)}`" in TEXT


def test_every_setting_stands_in_the_table() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", TEXT.partition("## 3.")[2], re.M)
    named = {to_snake(name) for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named == set(OtlpSettings.model_fields)


@pytest.mark.parametrize("language", list(Language))
def test_what_a_language_adds_is_named(language: Language) -> None:
    for name in LANGUAGE_VARIABLES[language]:
        assert f"`{name}`" in TEXT
