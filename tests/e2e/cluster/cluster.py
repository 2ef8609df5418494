"""kubectl."""

import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Generator, Iterable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

Json = dict[str, Any]
_FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) -> ")


class Cluster:
    """A cluster, by the command line that reaches it."""

    def __init__(self, *kubectl: str) -> None:
        self.kubectl = kubectl

    def run(self, *arguments: str, text: str = "", ok: bool = True, timeout: float = 600) -> str:
        """Run kubectl; return what it prints, with its errors if it may fail."""
        done = subprocess.run(
            [*self.kubectl, *arguments], input=text, capture_output=True, text=True, timeout=timeout
        )
        if ok and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout if ok else done.stdout + done.stderr

    def get(self, *arguments: str) -> Json:
        """Return objects."""
        return cast(Json, json.loads(self.run("get", *arguments, "-o", "json")))

    def items(self, *arguments: str) -> list[Json]:
        """Return the objects of a list."""
        return cast(list[Json], self.get(*arguments)["items"])

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Create or change objects."""
        self.run("apply", "-f", "-", text=yaml.safe_dump_all(map(dict, objects)))

    def exec(self, namespace: str, pod: str, *command: str) -> Any:
        """Run a command in a pod; return the JSON that it prints."""
        return json.loads(self.run("-n", namespace, "exec", pod, "--", *command))

    @contextlib.contextmanager
    def forwarded(self, url: str) -> Generator[str]:
        """Forward a local port to the Service of a URL in the cluster; yield the local URL."""
        parts = urlsplit(url)
        service, namespace = (parts.hostname or "").split(".")[:2]
        command = [*self.kubectl, "-n", namespace, "port-forward"]
        command += [f"service/{service}", f":{parts.port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                output = process.stdout or ()
                found = next(filter(None, map(_FORWARDING.match, output)), None)
                assert found, f"kubectl can't forward a port to {url}"
                # kubectl prints a line for each connection and would block if nobody read them.
                threading.Thread(target=list, args=(output,), daemon=True).start()
                yield f"http://{found[1]}"
            finally:
                process.terminate()

    def rolled_out(self, namespace: str, workload: str, seconds: int = 300) -> None:
        """Wait until a workload's pods are updated and ready."""
        timeout = f"--timeout={seconds}s"
        self.run("-n", namespace, "rollout", "status", workload, timeout, timeout=seconds + 30)

    def pods(self, namespace: str, selector: str = "") -> list[Json]:
        """Return the pods that are not about to end."""
        selected = ("-l", selector) if selector else ()
        found = self.items("pods", "-n", namespace, *selected)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: Json) -> bool:
    """Return whether a pod takes traffic."""
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def restarts(pod: Json) -> int:
    """Return how often the containers of a pod were restarted."""
    return sum(c["restartCount"] for c in pod["status"].get("containerStatuses", []))
