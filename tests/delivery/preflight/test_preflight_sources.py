"""What preflight learns from other programs, and what it does without them."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.core.settings import ClusterSettings
from delivery.preflight import sources
from delivery.preflight.api import UnknownError
from plan.recorder import Recording, Resource
from plan.run import Plan


def program(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str, status: int = 0
) -> None:
    """Put a program on PATH, and no other but the shell's."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\nexit {status}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def plan(**provider: Any) -> Plan:
    """Return as much of a plan as is read here."""
    settings = SimpleNamespace(
        cluster=ClusterSettings(name="c", region="eu-west-1", account_id="111111111111")
    )
    resource = Resource(
        urn="urn:aws",
        type="pulumi:providers:aws",
        name="aws",
        parent="",
        inputs=provider,
        protect=None,
        retain_on_delete=None,
        dependencies=[],
        provider="",
    )
    recording = Recording([resource])
    return cast(Plan, SimpleNamespace(stack="dev", settings=settings, recording=recording))


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ("""echo '{"deployment": {"resources": [{"urn": "urn:a"}]}}'""", 0, {"urn:a"}),
        ("""echo '{"deployment": {"resources": null}}'""", 0, set[str]()),
        # Never deployed: nothing in the cluster is the stack's own.
        ("echo \"error: no stack named 'dev' found\" >&2", 6, set[str]()),
        ("echo 'error: PULUMI_ACCESS_TOKEN must be set' >&2", 3, None),
    ],
)
def test_the_state_tells_what_is_deployed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    status: int,
    found: set[str] | None,
) -> None:
    program(tmp_path, monkeypatch, "pulumi", script, status)
    assert sources.deployed(plan()) == found


def test_without_the_cli_nobody_knows_what_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sources.deployed(plan()) is None


def test_aws_is_asked_as_the_provider_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "aws", 'echo "[\\"$*\\"]"')
    asked = sources.aws(plan(profile="platform"))("sts", "get-caller-identity")
    assert asked == ["sts get-caller-identity --region eu-west-1 --output json --profile platform"]


def test_why_aws_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = sources.aws(plan())
    program(tmp_path, monkeypatch, "aws", "echo; echo 'Unable to locate credentials' >&2", 255)
    with pytest.raises(UnknownError, match=r"^Unable to locate credentials$"):
        ask("sts", "get-caller-identity")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnknownError, match="the AWS CLI is not on PATH"):
        ask("sts", "get-caller-identity")


def test_status_and_headers_of_a_url() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            self.send_header("X-Amz-Bucket-Region", "us-east-1")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        status, headers = sources.head(f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert status == 403
    assert headers["x-amz-bucket-region"] == "us-east-1"
    with pytest.raises(UnknownError, match=r"^http://127.0.0.1:1/ doesn't answer: .*refused"):
        sources.head("http://127.0.0.1:1/")


def test_why_kubectl_does_not_reach_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "kubectl", "echo 'error: no such context' >&2", 1)
    with (
        pytest.raises(UnknownError, match=r"^no such context$"),
        sources.proxied([str(tmp_path / "kubectl")]),
    ):
        pass
    with (
        pytest.raises(UnknownError, match="can't run kubectl: No such file"),
        sources.proxied([str(tmp_path / "missing")]),
    ):
        pass
