"""The components in other stacks, on the real engine: the examples and the package."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.checks import SettingsError
from components.checks.validate import validate
from tests.engine import elsewhere
from tests.engine import lab as engine
from tests.engine.elsewhere import adopt, comes_up_and_goes
from tests.engine.lab import Lab
from tests.golden import SCHEMA

REASON = engine.missing()
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}"),
    pytest.mark.xdist_group("package"),
]


def needs(*programs: str) -> pytest.MarkDecorator:
    lacking = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(lacking), reason=f"{', '.join(lacking)} not on PATH")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return elsewhere.plugin(tmp_path_factory.mktemp("repository"))


def cluster() -> dict[str, str]:
    return {"kubeconfig": os.environ["KUBECONFIG"], "kubeContext": "lab"}


def test_bucket_only(lab: Lab, wheel_python: Path) -> None:
    adopt(lab, "bucket-only", "dev", wheel_python)
    outputs = comes_up_and_goes(lab, "dev")
    assert outputs["bucketName"] == "team-traces-123456789012-eu-west-1"


def test_bring_your_own_cluster(lab: Lab, wheel_python: Path) -> None:
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "auto-ebs"},
        "spec": {
            "storageClassName": "auto-ebs",
            "capacity": {"storage": "500Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/none"},
        },
    }
    engine.kubectl("apply", "-f", "-", text=json.dumps(volume))
    adopt(lab, "bring-your-own-cluster", "dev", wheel_python)
    with elsewhere.clusters(lab):
        outputs = comes_up_and_goes(lab, "dev")
    engine.kubectl("delete", "pv", "auto-ebs")
    assert outputs["otlpGrpcEndpoint"] == "http://alloy.tracing.svc.cluster.local:4317"


def test_shared_backend(lab: Lab, wheel_python: Path) -> None:
    adopt(lab, "shared-backend/backend", "dev", wheel_python, **cluster())
    backend = lab.project
    try:
        with elsewhere.load_balancers("tempo", "tempo-otlp"):
            lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")

        adopt(lab, "shared-backend/collector", "shop", wheel_python, **cluster())
        assert "tempo.dev.example.com:4317" in json.dumps(lab.preview("shop"))
        comes_up_and_goes(lab, "shop")

        lab.project = backend
        assert lab.changes("dev") == {}
    finally:
        lab.project = backend
        elsewhere.goes(lab, "dev")


def test_the_cli_gets_the_expected_schema(lab: Lab, package: Path) -> None:
    elsewhere.install_providers(lab)
    got = json.loads(lab.pulumi("package", "get-schema", str(package)).stdout)
    # What the CLI adds.
    assert got.pop("config") == {}
    assert got == json.loads(SCHEMA.read_text())


@needs("pulumi-language-yaml")
def test_yaml(lab: Lab, package: Path) -> None:
    elsewhere.install_providers(lab)
    adopt(lab, "yaml", "dev", **cluster())
    with_stand_ins(lab)
    lab.pulumi("package", "add", str(package))
    outputs = comes_up_and_goes(lab, "dev")
    assert outputs["traceBucketName"] == "traces-dev-123456789012-eu-west-1"


@needs("pulumi-language-nodejs", "node", "npm")
def test_typescript(lab: Lab, package: Path) -> None:
    elsewhere.install_providers(lab)
    adopt(lab, "typescript", "dev", **cluster())
    document = lab.read("dev")
    settings = document["config"]["tracing-in-typescript:settings"]
    settings["charts"] = {"repository": lab.charts}
    lab.write("dev", document)
    # The SDK is built with the program's own dependencies: they have to be there.
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(install, cwd=lab.project, capture_output=True, text=True)
    if installed.returncode != 0:
        pytest.skip("npm cannot install the example's dependencies")
    lab.pulumi("package", "add", str(package))
    checked = subprocess.run(["npx", "tsc"], cwd=lab.project, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout

    outputs = comes_up_and_goes(lab, "dev")
    assert outputs["otlpGrpcEndpoint"] == "http://alloy.tracing.svc.cluster.local:4317"

    settings["tempo"] = {"sise": "m", "retentionHours": 1}
    settings["identity"] = {"mode": "irsa"}
    lab.write("dev", document)
    done = lab.pulumi("preview", "--stack", "dev", ok=False)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    problems = validate(settings, stack_file=False)[1]
    assert " ".join(str(SettingsError("tracing", problems)).split()) in said
    assert "Traceback" not in said
    assert "File " not in said


def with_stand_ins(lab: Lab) -> None:
    """Let a program in YAML use default providers, and the lab's charts.

    Pulumi checks YAML against the providers' schemas, which those of the lab do not have.
    """
    file = lab.project / "Pulumi.yaml"
    program: dict[str, Any] = yaml.safe_load(file.read_text())
    del program["config"], program["resources"]["aws"], program["resources"]["kubernetes"]
    tracing = program["resources"]["tracing"]
    del tracing["options"]
    tracing["properties"]["settings"]["charts"] = {"repository": lab.charts}
    file.write_text(yaml.safe_dump(program, sort_keys=False))
