"""Each example is planned: its resources, and its use of other stacks' outputs."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from plan.recorder import Recording, record
from plan.stackfile import read
from tests.golden import provider
from tests.package.wheel import ROOT
from tests.sweep import sweep

EXAMPLES = ROOT / "examples"
#: Not deeper: somebody may have installed an example's dependencies beside it.
PROJECTS = sorted([*EXAMPLES.glob("*/Pulumi.yaml"), *EXAMPLES.glob("*/*/Pulumi.yaml")])
PROGRAM = Path(__file__).parent / "planned.py"
BACKEND = "organization/shared-tempo/dev"
RELEASE = "kubernetes:helm.sh/v3:Release"


Planner = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def plan(wheel_python: Path) -> Iterator[Planner]:
    """Return a function that plans an example in Python: folder, stack, outputs of other stacks."""
    pipe = subprocess.PIPE
    with subprocess.Popen([wheel_python, PROGRAM], stdin=pipe, stdout=pipe, text=True) as process:
        asked, answered = process.stdin, process.stdout
        assert asked
        assert answered

        def planned(example: str, stack: str, **references: Any) -> dict[str, Any]:
            asked.write(f"{json.dumps([str(EXAMPLES / example), stack, references])}\n")
            asked.flush()
            line = answered.readline()
            assert line, f"{example} can't be planned; its traceback is above"
            return json.loads(line)

        yield planned
        asked.close()


def kinds(planned: dict[str, Any]) -> Counter[str]:
    return Counter(type_.rpartition(":")[2] for type_, _, _ in planned["resources"])


def inputs(planned: dict[str, Any], name: str) -> Any:
    return next(given for _, called, given in planned["resources"] if called == name)


def test_bucket_only(plan: Planner) -> None:
    planned = plan("bucket-only", "dev")
    assert kinds(planned)["TraceStorage"] == kinds(planned)["Bucket"] == kinds(planned)["Key"] == 1
    assert {type_.split(":")[0] for type_, _, _ in planned["resources"]} == {
        "aws",
        "pulumi",
        "tracing",
    }
    assert planned["outputs"]["bucketName"] == "team-traces-123456789012-eu-west-1"


def test_bring_your_own_cluster(plan: Planner) -> None:
    planned = plan("bring-your-own-cluster", "dev")
    assert kinds(planned)["Cluster"] == kinds(planned)["TracingStack"] == 1
    releases = [given for type_, _, given in planned["resources"] if type_ == RELEASE]
    assert {given["name"] for given in releases} == {"tempo", "alloy", "beyla"}
    # What Helm is told is known, whatever is not known of the cluster.
    assert "04da6b54" not in json.dumps(releases)
    association = inputs(planned, "tracing-identity-association")
    assert association["clusterName"] == inputs(planned, "cluster")["name"] == "apps-dev"
    tempo = next(given for given in releases if given["name"] == "tempo")
    assert tempo["values"]["persistence"]["storageClassName"] == "auto-ebs"
    assert inputs(planned, "volumes")["metadata"]["name"] == "auto-ebs"


def test_shared_backend_and_a_collector(plan: Planner) -> None:
    backend = plan("shared-backend/backend", "dev")
    assert kinds(backend)["TraceStorage"] == kinds(backend)["WorkloadIdentity"] == 1
    door = inputs(backend, "door")["spec"]
    assert door["loadBalancerSourceRanges"] == ["10.0.0.0/8"]
    annotations = inputs(backend, "door")["metadata"]["annotations"]
    assert annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"

    references = {BACKEND: backend["outputs"]}
    collector = plan("shared-backend/collector", "shop", **references)
    alloy = inputs(collector, "alloy-release")["values"]["alloy"]["configMap"]["content"]
    instance = alloy.partition('send_to_tempo "default" {')[2]
    assert re.search(r'endpoint +\= "tempo\.dev\.example\.com:4317"', instance)
    assert re.search(r"insecure +\= false", instance)
    # Beyla's namespace is one of the stack's: untrusted, all that it sends would be dropped.
    assert 'trusted_namespaces = ["tracing-beyla"]' in alloy
    beyla = inputs(collector, "beyla-release")["values"]["config"]["data"]
    assert beyla["otel_traces_export"]["endpoint"] == collector["outputs"]["otlpGrpcEndpoint"]
    assert "Tempo" not in kinds(collector)


def test_a_collector_whose_backend_is_not_up_yet_is_planned(plan: Planner) -> None:
    assert kinds(plan("shared-backend/collector", "shop"))["Release"] == 2


def test_app(plan: Planner) -> None:
    outputs = {
        "otlpHttpEndpoint": "http://alloy.tracing.svc.cluster.local:4318",
        "instrumentation": "tracing-operator/tracing",
    }
    planned = plan("app", "dev", **{"organization/tracing/dev": outputs})
    templates = {name: inputs(planned, name)["spec"]["template"] for name in ("cart", "orders")}
    [cart] = templates["cart"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in cart["env"]}

    assert kinds(planned)["Deployment"] == 3
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == outputs["otlpHttpEndpoint"]
    assert env["OTEL_TRACES_SAMPLER_ARG"] == "0.1"
    assert templates["orders"]["metadata"]["annotations"] == {
        "instrumentation.opentelemetry.io/inject-java": outputs["instrumentation"]
    }
    shared = inputs(planned, "otlp-config-map")["data"]
    assert shared["OTEL_EXPORTER_OTLP_ENDPOINT"] == outputs["otlpHttpEndpoint"]
    assert "OTEL_SERVICE_NAME" not in shared


def construct(kind: str, arguments: dict[str, Any]) -> Recording:
    """Return the resources that the package creates for a program in another language."""
    return record(lambda: provider().construct("tracing", f"tracing:index:{kind}", arguments))


def test_yaml() -> None:
    folder = EXAMPLES / "yaml"
    program = cast(dict[str, Any], yaml.safe_load((folder / "Pulumi.yaml").read_text()))
    resource = program["resources"]["tracing"]
    config = {k.partition(":")[2]: v for k, v in read(folder, "dev").values.items()}
    assert set(config) == set(program["config"])
    config |= program["variables"]
    text = json.dumps(resource["properties"])
    filled = re.sub(r"\$\{(\w+)\}", lambda match: config[match[1]], text)

    made = construct(resource["type"].partition(":")[2], json.loads(filled))

    assert len(made.of_type(RELEASE)) == 3
    outputs = made.component_outputs[made.one("tracing:index:TracingStack").urn]
    used = re.findall(r"\$\{tracing\.(\w+)\}", json.dumps(program["outputs"]))
    assert set(used) <= set(outputs)


def test_typescript() -> None:
    config = read(EXAMPLES / "typescript", "dev").values
    settings = json.loads(config["tracing-in-typescript:settings"])

    made = construct("TracingStack", {"settings": settings})

    assert len(made.of_type(RELEASE)) == 3
    outputs = made.component_outputs[made.one("tracing:index:TracingStack").urn]
    program = (EXAMPLES / "typescript" / "index.ts").read_text()
    assert set(re.findall(r"= stack\.(\w+);", program)) <= set(outputs)


def has_python(project: Path) -> bool:
    return (project.parent / "__main__.py").exists()


def test_python_examples_use_public_names_alone() -> None:
    for program in (p.parent / "__main__.py" for p in PROJECTS if has_python(p)):
        text = program.read_text()
        assert re.search(r"^from tracing_stack import ", text, re.M), program
        inner = r"^\s*(from|import) (tracing_stack\.|components|config|plan)"
        assert not re.search(inner, text, re.M), program


@sweep("project", PROJECTS)
def test_examples_say_what_they_are(project: Path) -> None:
    assert yaml.safe_load(project.read_text())["description"]
    assert list(project.parent.glob("Pulumi.*.yaml")), "no stack file"
