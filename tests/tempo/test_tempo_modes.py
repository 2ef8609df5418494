"""Blocks that one mode of Tempo wrote are read by the other, as docs/changes.md says."""

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest

from components.tempo.settings import TempoMode
from plan.rehearse.programs import HOST, get, wait_for
from plan.rehearse.tempo import moved, ready, tempo
from tests.tempo.cases import arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import needs_tempo, s3_stand_in
from tests.tempo.test_tempo_majors import BUCKET, Running, blocks, configuration, started

pytestmark = [pytest.mark.slow, needs_charts, needs_tempo]
WRITERS = ("ingester", "ingester", "distributor")
READERS = ("querier", "query-frontend")


@contextlib.contextmanager
def distributed(s3: str, folder: Path) -> Generator[tuple[Running, list[str]]]:
    """Run the parts that write and read, with two ingesters; yield the URLs of these too."""
    args = arguments(
        TempoMode.DISTRIBUTED,
        metrics=None,
        traceql_metrics=False,
        storage_endpoint=s3,
        accept_two_ingesters=True,
        workloads={"ingester": {"replicas": 2}},
    )
    folder.mkdir()
    config = tempo_config(render(args, folder))
    targets = [*WRITERS, *READERS]
    folders = [folder / f"{target}-{number}" for number, target in enumerate(targets)]
    for each in folders:
        each.mkdir(parents=True)
    made = [moved(config, each) for each in folders]
    ports = {target: p for target, (_, p) in zip(targets, made, strict=True)}
    members = [f"{HOST}:{p['gossip']}" for _, p in made]
    with contextlib.ExitStack() as stack:
        for target, each, (own, own_ports) in zip(targets, folders, made, strict=True):
            own["memberlist"] |= {"join_members": members, "advertise_addr": HOST}
            own["memberlist"]["advertise_port"] = own_ports["gossip"]
            frontend = f"{HOST}:{ports['query-frontend']['grpc']}"
            own["querier"]["frontend_worker"]["frontend_address"] = frontend
            stack.enter_context(tempo(own, each, target))
        for _, own_ports in made:
            ready(own_ports)
        ingesters = [
            f"http://{HOST}:{p['http']}"
            for t, (_, p) in zip(targets, made, strict=True)
            if t == "ingester"
        ]
        http, otlp = ports["query-frontend"]["http"], ports["distributor"]["otlp_http"]
        yield Running(2, f"http://{HOST}:{http}", f"http://{HOST}:{otlp}"), ingesters


def test_blocks_of_both_modes_are_read_after_a_change(tmp_path: Path) -> None:
    with s3_stand_in(tmp_path, BUCKET) as s3:
        one = configuration(2, tmp_path, s3)
        with started(2, one, tmp_path / "before") as its:
            sent = its.send(20)
            its.wait_for("traces", sent)
            assert get(f"{its.http}/flush") is not None
            wait_for("block", lambda: blocks(s3))
        with distributed(s3, tmp_path / "distributed") as (its, ingesters):
            its.wait_for("blocks of mode monolithic", sent)
            before = len(blocks(s3))
            more = its.send(20)
            its.wait_for("traces", more)
            # Both have each trace: with one copy only, queries would miss some at times.
            for _ in range(3):
                assert its.has_all(more)
            for url in ingesters:
                assert get(f"{url}/flush") is not None
            wait_for("blocks", lambda: len(blocks(s3)) >= before + 2, 90)
        with started(2, one, tmp_path / "after") as its:
            its.wait_for("blocks of mode distributed", sent + more)
