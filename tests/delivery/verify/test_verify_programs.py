"""`make verify` against real programs: Alloy and Tempo as the plan of dev renders them."""

import contextlib
import gzip
import http.client
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from components.tempo.settings import TempoMode
from delivery.verify import __main__ as command
from delivery.verify import site as limits
from delivery.verify.site import Site, ask
from plan import needs
from plan.rehearse.collectors import Destinations, collector, tiers
from plan.rehearse.programs import HOST, free_ports
from plan.rehearse.tempo import moved, ready, tempo
from tests import golden
from tests.delivery.verify.test_verify import quiet, wrong
from tests.delivery.verify.world import healthy
from tests.tempo.cases import METRICS, arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import s3_stand_in

pytestmark = [
    pytest.mark.slow,
    needs_charts,
    pytest.mark.skipif(
        not (shutil.which("alloy") and shutil.which("tempo")),
        reason="needs alloy and tempo on PATH",
    ),
]
BUCKET = arguments(TempoMode.MONOLITHIC).bucket
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"
NO_RECEIVER = b"remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"


@dataclass
class Backends:
    """Prometheus, Loki and a way to S3 in one.

    Attributes:
        receives: whether the metrics backend accepts remote writes.
        may_write: whether S3 accepts objects.
        s3: URL of S3.
        written: when the last sample arrived.
        lines: body, and trace id as metadata, of each log record.
    """

    url: str = ""
    receives: bool = True
    may_write: bool = True
    s3: str = ""
    written: float = 0
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer a POST."""
        if path.endswith("/v1/logs"):
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                for scope in resource.scope_logs:
                    self.lines += [
                        (r.body.string_value, r.trace_id.hex()) for r in scope.log_records
                    ]
            return 200, b""
        if path.endswith("/api/v1/write"):
            if not self.receives:
                return 404, NO_RECEIVER
            # Compression refers back to the parts of a name that were there before.
            if b"_graph_request_" in body:
                self.written = time.time() + 5
            return 204, b""
        return 200, b"{}"

    def query(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """Answer a query for metrics or logs."""
        if path.endswith("/api/v1/query"):
            found = [{"value": [0, str(self.written)]}] if self.written else []
            return {"data": {"result": found}}
        trace_id = query["query"][0].split('"')[-2]
        streams = [
            {"stream": {"trace_id": i}, "values": [["1", line]]}
            for line, i in self.lines
            if i == trace_id
        ]
        return {"data": {"result": streams}}

    def to_s3(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        """Pass a request on to S3, or deny it."""
        if method == "PUT" and not self.may_write:
            return 403, {}, DENIED
        there = http.client.HTTPConnection(urlsplit(self.s3).netloc)
        with contextlib.closing(there) as connection:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


@contextlib.contextmanager
def backends(s3: str) -> Generator[tuple[Backends, str]]:
    """Serve them; yield them, and the URL of S3."""
    its = Backends(s3=s3)

    def served(handler: type[BaseHTTPRequestHandler]) -> str:
        server = stack.enter_context(ThreadingHTTPServer((HOST, 0), handler))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(server.shutdown)
        return f"http://{HOST}:{server.server_port}"

    class Quiet(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def body(self) -> bytes:
            """Read the body."""
            if self.headers.get("Transfer-Encoding") == "chunked":
                chunks: list[bytes] = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                text = b"".join(chunks)
            else:
                text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return gzip.decompress(text) if self.headers.get("Content-Encoding") == "gzip" else text

        def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            """Send an answer."""
            self.send_response(status)
            for key, value in (headers or {}).items():
                if key.lower() not in ("content-length", "transfer-encoding", "date", "server"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    class Backend(Quiet):
        def do_POST(self) -> None:
            self.reply(*its.take(self.path, self.body()))

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.reply(200, json.dumps(its.query(parts.path, parse_qs(parts.query))).encode())

    class S3(Quiet):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = its.to_s3(self.command, self.path, self.headers, sent)
            self.reply(status, body, headers)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def do_HEAD(self) -> None:
            status, headers, _ = its.to_s3("HEAD", self.path, self.headers, b"")
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()

    with contextlib.ExitStack() as stack:
        its.url = served(Backend)
        yield its, served(S3)


@dataclass
class Deployment:
    """Alloy and Tempo that run."""

    site: Site
    backends: Backends
    config: Path
    alloy: str


@contextlib.contextmanager
def deployed(folder: Path, *, delivers: bool = True) -> Generator[Deployment]:
    """Run what the plan of dev deploys; Alloy reaches Tempo or not."""
    plan = golden.plan("dev")
    releases = [release.inputs for release, _ in needs.releases(plan)]
    [tier] = [t for t in tiers(releases) if t.name == "alloy"]
    with contextlib.ExitStack() as stack:
        s3 = stack.enter_context(s3_stand_in(folder, BUCKET))
        its, s3_url = stack.enter_context(backends(s3))
        remote_write = f"{its.url}/api/v1/write"
        args = arguments(
            TempoMode.MONOLITHIC,
            size="s",
            retention_hours=plan.settings.tempo.retention_hours,
            storage_endpoint=s3_url,
            metrics=METRICS.model_copy(update={"remote_write_url": remote_write}),
            cluster_name=plan.settings.cluster.name,
        )
        config, ports = moved(tempo_config(render(args, folder)), folder)
        stack.enter_context(tempo(config, folder))
        ready(ports)
        # A port that nothing listens on stands for one that a policy closes.
        otlp = ports["otlp_grpc"] if delivers else free_ports(1)[0]
        to = Destinations(otlp=f"{HOST}:{otlp}", other=f"{HOST}:{otlp}", http=its.url)
        alloy = stack.enter_context(collector(tier, 0, to, folder, {}))
        alloy.ready()
        tempo_url = f"http://{HOST}:{ports['http']}"
        local = {
            "service/alloy": alloy.otlp_http,
            "pod/alloy-0": f"http://{HOST}:{alloy.http}",
            "service/tempo": tempo_url,
            "pod/tempo-0": tempo_url,
        }
        logs = {"alloy-0": alloy.program.log, "tempo-0": folder / "tempo.log"}
        site = Site(
            plan=plan,
            cluster=healthy(plan).kubernetes,
            forward=lambda namespace, target, port: local.get(target, its.url),
            logs=lambda namespace, pod, previous: logs[pod].read_text() if pod in logs else "",
            grafana=None,
        )
        yield Deployment(site, its, folder / "alloy-0" / "config.alloy", local["pod/alloy-0"])


def verified(its: Deployment) -> list[str]:
    """Return what is wrong."""
    results = command.verify(its.site, quiet)
    print("\n".join(command.line(*each) for each in results))
    return wrong(results)


def test_a_deployed_stack_passes_every_check(tmp_path: Path) -> None:
    with deployed(tmp_path) as its:
        assert verified(its) == []


def no_permission(its: Deployment) -> None:
    """Take the permission to write from Tempo's role."""
    its.backends.may_write = False


