"""A real Tempo and a stand-in for S3 as processes, where the program is there."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from components.backends.credentials import password_file, password_key

#: Password of the metrics backend, with all that YAML would trip over.
PASSWORD = "a: 'b' \"#{$c"

TEMPO = shutil.which("tempo")

needs_tempo = pytest.mark.skipif(not TEMPO, reason="needs tempo on PATH")

#: Keys for S3, as the chart's pods get them with a stand-in.
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
_LOCAL = "127.0.0.1"

T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind((_LOCAL, 0))
        return [s.getsockname()[1] for s in sockets]


def get(url: str, data: bytes | None = None) -> bytes | None:
    """Return what a URL answers; None where it does not answer with success."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException):
        return None


def wait_for(what: str, probe: Callable[[], T | None], seconds: float = 60) -> T:
    """Return what a probe finds, asking until it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(0.3)
    pytest.fail(f"no {what} within {seconds} s")


@contextlib.contextmanager
def process(command: list[str], log: Path, **environment: str) -> Generator[None]:
    """Run a program; its output goes to a file that a failure shows."""
    with log.open("w") as output:
        running = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | environment
        )
    try:
        yield
    except BaseException:
        print(log.read_text()[-5000:])
        raise
    finally:
        # What a clean end would save is of no interest, and Tempo takes its time for it.
        running.kill()
        running.wait()


def s3_client(url: str) -> Any:
    """Return a client of the stand-in for S3."""
    boto: Any = boto3
    return boto.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@contextlib.contextmanager
def s3_stand_in(folder: Path, bucket: str) -> Generator[str]:
    """Run a stand-in for S3 with a bucket, and yield its URL."""
    [port] = free_ports(1)
    url = f"http://{_LOCAL}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", _LOCAL, "-p", str(port)]
    with process(command, folder / "s3.log", **_KEYS):
        wait_for("stand-in for S3", lambda: get(url + "/moto-api/data.json"))
        s3_client(url).create_bucket(Bucket=bucket)
        yield url


def moved(config: dict[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a configuration with its paths in a folder and its ports free ones.

    Nothing else changes, but for the addresses that the rings would look up on a pod's interface.
    """
    names = ["http", "grpc", "otlp_grpc", "otlp_http", "gossip"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    text = yaml.safe_dump(config)
    credentials = Path(password_file("metrics")).parent
    for path in ("/var/tempo", "/conf", "/runtime-config", str(credentials)):
        text = text.replace(path, str(folder / path.strip("/").replace("/", "-")))
    text = text.replace("0.0.0.0:4317", f"{_LOCAL}:{ports['otlp_grpc']}")
    text = text.replace("0.0.0.0:4318", f"{_LOCAL}:{ports['otlp_http']}")
    new: dict[str, Any] = yaml.safe_load(text)
    overrides = Path(new["overrides"]["per_tenant_override_config"])
    overrides.parent.mkdir(exist_ok=True)
    overrides.write_text("overrides: {}\n")
    mounted = folder / str(credentials).strip("/").replace("/", "-")
    mounted.mkdir(exist_ok=True)
    (mounted / password_key("metrics")).write_text(PASSWORD)
    listen = {"http_listen_address": _LOCAL, "grpc_listen_address": _LOCAL}
    new["server"] |= listen
    new["server"] |= {"http_listen_port": ports["http"], "grpc_listen_port": ports["grpc"]}
    gossip = {"bind_addr": [_LOCAL], "bind_port": ports["gossip"], "join_members": []}
    new["memberlist"] = new.get("memberlist", {}) | gossip
    name = folder.name
    ring = {"instance_addr": _LOCAL, "instance_port": ports["grpc"], "instance_id": name}
    for section in ("distributor", "compactor", "metrics_generator"):
        if section in new:
            new[section].setdefault("ring", {}).update(ring)
    lifecycler = {"address": _LOCAL, "port": ports["grpc"], "id": name}
    new["ingester"].setdefault("lifecycler", {}).update(lifecycler)
    return new, ports


def write(config: dict[str, Any], folder: Path) -> Path:
    """Write a configuration for Tempo to read."""
    file = folder / "tempo.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def verify(config: dict[str, Any], target: str, folder: Path) -> str:
    """Return what Tempo says against a configuration for a target; nothing if it takes it."""
    file = write(config, folder)
    done = subprocess.run(
        [TEMPO or "tempo", f"-target={target}", f"-config.file={file}", "-config.verify=true"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | _KEYS,
    )
    return (done.stdout + done.stderr).strip() if done.returncode else ""


@contextlib.contextmanager
def tempo(config: dict[str, Any], folder: Path, target: str = "all") -> Generator[None]:
    """Run Tempo with a configuration that has been moved."""
    command = [TEMPO or "tempo", f"-target={target}", f"-config.file={write(config, folder)}"]
    with process(command, folder / "tempo.log", **_KEYS):
        yield


def ready(ports: dict[str, int]) -> None:
    """Wait until a Tempo is ready."""
    wait_for("Tempo", lambda: get(f"http://{_LOCAL}:{ports['http']}/ready"), 120)


@contextlib.contextmanager
def metrics_backend() -> Generator[tuple[str, list[str]]]:
    """Run a receiver of remote writes; yield its URL and the Authorization headers it gets."""
    seen: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer((_LOCAL, 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{_LOCAL}:{server.server_port}/api/v1/write", seen
    finally:
        server.shutdown()


def span(trace_id: str) -> bytes:
    """Return one span in OTLP's JSON form."""
    now = time.time_ns()
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]
                    },
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": trace_id,
                                    "spanId": trace_id[:16],
                                    "name": "GET /cart",
                                    "kind": 2,
                                    "startTimeUnixNano": str(now - 5_000_000),
                                    "endTimeUnixNano": str(now),
                                }
                            ]
                        }
                    ],
                }
            ]
        }
    ).encode()
