"""The example of an application's stack, beside a tracing stack that is up."""

import copy
import json
import os
import shlex
import shutil
from collections.abc import Generator
from typing import Any

import pytest

from tests.engine import lab as engine
from tests.engine.lab import ROOT, Lab, kubectl

DOCUMENT = ROOT / "docs" / "onboarding.md"
#: Commands of the document, each with something that it prints. No agent is in the lab's pods.
COMMANDS = {
    "kubectl --namespace shop get pods "
    "--output jsonpath='{.items[*].spec.initContainers[*].name}'": "",
    "kubectl --namespace shop rollout restart deployment/cart": "cart restarted",
    "kubectl get instrumentations --all-namespaces": "tracing-operator",
}
REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")


@pytest.fixture
def app(lab: Lab) -> Generator[Lab]:
    """Return the example's project, with the state of the lab."""
    made = copy.copy(lab)
    made.project = lab.folder / "app"
    shutil.copytree(ROOT / "examples" / "app", made.project)
    (made.project / "venv").symlink_to(lab.project / "venv")
    # As the package is called where it is installed.
    (made.project / "tracing_stack").symlink_to(ROOT / "components")
    document = made.read("dev")
    document["config"] |= {
        "app:tracing": "organization/tracing/local",
        "app:kubeContext": "lab",
        "app:kubeconfig": os.environ["KUBECONFIG"],
    }
    made.write("dev", document)
    yield made
    made.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev", ok=False)


def deployment(name: str) -> dict[str, Any]:
    """Return the pod template of a Deployment in the cluster."""
    text = kubectl("get", "deployment", name, "--namespace", "shop", "-o", "json")
    return json.loads(text)["spec"]["template"]


def test_three_ways_of_one_application(lab: Lab, app: Lab) -> None:
    lab.adopt("local", operator={"enabled": True})
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "local")
    endpoint = lab.pulumi("stack", "output", "otlpHttpEndpoint", "--stack", "local").stdout.strip()

    app.pulumi("stack", "init", "dev")
    app.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    assert app.changes("dev") == {}

    [cart] = deployment("cart")["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in cart["env"]}
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert env["OTEL_TRACES_SAMPLER_ARG"] == "0.1"
    assert "$(OTEL_RESOURCE_ATTRIBUTES_POD_UID)" in (env["OTEL_RESOURCE_ATTRIBUTES"] or "")

    annotations = deployment("orders")["metadata"]["annotations"]
    assert annotations == {
        "instrumentation.opentelemetry.io/inject-java": "tracing-operator/tracing"
    }

    for command, shows in COMMANDS.items():
        assert command in DOCUMENT.read_text()
        assert shows in kubectl(*shlex.split(command)[1:])

    [web] = deployment("web")["spec"]["containers"]
    shared = web["envFrom"][0]["configMapRef"]["name"]
    text = kubectl("get", "configmap", shared, "--namespace", "shop", "-o", "json")
    assert json.loads(text)["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint


def test_a_tracing_stack_without_the_operator_is_told_in_one_message(lab: Lab, app: Lab) -> None:
    lab.adopt("local")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "local")

    app.pulumi("stack", "init", "dev")
    done = app.pulumi("up", "--yes", "--skip-preview", "--stack", "dev", ok=False)

    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "there is none: the tracing stack needs operator.enabled: true" in said
    assert "Traceback" not in said
