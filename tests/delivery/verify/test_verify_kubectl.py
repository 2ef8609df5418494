"""The way into the cluster is the stack's own, never the current context."""

import sys
from pathlib import Path

import pytest

from delivery import DeliveryError
from delivery.verify import site
from tests import golden

#: A kubectl that writes down its arguments, serves an API and forwards to port 9.
_KUBECTL = """#!{python}
import http.server, socketserver, sys
arguments = sys.argv[1:]
with open("{folder}/asked", "a") as file:
    file.write(" ".join(arguments) + "\\n")
if "proxy" in arguments:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{{}}")
        def log_message(self, *_):
            pass
    path = arguments[-1].partition("=")[2]
    with socketserver.UnixStreamServer(path, Handler) as server:
        print("Starting to serve on", path, flush=True)
        server.serve_forever()
elif "port-forward" in arguments:
    if "service/none" in arguments:
        sys.exit(1)
    print("Forwarding from 127.0.0.1:9 -> 3200", flush=True)
    sys.stdin.read()
else:
    print("a line")
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a kubectl on PATH; return the file of its arguments."""
    program = tmp_path / "kubectl"
    program.write_text(_KUBECTL.format(python=sys.executable, folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "asked"


def test_the_way_into_the_cluster_follows_from_the_stack_file(asked: Path) -> None:
    with site.reached(golden.plan("staging")) as its:
        url = "http://tempo.tracing.svc.cluster.local:3200/x"
        assert its.service(url) == "http://127.0.0.1:9/x"
        # A second check uses the same process.
        its.service(url)
        assert its.logs("tracing", "tempo-0", True) == "a line\n"
    calls = asked.read_text().splitlines()
    assert len(calls) == 3
    own = f"--kubeconfig={Path('~/.kube/config').expanduser()} --context=platform-staging "
    assert all(call.startswith(own) for call in calls)
    assert calls[1].endswith("port-forward service/tempo :3200 -n tracing")
    assert calls[2].endswith("logs tempo-0 -n tracing --all-containers --tail=400 --previous")


def test_the_stack_that_made_the_cluster_hands_over_the_way(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = asked.parent
    cli = folder / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "$@" > {folder}/outputs\necho \'"apiVersion: v1"\'\n')
    cli.chmod(0o755)
    monkeypatch.setattr("plan.cli.find", lambda: str(cli))
    with site.reached(golden.plan("prod")):
        pass
    outputs = (folder / "outputs").read_text().split()
    assert outputs[:3] == ["stack", "output", "kubeconfig"]
    assert outputs[outputs.index("--stack") + 1] == "organization/platform/prod"
    [used] = {line.split()[0].removeprefix("--kubeconfig=") for line in asked.open()}
    # It may hold credentials.
    assert not Path(used).exists()


def test_without_a_way_into_the_cluster_kubectl_is_not_called(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = asked.parent / "pulumi"
    cli.write_text("#!/bin/sh\necho 'no such stack' >&2\nexit 255\n")
    cli.chmod(0o755)
    monkeypatch.setattr("plan.cli.find", lambda: str(cli))
    with (
        pytest.raises(DeliveryError, match="organization/platform/prod"),
        site.reached(golden.plan("prod")),
    ):
        pass
    assert not asked.exists()


def test_a_service_that_is_not_there_is_one_sentence(asked: Path) -> None:
    with (
        site.reached(golden.plan("dev")) as its,
        pytest.raises(DeliveryError, match="service/none"),
    ):
        its.service("http://none.tracing.svc:80")


def test_without_kubectl_the_reason_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeliveryError, match="can't run kubectl"), site.reached(golden.plan("dev")):
        pass


def test_only_a_token_opens_the_api_of_grafana(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.reached(golden.plan("dev")) as its:
        assert its.grafana is None
    monkeypatch.setenv("GRAFANA_TOKEN", "abc")
    with site.reached(golden.plan("dev")) as its:
        assert its.grafana is not None
        assert its.grafana.url == "https://grafana.dev.example.com"
    assert asked.exists()
