"""Tempo 2 and Tempo 3 with the configuration that the chart renders, on one bucket."""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.telemetry.metrics import ServiceGraphMetric, SpanMetric, TempoMetric, tempo_metric
from components.tempo.settings import TempoMode
from delivery.verify.telemetry import BACK, SPANS, Sent
from plan.rehearse.programs import get, wait_for
from plan.rehearse.sinks import http_sink
from plan.rehearse.tempo import moved, ready, tempo
from tests.tempo.cases import METRICS, arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import s3_client, s3_stand_in

PROGRAMS = {2: "tempo", 3: "tempo-3"}
pytestmark = [
    pytest.mark.slow,
    needs_charts,
    pytest.mark.skipif(
        not all(map(shutil.which, PROGRAMS.values())), reason="needs tempo and tempo-3 on PATH"
    ),
]
BUCKET = arguments(TempoMode.MONOLITHIC).bucket
#: The names that dashboards, SLOs and links read.
CONTRACT = {
    SpanMetric.CALLS,
    SpanMetric.LATENCY_BUCKET,
    SpanMetric.LATENCY_COUNT,
    SpanMetric.LATENCY_SUM,
    SpanMetric.SIZE,
    ServiceGraphMetric.REQUESTS,
    ServiceGraphMetric.SERVER_BUCKET,
    ServiceGraphMetric.CLIENT_BUCKET,
}


@dataclass
class Running:
    """A Tempo that runs."""

    major: int
    http: str
    otlp: str

    def send(self, count: int = 1) -> list[str]:
        """Send traces; return their ids."""
        sent = [Sent() for _ in range(count)]
        for each in sent:
            wait_for("receiver", lambda s=each: get(f"{self.otlp}/v1/traces", s.traces()))
        return [each.trace_id for each in sent]

    def spans(self, trace_id: str) -> int:
        """Return how many spans of a trace Tempo has."""
        found: Any = json.loads(get(f"{self.http}/api/traces/{trace_id}") or b"{}")
        return sum(
            len(scope["spans"])
            for batch in found.get("batches", ())
            for scope in batch["scopeSpans"]
        )

    def has_all(self, trace_ids: list[str]) -> bool:
        """Whether Tempo has all spans of all traces."""
        return all(self.spans(each) == SPANS for each in trace_ids)

    def wait_for(self, what: str, trace_ids: list[str]) -> None:
        """Wait until Tempo has all spans of all traces.

        One after another: on a busy machine, a query of all of them takes minutes.
        """
        for each in trace_ids:
            wait_for(what, lambda one=each: self.spans(one) == SPANS, 90)


def configuration(
    major: int, folder: Path, s3: str, remote_write: str | None = None, **config: Any
) -> dict[str, Any]:
    """Return the configuration that the chart renders."""
    metrics = (
        METRICS.model_copy(update={"remote_write_url": remote_write}) if remote_write else None
    )
    args = arguments(
        TempoMode.MONOLITHIC,
        version=major,
        size="xs",
        storage_endpoint=s3,
        metrics=metrics,
        config=config,
    )
    return tempo_config(render(args, folder))


@contextlib.contextmanager
def started(major: int, config: dict[str, Any], folder: Path) -> Generator[Running]:
    """Run a Tempo on free ports, with its volume in a folder."""
    folder.mkdir(exist_ok=True)
    local, ports = moved(config, folder)
    if major == 3:
        # A test doesn't wait five minutes for a block.
        local["live_store"] |= {"max_block_duration": "3s", "max_trace_idle": "1s"}
    with tempo(local, folder, program=PROGRAMS[major]):
        ready(ports)
        local_host = "http://127.0.0.1:"
        yield Running(major, f"{local_host}{ports['http']}", f"{local_host}{ports['otlp_http']}")


