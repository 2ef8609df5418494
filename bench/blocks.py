"""Measures the size of a span in a block of a real Tempo: python -m bench.blocks."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from config.markdown import table
from plan.rehearse import metrics
from plan.rehearse.programs import get, wait_for
from plan.rehearse.replay import Replay
from plan.rehearse.shop import Shop
from tests.e2e.answers import servers
from tests.e2e.answers.harness import reason_to_skip
from tests.e2e.answers.planned import Planned, written
from tests.e2e.answers.servers import Running
from tests.tempo.running import s3_client

_ROOT = Path(__file__).parent.parent
_NEEDED = ("tempo", "helm")
#: Counters of Tempo's distributor.
_SPANS, _BYTES = "tempo_distributor_spans_received_total", "tempo_distributor_bytes_received_total"
#: Longest time in seconds until all blocks are in the bucket.
_PATIENCE_SECONDS = 180


def planned(folder: Path) -> Planned:
    """Plan dev without a metrics-generator: it would write every span a second time."""
    document: dict[str, Any] = yaml.safe_load((_ROOT / "Pulumi.dev.yaml").read_text())
    config = document["config"]
    config["tracing:tempo"]["traceqlMetrics"] = False
    del config["tracing:backends"]["metrics"]
    (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump(document))
    shutil.copy(_ROOT / "Pulumi.yaml", folder)
    return written("bench", folder)


def blocks(objects: dict[str, int]) -> dict[str, int]:
    """Return the bytes of each complete block: those with a meta.json.

    The keys of objects are `<tenant>/<block>/<name>`.
    """
    sizes: dict[str, int] = {}
    for key, size in objects.items():
        block = key.rpartition("/")[0]
        if f"{block}/meta.json" in objects:
            sizes[block] = sizes.get(block, 0) + size
    return sizes


def stored(client: Any, bucket: str) -> dict[str, int]:  # noqa: ANN401
    """Return the bytes of each complete block in a bucket of S3."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return blocks({o["Key"]: int(o["Size"]) for page in pages for o in page.get("Contents", [])})


def measure(per_second: float, seconds: float) -> list[tuple[str, str]]:
    """Send the shop's spans through Tempo and return the results as rows of a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        its, running = planned(folder), Running(prometheus="")
        charts = Path(os.environ["TRACING_TEST_CHARTS"])
        with servers.tempos(its, charts, folder, running):
            shop = Shop({"k8s.cluster.name": its.settings.cluster.name})
            traces = shop.traces(round(per_second * seconds), large=False)
            Replay(running.otlp.removeprefix("http://")).run(traces, per_second)
            get(f"{running.tempo}/flush")
            exposed = (get(f"{running.tempo}/metrics") or b"").decode()
            spans, received = metrics.total(exposed, _SPANS), metrics.total(exposed, _BYTES)
            found = _flushed(running.s3, its.settings.bucket, shop.requests)
    size = sum(found.values())
    return [
        ("spans", f"{spans:,.0f}"),
        ("bytes of a span as received", f"{received / spans:.0f}"),
        ("blocks", str(len(found))),
        ("bytes of a span in its block", f"{size / spans:.0f}"),
        ("share", f"{size / received:.2f}"),
    ]


def _flushed(s3: str, bucket: str, traces: int) -> dict[str, int]:
    """Return the blocks of the bucket once they hold every trace: one for each request."""
    client = s3_client(s3)

    def whole() -> dict[str, int] | None:
        found = stored(client, bucket)
        metas = [
            json.load(client.get_object(Bucket=bucket, Key=f"{block}/meta.json")["Body"])
            for block in found
        ]
        return found if sum(meta["totalObjects"] for meta in metas) >= traces else None

    return wait_for("blocks with every trace", whole, _PATIENCE_SECONDS)


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="bench.blocks", description=__doc__)
    parser.add_argument("--spans", type=float, default=400, help="spans per second")
    parser.add_argument("--seconds", type=float, default=60, help="how long the shop is open")
    arguments = parser.parse_args()
    if reason := reason_to_skip(_NEEDED):
        print(f"skipped: {reason}")
        return 0
    print(table([("what", "measured"), *measure(arguments.spans, arguments.seconds)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
