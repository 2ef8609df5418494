"""A trace is sent and found again; a real Tempo does so in tests/tempo."""

import contextlib
import json
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from delivery import DeliveryError, smoke
from delivery.smoke import check


@dataclass
class Backend:
    """An OTLP receiver and Tempo's API in one.

    Attributes:
        url: where it listens.
        missing: answers of 404 before a trace is found.
        refuses: status that traces are refused with.
        loses: takes traces and has none.
        adds: attributes that its Alloy sets on a resource.
    """

    url: str = ""
    missing: int = 0
    refuses: int = 0
    loses: bool = False
    adds: dict[str, str] = field(default_factory=lambda: {"k8s.cluster.name": "lab"})
    tenants: list[str | None] = field(default_factory=list[str | None])
    traces: dict[str, Any] = field(default_factory=dict[str, Any])

    def take(self, body: dict[str, Any]) -> None:
        """Keep a trace as Tempo does, with what Alloy added."""
        for resource in body["resourceSpans"]:
            resource["resource"]["attributes"] += [
                {"key": name, "value": {"stringValue": value}} for name, value in self.adds.items()
            ]
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    self.traces[span["traceId"]] = {"batches": [resource]}


@contextlib.contextmanager
def backend(**behaviour: Any) -> Generator[Backend]:
    """Serve one."""
    here = Backend(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/traces"
            if not (here.refuses or here.loses):
                here.take(body)
            self.reply(here.refuses or 200, {"partialSuccess": {}})

        def do_GET(self) -> None:
            here.tenants.append(self.headers.get("X-Scope-OrgID"))
            found = here.traces.get(self.path.removeprefix("/api/traces/"))
            if here.missing or found is None:
                here.missing -= 1
                self.reply(404, {})
            else:
                self.reply(200, found)

        def reply(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here.url = f"http://127.0.0.1:{server.server_port}"
        yield here
        server.shutdown()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "WAIT_SECONDS", 1)
    monkeypatch.setattr(smoke, "_PAUSE_SECONDS", 0.05)


def test_it_asks_until_the_trace_is_there() -> None:
    with backend(missing=3) as here:
        found = check(send_to=here.url, query=here.url, tenant="acme")
    assert found == {"service.name": "smoke-check", "k8s.cluster.name": "lab"}
    assert here.tenants == ["acme"] * 4


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [({"refuses": 429}, "was refused: 429"), ({"loses": True}, "not found within 1 s")],
)
def test_a_failure_says_what_failed(behaviour: dict[str, Any], message: str) -> None:
    with backend(**behaviour) as here, pytest.raises(DeliveryError, match=message):
        check(send_to=here.url, query=here.url)


def test_nobody_listens() -> None:
    with pytest.raises(DeliveryError, match="no answer"):
        check(send_to="http://127.0.0.1:1", query="http://127.0.0.1:1")


def kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> Path:
    """Put a kubectl on PATH that says where it forwards; return the file of its arguments."""
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{says}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "asked"


def attributes(stack: str, **changed: str) -> dict[str, str]:
    """Return what the Alloy of a stack sets."""
    own = {"k8s.cluster.name": f"platform-{stack}", "deployment.environment.name": stack}
    return {**own, **changed}


def smoke_through(
    kubectl_folder: Path, monkeypatch: pytest.MonkeyPatch, stack: str, adds: dict[str, str]
) -> tuple[int, list[str]]:
    """Run the command against one backend; return its status and the calls of kubectl."""
    with backend(adds=adds) as here:
        forwarding = f"echo 'Forwarding from {here.url.removeprefix('http://')} -> 4318'"
        asked = kubectl(kubectl_folder, monkeypatch, f"{forwarding}\nexec sleep 60")
        monkeypatch.setattr(sys, "argv", ["delivery.smoke", stack])
        status = smoke.main()
    return status, asked.read_text().splitlines()


def test_the_way_into_the_cluster_follows_from_the_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, asked = smoke_through(tmp_path, monkeypatch, "staging", attributes("staging"))
    assert status == 0
    kubeconfig = Path("~/.kube/config").expanduser()
    cluster = f"--kubeconfig={kubeconfig} --context=platform-staging port-forward"
    assert [line.partition(" service/")[0] for line in asked] == [cluster] * 2
    assert "k8s.cluster.name = platform-staging" in capsys.readouterr().out


def test_the_stack_that_made_the_cluster_hands_over_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/outputs\necho \'"apiVersion: v1"\'\n')
    cli.chmod(0o755)
    monkeypatch.setattr("plan.cli.find", lambda: str(cli))
    status, asked = smoke_through(tmp_path, monkeypatch, "prod", attributes("prod"))
    assert status == 0
    outputs = (tmp_path / "outputs").read_text().split()
    assert outputs[:3] == ["stack", "output", "kubeconfig"]
    assert outputs[outputs.index("--stack") + 1] == "organization/platform/prod"
    used = {line.split()[0].removeprefix("--kubeconfig=") for line in asked}
    assert len(used) == 1
    # It may hold credentials.
    assert not Path(used.pop()).exists()


def test_without_a_way_into_the_cluster_kubectl_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = tmp_path / "pulumi"
    cli.write_text("#!/bin/sh\necho 'no such stack' >&2\nexit 255\n")
    cli.chmod(0o755)
    monkeypatch.setattr("plan.cli.find", lambda: str(cli))
    asked = kubectl(tmp_path, monkeypatch, "")
    monkeypatch.setattr(sys, "argv", ["delivery.smoke", "prod"])
    assert smoke.main() == 1
    assert "organization/platform/prod (tracing:cluster.stackReference)" in capsys.readouterr().err
    assert not asked.exists()


@pytest.mark.parametrize(
    ("adds", "message"),
    [
        (
            attributes("staging", **{"k8s.cluster.name": "platform-dev"}),
            'k8s.cluster.name is "platform-dev", not "platform-staging"',
        ),
        (
            attributes("staging", **{"deployment.environment.name": "dev"}),
            'deployment.environment.name is "dev", not "staging"',
        ),
        ({}, 'k8s.cluster.name is not set, not "platform-staging"'),
    ],
)
def test_a_trace_that_another_stack_received_is_a_failure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    adds: dict[str, str],
    message: str,
) -> None:
    assert smoke_through(tmp_path, monkeypatch, "staging", adds)[0] == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("says", "message"),
    [("echo 'no such context' >&2; exit 1", "can't forward a port"), (None, "can't run kubectl")],
)
def test_no_way_into_the_cluster_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    says: str | None,
    message: str,
) -> None:
    if says is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        kubectl(tmp_path, monkeypatch, says)
    monkeypatch.setattr(sys, "argv", ["delivery.smoke", "local"])
    assert smoke.main() == 1
    said = capfd.readouterr().err
    assert message in said
    assert "Traceback" not in said
