"""What the chart makes of the values, and what its custom resource takes."""

import subprocess
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml

from components.core.helm import OPERATOR
from components.core.names import OPERATOR_RELEASE, OPERATOR_WEBHOOK_PORT
from components.otel_operator.component import OpenTelemetryOperatorArgs
from components.otel_operator.instrumentation import instrumentation
from components.otel_operator.values import values
from tests.helm import TEMPLATE
from tests.otel_operator.operators import operator
from tests.otel_operator.test_operator_values import EVERYTHING
from tests.rendered.objects import CHARTS, needs_charts

pytestmark = needs_charts


def rendered(args: OpenTelemetryOperatorArgs, folder: Path) -> list[dict[str, Any]]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values(args)))
    package = Path(CHARTS or "") / f"{OPERATOR.name}-{OPERATOR.version}.tgz"
    command = [*TEMPLATE, OPERATOR_RELEASE, str(package), "-n", args.namespace, "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [o for o in objects if o["kind"] == kind]


def test_one_deployment_with_what_is_asked_for(tmp_path: Path) -> None:
    [deployment] = of_kind(rendered(operator(**EVERYTHING), tmp_path), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [manager] = pod["containers"]

    assert deployment["spec"]["replicas"] == 3
    assert manager["resources"]["limits"]["memory"] == "1024Mi"
    assert "--enable-go-instrumentation" in manager["args"]
    assert {"name": "GOMEMLIMIT", "value": "819MiB"} in manager["env"]
    assert OPERATOR_WEBHOOK_PORT in [port["containerPort"] for port in manager["ports"]]
    assert pod["priorityClassName"] == "high"


def test_go_is_off_unless_allowed(tmp_path: Path) -> None:
    [deployment] = of_kind(rendered(operator(), tmp_path), "Deployment")
    [manager] = deployment["spec"]["template"]["spec"]["containers"]

    assert "--enable-go-instrumentation" not in manager["args"]


def test_every_webhook_lets_pass_what_it_can_not_look_at(tmp_path: Path) -> None:
    objects = rendered(operator(), tmp_path)
    kinds = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    webhooks = [hook for kind in kinds for o in of_kind(objects, kind) for hook in o["webhooks"]]

    assert any("pods" in rule["resources"] for hook in webhooks for rule in hook["rules"])
    for hook in webhooks:
        assert hook["failurePolicy"] == "Ignore", hook["name"]
        [outside] = hook["namespaceSelector"]["matchExpressions"]
        assert "kube-system" in outside["values"]
        assert hook["clientConfig"]["caBundle"]


def test_nothing_of_cert_manager_is_needed(tmp_path: Path) -> None:
    objects = rendered(operator(), tmp_path)

    assert not [o for o in objects if o["apiVersion"].startswith("cert-manager.io")]
    assert "tls.key" in of_kind(objects, "Secret")[0]["data"]


@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=["default", "everything"])
def test_the_custom_resource_takes_the_object(settings: dict[str, Any], tmp_path: Path) -> None:
    args = operator(**settings)
    [crd] = [
        o
        for o in of_kind(rendered(args, tmp_path), "CustomResourceDefinition")
        if o["spec"]["names"]["kind"] == "Instrumentation"
    ]
    [version] = [v for v in crd["spec"]["versions"] if v["name"] == "v1alpha1"]
    schema = version["schema"]["openAPIV3Schema"]
    made = {"apiVersion": "opentelemetry.io/v1alpha1", "spec": instrumentation(args)}

    validator: Any = jsonschema.Draft202012Validator(schema)
    validator.validate(made)
    assert unknown(made["spec"], schema["properties"]["spec"]) == []


def unknown(value: Any, schema: dict[str, Any], path: str = "spec") -> list[str]:
    """Return the keys that the schema does not name: the API server would drop them."""
    if isinstance(value, list):
        return [k for item in cast(list[Any], value) for k in unknown(item, schema["items"], path)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found: list[str] = []
    for key, below in cast(dict[str, Any], value).items():
        inner = schema["properties"].get(key)
        found += unknown(below, inner, f"{path}.{key}") if inner else [f"{path}.{key}"]
    return found


def test_the_document_is_right_about_its_permissions(tmp_path: Path) -> None:
    """docs/troubleshooting.md: it creates workloads everywhere, and reads no Secrets elsewhere."""
    rules = [r for o in of_kind(rendered(operator(), tmp_path), "ClusterRole") for r in o["rules"]]
    may = {
        (verb, resource)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule.get("resources", [])
    }
    document = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()

    assert {("create", "deployments"), ("create", "pods"), ("create", "serviceaccounts")} <= may
    assert not {"secrets", "*"} & {resource for _, resource in may}
    assert "OpenTelemetry Operator are close to those of a cluster administrator" in document