def no_receiver(its: Deployment) -> None:
    """Run Prometheus without its receiver."""
    its.backends.receives = False


def bad_configuration(its: Deployment) -> None:
    """Change the ConfigMap to one that Alloy refuses."""
    its.config.write_text(its.config.read_text() + "\nnothing {}\n")
    assert ask(f"{its.alloy}/-/reload", body=b"").status == 400


_SECOND = """
declare "second" {
  otelcol.receiver.otlp "r" {
    grpc { endpoint = "192.0.2.1:4317" }
    output { traces = [otelcol.exporter.otlp.e.input] }
  }
  otelcol.exporter.otlp "e" {
    client { endpoint = "127.0.0.1:1" }
  }
}

second "default" { }
"""


def broken_component(its: Deployment) -> None:
    """Change the ConfigMap to one that Alloy loads, with a component that can't start."""
    its.config.write_text(its.config.read_text() + _SECOND)
    assert ask(f"{its.alloy}/-/reload", body=b"").status == 200


@pytest.mark.parametrize(
    ("plant", "pattern"),
    [
        (
            None,
            r"trace by id: Alloy can't deliver to Tempo; .*connection refused.*: "
            r"docs/runbooks/tracing-ingestion-stopped\.md",
        ),
        (
            no_permission,
            r"bucket: S3 denies Tempo PUT with status 403 in bucket .*Access Denied.*: "
            r"docs/runbooks/tempo-storage-access-denied\.md",
        ),
        (
            no_receiver,
            r"span metrics: the metrics backend refuses Tempo's remote write: .*404.*: "
            r"docs/runbooks/tempo-metrics-not-written\.md",
        ),
        (
            bad_configuration,
            r"Alloy's configuration: alloy-0 can't load Alloy's configuration .*: "
            r"docs/runbooks/alloy-config-not-loaded\.md",
        ),
        (
            broken_component,
            r"Alloy's configuration: alloy-0 runs without a part of Alloy's configuration: "
            r"second\.default/otelcol\.receiver\.otlp\.r is exited: .*192\.0\.2\.1:4317.*: "
            r"docs/runbooks/alloy-config-not-loaded\.md",
        ),
    ],
)
def test_a_fault_is_named_in_one_line(
    plant: Callable[[Deployment], None] | None,
    pattern: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 30)
    monkeypatch.setattr(limits, "METRICS_SECONDS", 90)
    with deployed(tmp_path, delivers=plant is not None) as its:
        if plant:
            plant(its)
        [line] = verified(its)
    assert re.fullmatch(pattern, line)
