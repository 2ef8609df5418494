"""A real Tempo and a stand-in for S3 as processes, where the program is there."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from plan.rehearse.programs import HOST, free_ports, get, process, wait_for
from plan.rehearse.tempo import KEYS, write

TEMPO = shutil.which("tempo")

needs_tempo = pytest.mark.skipif(not TEMPO, reason="needs tempo on PATH")


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
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with process(command, folder / "s3.log", **KEYS):
        wait_for("stand-in for S3", lambda: get(url + "/moto-api/data.json"))
        s3_client(url).create_bucket(Bucket=bucket)
        yield url


def verify(config: dict[str, Any], target: str, folder: Path) -> str:
    """Return what Tempo says against a configuration for a target; nothing if it takes it."""
    file = write(config, folder)
    done = subprocess.run(
        [TEMPO or "tempo", f"-target={target}", f"-config.file={file}", "-config.verify=true"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | KEYS,
    )
    return (done.stdout + done.stderr).strip() if done.returncode else ""


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