def blocks(s3: str) -> list[dict[str, Any]]:
    """Return the description of each block that was flushed, also of those that were merged."""
    client = s3_client(s3)
    keys = [i["Key"] for i in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    found = [
        json.load(client.get_object(Bucket=BUCKET, Key=key)["Body"])
        for key in keys
        if key.endswith(("/meta.json", "/meta.compacted.json"))
    ]
    return [each for each in found if not each.get("compactionLevel")]


def flushed(its: Running, s3: str, before: int) -> None:
    """Wait until a Tempo has written a block, by the number of blocks before."""
    if its.major == 2:
        wait_for("traces", lambda: get(f"{its.http}/flush") is not None, 60)
    wait_for("block", lambda: len(blocks(s3)) > before, 120)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    with s3_stand_in(tmp_path, BUCKET) as url:
        yield url


@pytest.mark.parametrize("major", PROGRAMS)
def test_a_major_works_with_the_rendered_configuration(major: int, s3: str, tmp_path: Path) -> None:
    with http_sink() as backend:
        config = configuration(major, tmp_path, s3, backend.url)
        with started(major, config, tmp_path / "tempo") as its:
            [trace_id] = its.send()
            its.wait_for("trace", [trace_id])

            query = f"%7Bresource.service.name%3D%22{BACK}%22%7D"
            found = wait_for(
                "search", lambda: _with(trace_id, get(f"{its.http}/api/search?q={query}"))
            )
            assert found
            rate = "%7B%7D%7Crate()by(resource.service.name)"
            url = f"{its.http}/api/metrics/query_range?q={rate}&since=5m"
            assert wait_for("metrics", lambda: _with(BACK, get(url)), 90)

            # The retention is in force.
            status: Any = yaml.safe_load(
                (get(f"{its.http}/status/config") or b"").decode().rpartition("---\n")[2]
            )
            section = status["compactor"] if major == 2 else status["backend_worker"]
            assert section["compaction"]["block_retention"] == "336h0m0s"

            wait_for(
                "span metrics",
                lambda: {each["__name__"] for each in backend.series()} >= CONTRACT,
                120,
            )
            calls = next(each for each in backend.series() if each["__name__"] == SpanMetric.CALLS)
            assert calls.keys() >= {"service", "span_kind", "span_name", "status_code", "source"}

            # What dashboards and alerts read of Tempo itself, once there is something to count.
            own = (get(f"{its.http}/metrics") or b"").decode()
            assert [m for m in TempoMetric if m not in LATER and not exposed(m, major, own)] == []


#: Metrics that appear with the first poll that finds a block, or the first fault.
LATER = {
    *(TempoMetric.SPANS_DISCARDED, TempoMetric.ATTRIBUTES_CUT, TempoMetric.STORED_BYTES),
    *(TempoMetric.STORED_TRACES, TempoMetric.BLOCKS, TempoMetric.POLL_ERRORS),
    *(TempoMetric.COMPACTION_OUTSTANDING, TempoMetric.BLOCKS_COMPACTED),
}


def exposed(metric: StrEnum, major: int, text: str) -> bool:
    """Whether a metric is exposed; of a native histogram, there is the type only."""
    name = tempo_metric(metric, major)
    return f"# TYPE {re.sub('_(bucket|count)$', '', name)} " in text or f"# TYPE {name} " in text


def _with(text: str, answer: bytes | None) -> bool:
    return text.lstrip("0").encode() in (answer or b"")


@pytest.mark.parametrize("major", PROGRAMS)
def test_a_restart_loses_nothing(major: int, s3: str, tmp_path: Path) -> None:
    config = configuration(major, tmp_path, s3)
    with started(major, config, tmp_path / "tempo") as its:
        sent = its.send(20)
        its.wait_for("traces", sent)
        # Both write a trace to the volume after a pause, and are then killed.
        time.sleep(20 if major == 2 else 8)
    with started(major, config, tmp_path / "tempo") as its:
        its.wait_for("traces", sent)


def now() -> str:
    """Return the time as `rf1_after` takes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def single(s3: str) -> int:
    """Return the number of blocks with one copy: of Tempo 3, or for TraceQL metrics of Tempo 2."""
    return sum(each.get("replicationFactor") == 1 for each in blocks(s3))


def test_a_move_to_tempo_3_and_back_loses_nothing(s3: str, tmp_path: Path) -> None:
    """The same volume and bucket, as docs/upgrades.md says: blocks are written before a change."""
    sent: list[str] = []
    moved_at = ""
    for number, major in enumerate((2, 3, 2)):
        back: dict[str, Any] = {"query_frontend": {"rf1_after": moved_at}} if number == 2 else {}
        config = configuration(major, tmp_path, s3, **back)
        before, copies = len(blocks(s3)), single(s3)
        with started(major, config, tmp_path / "tempo") as its:
            its.wait_for("earlier traces", sent)
            sent += its.send(20)
            its.wait_for("traces", sent)
            flushed(its, s3, before)
            if number == 0:
                # In whole seconds: after the last span of Tempo 2, before the first of Tempo 3.
                time.sleep(2)
                moved_at = now()
                time.sleep(1)
            if number == 2:
                # From now on, Tempo 2 reads the blocks of its metrics-generator.
                wait_for("generator's block", lambda n=copies: single(s3) > n, 180)
    with started(2, config, tmp_path / "reader") as reader:  # pyright: ignore[reportPossiblyUnboundVariable]
        reader.wait_for("all traces in the bucket", sent)
    assert len(sent) == 60


@pytest.mark.parametrize("version", ["vParquet4", "vParquet5"])
def test_both_majors_on_one_bucket(version: str, s3: str, tmp_path: Path) -> None:
    """Only Tempo 3 compacts. Tempo 2 finds its blocks after a time that it is told."""
    block: dict[str, Any] = {"storage": {"trace": {"block": {"version": version}}}}
    sent: dict[int, list[str]] = {}
    between = ""
    configs = {
        2: configuration(2, tmp_path, s3, compactor={"disabled": True}, **block),
        3: configuration(3, tmp_path, s3, **block),
    }
    for major, config in configs.items():
        before = len(blocks(s3))
        with started(major, config, tmp_path / f"writer-{major}") as its:
            sent[major] = its.send(20)
            its.wait_for("traces", sent[major])
            flushed(its, s3, before)
        if major == 2:
            time.sleep(2)
            between = now()
            time.sleep(1)
    assert version in {each["format"] for each in blocks(s3)}
    after: dict[str, Any] = {"query_frontend": {"rf1_after": between}}
    told = configuration(2, tmp_path, s3, compactor={"disabled": True}, **after, **block)
    for name, major, config, found in (
        ("three", 3, configs[3], {2, 3}),
        ("two", 2, configs[2], {2}),
        ("told", 2, told, {2, 3}),
    ):
        with started(major, config, tmp_path / name) as reader:
            for writer in found:
                reader.wait_for(name, sent[writer])
            assert {w for w in sent if any(map(reader.spans, sent[w]))} == found
