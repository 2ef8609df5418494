"""Where the suite runs: a cluster whose pods run, and how programs in pods are started there."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import TypeAdapter, ValidationError

ROOT = Path(__file__).parents[3]
#: Set by `make e2e`: the suite changes a cluster, so that it never runs by accident.
ALLOWED = "TRACING_E2E"
#: Name of a stack that is deployed already. Without it, the suite brings one up and removes it.
STACK = "TRACING_E2E_STACK"
#: Image with Python and the path of its interpreter, for example
#: `docker.io/library/python:3.11-slim python3`.
PYTHON = "TRACING_E2E_PYTHON"
#: Set to keep what the suite brought up.
KEEP = "TRACING_E2E_KEEP"
#: Further settings of the stack that the suite brings up: a JSON object of groups.
SETTINGS = "TRACING_E2E_SETTINGS"
_PUBLIC_PYTHON = "docker.io/library/python:3.11-slim python3"
_SIMULATED = "kwok.x-k8s.io/node"


def asked_for() -> bool:
    """Return whether this is `make e2e`."""
    return bool(os.environ.get(ALLOWED))


def missing() -> str | None:
    """Return why the suite can't run here, or None."""
    if not asked_for():
        return f"{ALLOWED} is not set (`make e2e` sets it)"
    try:
        settings()
    except ValidationError:
        return f'{SETTINGS} must be groups as JSON, such as {{"canary": {{"enabled": true}}}}'
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG is not set"
    programs = ["kubectl"] if os.environ.get(STACK) else ["kubectl", "pulumi"]
    for program in programs:
        if not shutil.which(program):
            return f"{program} is not on PATH"
    try:
        nodes = _nodes()
    except (subprocess.CalledProcessError, ValueError):
        return "the cluster of KUBECONFIG does not answer"
    if not nodes:
        return "the cluster has no nodes"
    if any(_SIMULATED in node["metadata"].get("annotations", {}) for node in nodes):
        return "the cluster's nodes are simulated: no container runs"
    return None


def deployed() -> str | None:
    """Return the name of the stack that is deployed already, or None."""
    return os.environ.get(STACK) or None


def settings() -> dict[str, Any]:
    """Return further settings of the stack that the suite brings up, by group.

    Raises:
        ValidationError: they are no JSON, or have another form.
    """
    return TypeAdapter(dict[str, dict[str, Any]]).validate_json(os.environ.get(SETTINGS) or "{}")


def _nodes() -> list[dict[str, Any]]:
    command = ["kubectl", "get", "nodes", "-o", "json", "--request-timeout=10s"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return cast(list[dict[str, Any]], json.loads(done.stdout)["items"])


@dataclass(frozen=True, kw_only=True)
class Place:
    """How programs run in the cluster's pods.

    Attributes:
        image: image with Python.
        python: its interpreter.
        has_sdk: whether the image has OpenTelemetry's SDK; else pods install it when they start.
        emulated: whether a provider in PULUMI_DEBUG_PROVIDERS stands in for AWS's own.
    """

    image: str
    python: str
    has_sdk: bool
    emulated: bool

    @staticmethod
    def find() -> "Place":
        """Return the place that the environment describes."""
        emulated = "aws:" in os.environ.get("PULUMI_DEBUG_PROVIDERS", "")
        home = Path(os.environ.get("LAB_HOME") or Path.home() / ".cache/lab")
        beside = home / "aws/venv/bin/python"
        named = os.environ.get(PYTHON, "")
        if not named and emulated and beside.exists():
            # The emulator's image is packed from this environment, which has the SDK too.
            [image] = [
                container["image"]
                for manifest in _manifests(ROOT / "local/moto.yaml")
                if manifest["kind"] == "Deployment"
                for container in manifest["spec"]["template"]["spec"]["containers"]
            ]
            return Place(image=image, python=str(beside), has_sdk=True, emulated=True)
        image, _, python = (named or _PUBLIC_PYTHON).partition(" ")
        return Place(image=image, python=python or "python3", has_sdk=False, emulated=emulated)

    def command(self, program: str, *arguments: str, sdk: bool = False) -> list[str]:
        """Return the command of a container that runs one of the programs.

        Args:
            program: path of the program in the pod.
            arguments: its arguments.
            sdk: whether it needs OpenTelemetry's SDK.
        """
        run = [self.python, program, *arguments]
        if not sdk or self.has_sdk:
            return run
        packages = " ".join(_pinned("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-grpc"))
        install = f"{self.python} -m pip install --quiet --target /tmp/site {packages}"
        return ["sh", "-c", f'{install} && PYTHONPATH=/tmp/site exec "$@"', "sh", *run]


def _pinned(*names: str) -> list[str]:
    """Return requirements of the development environment, as the stack's lock file pins them."""
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    found = {line.split("==")[0]: line.split(" ")[0] for line in lines if "==" in line}
    return [found[name] for name in names]


def _manifests(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))
