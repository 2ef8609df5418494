"""Services in several languages that run the code of docs/custom-spans.md under a real agent."""

import contextlib
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.onboarding.settings import Language
from tests.alloy.gateway import WAIT_SECONDS, wait_for
from tests.test_docs import ROOT, blocks

#: Where `tests/onboarding/agents/install` puts them.
AGENTS = ROOT / "build" / "agents"
PROGRAMS = Path(__file__).parent / "agents"
DOCUMENT = ROOT / "docs" / "onboarding.md"
SPANS = ROOT / "docs" / "custom-spans.md"


@dataclass(frozen=True)
class Service:
    """How to run one language's service.

    Attributes:
        block: language of the document's code block.
        code: file that the code goes into.
        has: text that tells the block from others of the same language.
        needs: a file that is there once the agent is installed.
        build: a command in the service's folder, if one must come first.
        command: starts the service, in that folder.
        env: what starts the agent.
    """

    block: str
    code: str
    has: str
    needs: Path
    command: tuple[str, ...]
    build: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None


_PYTHON, _JAVA = AGENTS / "python" / "bin", AGENTS / "java"
_NODE = AGENTS / "node" / "node_modules"
_CLASSES = ":".join(f"{_JAVA}/opentelemetry-{part}.jar" for part in ("api", "common", "context"))
SERVICES = {
    Language.PYTHON: Service(
        block="python",
        code="cart.py",
        has="def price",
        needs=_PYTHON / "opentelemetry-instrument",
        command=(str(_PYTHON / "opentelemetry-instrument"), str(_PYTHON / "python"), "app.py"),
    ),
    Language.NODEJS: Service(
        block="js",
        code="cart.js",
        has="price",
        needs=_NODE / "@opentelemetry",
        command=("node", "app.js"),
        env={"NODE_OPTIONS": "--require @opentelemetry/auto-instrumentations-node/register"},
    ),
    Language.JAVA: Service(
        block="java",
        code="Prices.java",
        has="price",
        needs=_JAVA / "opentelemetry-javaagent.jar",
        build=("javac", "-cp", _CLASSES, "App.java", "Prices.java"),
        command=("java", "-cp", f".:{_CLASSES}", "App"),
        env={"JAVA_TOOL_OPTIONS": f"-javaagent:{_JAVA}/opentelemetry-javaagent.jar"},
    ),
    Language.GO: Service(
        block="go",
        code="cart.go",
        has="func price",
        needs=AGENTS / "go" / "go.sum",
        build=("go", "build", "-mod=mod", "-o", "cart", "."),
        command=("./cart",),
    ),
}


def missing(language: Language) -> str | None:
    """Return what this machine lacks to run a language's service, or None."""
    if not SERVICES[language].needs.exists():
        return f"the agent of {language} is not installed (tests/onboarding/agents/install)"
    return None


@contextlib.contextmanager
def running(language: Language, env: Mapping[str, str], folder: Path) -> Generator[str]:
    """Run a service with an environment; yield the URL that it answers.

    The rest of its environment is what a container would have of this machine: paths alone.
    """
    service = SERVICES[language]
    shutil.copytree(PROGRAMS / language, folder, dirs_exist_ok=True)
    [code] = [text for text in blocks(SPANS, service.block) if service.has in text]
    (folder / service.code).write_text(code)
    if language is Language.NODEJS:
        (folder / "node_modules").symlink_to(_NODE)
    if language is Language.GO:
        for name in ("go.mod", "go.sum"):
            shutil.copy(AGENTS / "go" / name, folder)
    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    if service.build:
        built = subprocess.run(service.build, cwd=folder, env=base, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Spans are sent at once, not each five seconds.
    fast = {"OTEL_BSP_SCHEDULE_DELAY": "100", "PORT": str(port)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            service.command,
            cwd=folder,
            env={**base, **(service.env or {}), **env, **fast},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}/price"
        wait_for(lambda: _answers(url, process, folder / "log"), folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait()


def get(url: str, **headers: str) -> str:
    """Return what a service answers."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310
        return answer.read().decode()


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        get(url)
        return True
    return False
