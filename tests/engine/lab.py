"""A copy of the project that the real Pulumi CLI works on, with a cluster and an AWS stand-in.

Needs the CLI with its Python language host and the Kubernetes provider on PATH, a KUBECONFIG, a
provider for `aws` in PULUMI_DEBUG_PROVIDERS and the packaged charts in TRACING_TEST_CHARTS.
"""

import contextlib
import fcntl
import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).parents[2]
CHARTS = os.environ.get("TRACING_TEST_CHARTS", "")
_PARTS = ("__main__.py", "Pulumi.yaml", "components", "config")


def missing() -> str | None:
    """Return what this machine lacks for the real engine, or None."""
    for program in ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes", "kubectl"):
        if not shutil.which(program):
            return f"{program} is not on PATH"
    if "aws:" not in os.environ.get("PULUMI_DEBUG_PROVIDERS", ""):
        return "PULUMI_DEBUG_PROVIDERS names no provider for aws"
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG is not set"
    if not CHARTS:
        return "TRACING_TEST_CHARTS, a folder of packaged charts with index.yaml, is not set"
    return None


@contextlib.contextmanager
def chart_repository() -> Generator[str]:
    """Serve the packaged charts over HTTP; yield the repository's URL, empty without charts."""
    if not CHARTS:
        yield ""
        return

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=CHARTS)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def alone() -> Generator[None]:
    """Let one test or suite at a time have the cluster of KUBECONFIG, in whatever process."""
    # The file itself is the lock, so that tests of different clusters don't wait for each other.
    with Path(os.environ["KUBECONFIG"]).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kubectl(*arguments: str, text: str = "") -> str:
    """Run kubectl; return what it prints."""
    done = subprocess.run(
        ["kubectl", *arguments], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout


def free_volumes() -> None:
    """Make the volumes available again that earlier tests let go of, in whatever namespace.

    A cluster without a provisioner keeps them, until none is left for the next Tempo.
    """
    volumes: list[dict[str, Any]] = json.loads(kubectl("get", "pv", "-o", "json"))["items"]
    for volume in volumes:
        if volume["status"].get("phase") == "Released":
            patch = '[{"op": "remove", "path": "/spec/claimRef"}]'
            kubectl("patch", "pv", volume["metadata"]["name"], "--type=json", "--patch", patch)


def kill(pid: int) -> None:
    """Kill (-9) a process and all that it has started, as when a machine is lost."""
    for process in [pid, *_below(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    done = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True)
    children = [int(child) for child in done.stdout.split()]
    return [process for child in children for process in (child, *_below(child))]


@dataclass
class Lab:
    """A project folder with a state of its own.

    Attributes:
        folder: holds project and state.
        charts: URL of the chart repository; empty for the charts' own.
        context: context of the kubeconfig.
        stand_in: whether a provider stands in for AWS's own; else the CLI fetches its plugins, and
            AWS's own provider reaches moto by the stack file.
    """

    folder: Path
    charts: str
    context: str = "lab"
    stand_in: bool = True
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        state = self.folder / "state"
        state.mkdir()
        self.env = {
            **os.environ,
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        if self.stand_in:
            self.env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        self.project = self.folder / "project"
        self.project.mkdir()
        for part in _PARTS:
            (self.project / part).symlink_to(ROOT / part)
        (self.project / "venv").symlink_to(sys.prefix)

    def adopt(self, stack: str, **changes: Any) -> None:
        """Make a stack from a stack file, changed in how cluster and charts are reached."""
        document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
        config = document["config"]
        cluster = config["tracing:cluster"]
        cluster["kubeconfig"] = os.environ["KUBECONFIG"]
        if "kubeContext" in cluster:
            cluster["kubeContext"] = self.context
        if self.charts:
            config.setdefault("tracing:charts", {})["repository"] = self.charts
        for group, values in changes.items():
            config.setdefault(f"tracing:{group}", {}).update(values)
        if self.stand_in:
            # It reaches its moto by itself.
            config = {k: v for k, v in config.items() if not k.startswith("aws:")}
        # Without the file's encryptionsalt: the passphrase here is another.
        self.write(stack, {"config": config})
        self.pulumi("stack", "init", stack)

    def read(self, stack: str) -> dict[str, Any]:
        """Return a stack file."""
        return cast(dict[str, Any], yaml.safe_load(self.file(stack).read_text()))

    def write(self, stack: str, document: dict[str, Any]) -> None:
        """Write a stack file."""
        self.file(stack).write_text(yaml.safe_dump(document, sort_keys=False))

    def file(self, stack: str) -> Path:
        """Return the path of a stack file."""
        return self.project / f"Pulumi.{stack}.yaml"

    def pulumi(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the CLI; where it must succeed, fail with what it printed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.project,
            env=self.env,
            capture_output=True,
            text=True,
        )
        if ok and done.returncode != 0:
            raise AssertionError(f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done

    def preview(self, stack: str) -> list[dict[str, Any]]:
        """Return the steps of a preview."""
        done = self.pulumi("preview", "--json", "--stack", stack)
        return cast(list[dict[str, Any]], json.loads(done.stdout)["steps"])

    def changes(self, stack: str) -> dict[str, str]:
        """Return what a preview would change, by the resources' names; a read changes nothing."""
        return {
            step["urn"].rsplit("::", 1)[1]: step["op"]
            for step in self.preview(stack)
            if step["op"] not in ("same", "read")
        }
