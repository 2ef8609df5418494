"""The OpenTelemetry Operator on the real engine and API server: its kind, its object, its key.

No operator runs in the lab's pods: its webhooks never answer, as where it is away.
"""

import json
import re

import pytest

from tests.engine import lab as engine
from tests.engine.lab import Lab, kubectl

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

POD = """
apiVersion: v1
kind: Pod
metadata:
  generateName: asks-
  namespace: default
  annotations: {instrumentation.opentelemetry.io/inject-java: tracing-operator/tracing}
spec: {containers: [{name: app, image: "app:1"}]}
"""


def test_operator(lab: Lab) -> None:
    lab.adopt("local", operator={"enabled": True, "sampleRatio": 0.5})
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "local")
    assert lab.changes("local") == {}

    made = json.loads(kubectl("get", "instrumentations", "-A", "-o", "json"))["items"]
    [(namespace, name, spec)] = [
        (o["metadata"]["namespace"], o["metadata"]["name"], o["spec"]) for o in made
    ]
    output = lab.pulumi("stack", "output", "instrumentation", "--stack", "local").stdout.strip()
    assert output == f"{namespace}/{name}"
    # What the API server does not know it drops without a word.
    state = json.loads(lab.pulumi("stack", "export", "--stack", "local").stdout)
    resources = state["deployment"]["resources"]
    [wanted] = [r for r in resources if r["type"].endswith(":Instrumentation")]
    assert spec == wanted["inputs"]["spec"]

    # Helm makes the webhooks' key; it stays in the cluster.
    assert "tls.key" in kubectl("get", "secrets", "-n", namespace, "-o", "json")
    # The pattern of Alloy's redaction is no key.
    assert not re.search(r"BEGIN ([A-Z]+ )?PRIVATE KEY", json.dumps(state))
    assert "tls.key" not in json.dumps(state)

    # Nobody waits for an operator that is away.
    pod = kubectl("create", "-f", "-", "-o", "name", text=POD).strip()
    kubectl("delete", "-n", "default", "--wait=false", pod)

    # Certificate and webhooks stay as they are when something else of the release changes.
    before = bundles()
    document = lab.read("local")
    document["config"]["tracing:operator"]["workload"] = {"replicas": 3}
    lab.write("local", document)
    assert lab.changes("local") == {"tracing-operator-release": "update"}
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "local")
    assert bundles() == before

    lab.pulumi("destroy", "--yes", "--skip-preview", "--stack", "local")
    assert "instrumentations" not in kubectl("get", "crds", "-o", "name")


def bundles() -> set[str]:
    """Return the certificates that the API server expects of the webhooks."""
    found = json.loads(kubectl("get", "mutatingwebhookconfigurations", "-o", "json"))["items"]
    return {hook["clientConfig"]["caBundle"] for each in found for hook in each["webhooks"]}
