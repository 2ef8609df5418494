"""Pods for Beyla: some that it instruments, and some that it leaves out."""

import shutil
import subprocess
import sys
from pathlib import Path

from . import node
from .node import Container, Pod

_PROGRAMS = Path(__file__).parent / "programs"


def pods(folder: Path, otlp: str) -> dict[str, Pod]:
    """Return the pods by name of their Deployment.

    Args:
        folder: where programs are put, readable by all.
        otlp: URL of a receiver of OTLP over HTTP.
    """
    for each in _PROGRAMS.glob("*.*"):
        shutil.copy(each, folder)
    go = ("go", "build", "-o", str(folder / "service"), str(folder / "service.go"))
    subprocess.run(go, check=True)
    subprocess.run(("javac", "-d", str(folder), str(folder / "Service.java")), check=True)
    python = (shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable,)
    python += (str(folder / "service.py"),)
    javascript = (shutil.which("node") or "node", str(folder / "service.js"))
    java = (shutil.which("java") or "java", "-Xmx64m", "-cp", str(folder), "Service")

    def url(number: int, port: int = 8080) -> str:
        return f"http://{node.address(number)}:{port}"

    def one(deployment: str, *command: str, namespace: str = "shop", **environment: str) -> Pod:
        container = Container(name=deployment, command=command, environment=environment)
        return Pod(deployment=deployment, namespace=namespace, containers=[container])

    web = one("web", *python, NEXT=url(1))
    proxy = Container(name="istio-proxy", command=python, port=15001, environment={"NEXT": url(0)})
    agent = one("agent", *python)
    inject = {"instrumentation.opentelemetry.io/inject-python": "tracing-operator/tracing"}
    found = [
        Pod(deployment="web", containers=[*web.containers, proxy]),
        one("cart", str(folder / "service"), NEXT=url(2)),
        one("stock", *javascript, NEXT=url(3)),
        one("ledger", *java),
        one("old", *python, namespace="legacy"),
        one("alloy", *python, namespace="tracing"),
        one("sdk", *python, OTLP=otlp),
        Pod(deployment="agent", containers=agent.containers, annotations=inject),
    ]
    return {each.deployment: each for each in found}
