"""Tempo 3 in mode distributed with a broker, as the chart renders it."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.telemetry.metrics import TempoKafkaMetric, TempoMetric
from components.tempo.settings import TempoMode
from plan.rehearse.programs import HOST, Program, get, wait_for
from plan.rehearse.sinks import HttpSink, http_sink
from plan.rehearse.tempo import moved, ready, tempo
from tests.tempo.cases import METRICS, arguments
from tests.tempo.rendering import needs_chart_of_kafka, needs_charts, render, tempo_config
from tests.tempo.running import s3_client, s3_stand_in
from tests.tempo.test_tempo_majors import LATER as ALWAYS_LATER
from tests.tempo.test_tempo_majors import Running, exposed

#: Host and port of a broker that makes topics, of two partitions each, as they are written to.
BROKER = os.environ.get("KAFKA_BROKERS", "")
#: User and password for SASL/PLAIN, if it wants them.
USER, PASSWORD = (os.environ.get(f"KAFKA_{name}", "") for name in ("USERNAME", "PASSWORD"))
#: A part of each kind, and one for each partition, whose number is in the name.
PARTS = [
    "live-store-0",
    "live-store-1",
    "block-builder-0",
    "block-builder-1",
    "metrics-generator-0",
    "distributor-0",
    "querier-0",
    "query-frontend-0",
    "backend-scheduler-0",
    "backend-worker-0",
]

pytestmark = [
    pytest.mark.slow,
    needs_charts,
    pytest.mark.skipif(not shutil.which("tempo-3"), reason="needs tempo-3 on PATH"),
    pytest.mark.skipif(not BROKER, reason="needs KAFKA_BROKERS, the address of a Kafka broker"),
    needs_chart_of_kafka,
]


@dataclass(kw_only=True)
class Parts(Running):
    """All parts of a Tempo."""

    ports: dict[str, dict[str, int]]
    programs: dict[str, Program]
    s3: Any
    bucket: str
    folder: Path
    backend: HttpSink

    def blocks(self) -> int:
        """Return the number of blocks in the bucket."""
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sum(item["Key"].endswith("/meta.json") for item in found)

    def metrics(self) -> str:
        """Return the metrics of all parts."""
        urls = [f"http://{HOST}:{self.ports[part]['http']}/metrics" for part in PARTS]
        return "\n".join((get(url) or b"").decode() for url in urls)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Parts]:
    bucket = arguments(TempoMode.DISTRIBUTED).bucket
    with (
        s3_stand_in(tmp_path, bucket) as s3,
        http_sink() as backend,
        contextlib.ExitStack() as stack,
    ):
        args = arguments(
            TempoMode.DISTRIBUTED,
            version=3,
            kafka={
                "address": BROKER,
                "topic": f"test-{secrets.token_hex(4)}",
                "partitions": 2,
                "username": USER or None,
                "password_secret": {"name": "kafka", "key": "password"} if USER else None,
            },
            storage_endpoint=s3,
            metrics=METRICS.model_copy(update={"remote_write_url": backend.url}),
        )
        config = tempo_config(render(args, tmp_path))
        config["ingest"]["kafka"]["auto_create_topic_enabled"] = True
        config["ingest"]["kafka"]["consumer_group_lag_metric_update_interval"] = "2s"
        folders = {part: tmp_path / part for part in PARTS}
        for folder in folders.values():
            folder.mkdir()
        parts = {part: moved(config, folder) for part, folder in folders.items()}
        ports = {part: own for part, (_, own) in parts.items()}
        programs: dict[str, Program] = {}
        for part, (own, own_ports) in parts.items():
            # In the cluster, Services lead to these.
            own["memberlist"] |= {
                "join_members": [f"{HOST}:{its['gossip']}" for its in ports.values()],
                "advertise_addr": HOST,
                "advertise_port": own_ports["gossip"],
            }
            frontend = f"{HOST}:{ports['query-frontend-0']['grpc']}"
            own["querier"]["frontend_worker"]["frontend_address"] = frontend
            scheduler = f"{HOST}:{ports['backend-scheduler-0']['grpc']}"
            own["backend_worker"]["backend_scheduler_addr"] = scheduler
            # A test doesn't wait five minutes for a block.
            own["block_builder"]["consume_cycle_duration"] = "5s"
            target = part.rpartition("-")[0]
            if USER:
                # In the cluster, an argument has it.
                own["ingest"]["kafka"]["sasl_password"] = PASSWORD
            programs[part] = stack.enter_context(tempo(own, folders[part], target, "tempo-3"))
        for own_ports in ports.values():
            ready(own_ports)
        yield Parts(
            major=3,
            http=f"http://{HOST}:{ports['query-frontend-0']['http']}",
            otlp=f"http://{HOST}:{ports['distributor-0']['otlp_http']}",
            ports=ports,
            programs=programs,
            s3=s3_client(s3),
            bucket=bucket,
            folder=tmp_path,
            backend=backend,
        )


#: Metrics that appear with a poll that finds a block, or with the first fault.
LATER = {*ALWAYS_LATER, TempoKafkaMetric.PRODUCE_FAILURES}
#: What a block builder doesn't count.
ABSENT = {TempoMetric.BLOCKS_FLUSHED}


def test_the_parts_work_together(running: Parts) -> None:
    sent = running.send(20)
    running.wait_for("traces in the live store", sent)
    wait_for("blocks of both partitions", lambda: running.blocks() > 1, 120)
    wait_for("span metrics", lambda: list(running.backend.series()), 120)
    for partition in (0, 1):
        lag = f'{TempoKafkaMetric.LAG}{{group="block-builder",partition="{partition}"}} 0'
        wait_for("lag of 0", lambda lag=lag: lag in running.metrics(), 60)

    # What dashboards and alerts read.
    own = running.metrics()
    wanted = {*TempoMetric, *TempoKafkaMetric} - LATER - ABSENT
    assert [m for m in wanted if not exposed(m, 3, own)] == []

    # A live store that loses its disk reads Kafka again.
    store = running.programs["live-store-0"]
    store.kill()
    shutil.rmtree(running.folder / "live-store-0" / "live-store")
    more = running.send(5)
    store.start()
    ready(running.ports["live-store-0"])
    running.wait_for("all traces", [*sent, *more])
