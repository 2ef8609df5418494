"""A real Alloy with the generated configuration, on free ports of this machine."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from components.alloy.component import AlloyArgs
from components.alloy.pipeline import config
from components.alloy.queues import STABILITY
from components.backends.credentials import password_file
from components.core.names import INGRESS_GRPC_PORT, INGRESS_HTTP_PORT
from plan.rehearse.programs import free_ports

ALLOY = shutil.which("alloy")
WAIT_SECONDS = 30
_STABLE = "generally-available"

needs_alloy = pytest.mark.skipif(ALLOY is None, reason="alloy is not on PATH")


@dataclass(frozen=True)
class Gateway:
    """Where the running Alloy takes OTLP over HTTP.

    Attributes:
        url: for senders in the cluster.
        outside: for senders outside, `host:port` for gRPC and for HTTP.
        process: Alloy itself.
    """

    url: str
    outside: tuple[str, str] = ("", "")
    process: "subprocess.Popen[bytes] | None" = None

    def send(self, signal: str, body: Mapping[str, Any], **headers: str) -> int:
        """Send OTLP in JSON, with more headers; return the HTTP status."""
        request = urllib.request.Request(  # noqa: S310 - a fixed scheme
            f"{self.url}/v1/{signal}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP writes them in JSON."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def any_value(value: Any) -> dict[str, Any]:
    """Return the value of an attribute, or a body, as OTLP writes it in JSON."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case dict():
            return {"kvlistValue": {"values": attributes(cast("dict[str, Any]", value))}}
        case _:
            return {"arrayValue": {"values": [any_value(item) for item in value]}}


#: Statement after which the connection's pod is looked up.
SET_ASIDE = r"""`replace_all_patterns(resource.attributes, "key", "^k8s[\\W_]", "sender.k8s.")`"""


@contextmanager
def gateway(
    args: AlloyArgs,
    folder: Path,
    *,
    kubernetes: str = "passthrough = true",
    connection: str | None = None,
    passwords: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    addresses: Mapping[str, str] | None = None,
    **environment: str,
) -> Generator[Gateway, None, None]:
    """Run Alloy.

    Args:
        args: what the configuration is made from.
        folder: an empty folder for its files.
        kubernetes: argument of k8sattributes that stands for the API of the cluster it runs in; by
            default there is none.
        connection: namespace of the pod that the connection belongs to; by default no pod's.
        passwords: passwords and tokens that the pods mount, by the backend.
        files: content of other files that the pods mount, by their paths.
        addresses: what to replace in the configuration, such as host names of a cluster.
        environment: more environment variables.
    """
    grpc, http, own, *outside = free_ports(5)
    text = config(args)
    shown = f'`set(resource.attributes["k8s.namespace.name"], "{connection}")`'
    for old, new, count in (
        ("0.0.0.0:4317", f"127.0.0.1:{grpc}", 1),
        ("0.0.0.0:4318", f"127.0.0.1:{http}", 1),
        ("wait_for_metadata = false", kubernetes, 2),
        (SET_ASIDE, f"{SET_ASIDE}, {shown}" if connection else SET_ASIDE, 3),
    ):
        assert text.count(old) == count
        text = text.replace(old, new)
    for old, new in (addresses or {}).items():
        assert old in text
        text = text.replace(old, new)
    for writer, password in (passwords or {}).items():
        (folder / writer).write_text(password)
        text = text.replace(password_file(writer), str(folder / writer))
    for path, content in (files or {}).items():
        copy = folder / path.rpartition("/")[2]
        copy.write_text(content)
        text = text.replace(f'"{path}"', f'"{copy}"')
    for port, free in zip((INGRESS_GRPC_PORT, INGRESS_HTTP_PORT), outside, strict=True):
        text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free}")
    ports = (http, grpc, *(outside if args.settings.ingress else ()))
    with running(text, folder, own, ports, environment) as process:
        entry = (f"127.0.0.1:{outside[0]}", f"127.0.0.1:{outside[1]}")
        yield Gateway(f"http://127.0.0.1:{http}", entry, process)


@contextmanager
def running(
    text: str, folder: Path, own: int, ports: Sequence[int], environment: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes], None, None]:
    """Run Alloy with a configuration, until it listens on some ports.

    Args:
        text: the configuration.
        folder: an empty folder for its files.
        own: port of Alloy's own server.
        ports: ports that the configuration listens on.
        environment: more environment variables.
    """
    text = text.replace('"/var/lib/alloy-queue/', f'"{folder}/queue/')
    file = folder / "config.alloy"
    file.write_text(text)
    log = folder / "alloy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(ALLOY or "alloy", "run", file, "--disable-reporting"),
                *("--stability.level", STABILITY if "queue_on_volume" in text else _STABLE),
                *("--storage.path", folder / "data"),
                f"--server.http.listen-addr=127.0.0.1:{own}",
            ],
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
        )
    try:
        for port in ports:
            wait_for(lambda port=port: process.poll() is not None or _open(port), log)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], bool], log: Path | None = None) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it was not so in time; with the log.
    """
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, log.read_text() if log else "not in time"
        time.sleep(0.1)


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
