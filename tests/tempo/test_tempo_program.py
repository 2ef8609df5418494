"""A real Tempo with the configuration that the charts render."""

import contextlib
import json
import secrets
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.tempo.settings import TempoMode
from delivery.verify.telemetry import BACK, Sent
from plan.rehearse.programs import get, wait_for
from plan.rehearse.sinks import HttpSink, http_sink
from plan.rehearse.tempo import PASSWORD, moved, ready, tempo
from tests.tempo.cases import METRICS_WITH_USER, arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import (
    needs_tempo,
    s3_client,
    s3_stand_in,
    span,
    verify,
)

pytestmark = [needs_charts, needs_tempo]

#: Values of -target in mode distributed (modules of cmd/tempo/app).
TARGETS = [
    "distributor",
    "ingester",
    "querier",
    "query-frontend",
    "compactor",
    "metrics-generator",
]
VARIANTS: list[dict[str, Any]] = [
    {},
    {"metrics": None},
    {"metrics": None, "traceql_metrics": False},
    {"metrics": METRICS_WITH_USER, "credentials_secret": "secret"},
    {"jaeger": True, "zipkin": True, "tenant": "team", "limits": {"max_trace_mib": 1000}},
]
#: Keys that a stack file sets itself.
OVERRIDDEN: dict[str, Any] = {
    "tenant": "team",
    "config": {
        "compactor": {"compaction": {"max_block_bytes": 107_374_182_400}},
        "ingester": {"lifecycler": {"unregister_on_shutdown": False}},
        "querier": {"max_concurrent_queries": 7},
        "usage_report": {"reporting_enabled": None},
    },
    "overrides": {"team": {"metrics_generator": {"max_active_series": 5}}},
}


BUCKET = arguments(TempoMode.MONOLITHIC).bucket


@dataclass
class Running:
    """A Tempo that runs, and the bucket it writes to."""

    config: dict[str, Any]
    metrics: HttpSink
    http: str
    otlp: str
    s3: Any

    def send(self) -> str:
        """Send a trace and return its id."""
        trace_id = secrets.token_hex(16)
        assert get(f"{self.otlp}/v1/traces", span(trace_id)) is not None
        return trace_id

    def blocks(self) -> list[str]:
        """Return the keys of the ingester's blocks in the bucket."""
        found: list[str] = []
        for item in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            if item["Key"].endswith("/meta.json"):
                meta = json.load(self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"])
                # The generator's blocks for TraceQL metrics lie there too; they hold one copy.
                if meta.get("replicationFactor") != 1:
                    found.append(item["Key"])
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("tempo")
    with s3_stand_in(folder, BUCKET) as url, http_sink() as backend:
        args = arguments(
            TempoMode.MONOLITHIC,
            size="xs",
            storage_endpoint=url,
            metrics=METRICS_WITH_USER.model_copy(update={"remote_write_url": backend.url}),
            credentials_secret="secret",
        )
        config = tempo_config(render(args, folder))
        local, ports = moved(config, folder)
        with tempo(local, folder):
            ready(ports)
            yield Running(
                config=config,
                metrics=backend,
                http=f"http://127.0.0.1:{ports['http']}",
                otlp=f"http://127.0.0.1:{ports['otlp_http']}",
                s3=s3_client(url),
            )


@pytest.mark.parametrize("variant", VARIANTS, ids=range(len(VARIANTS)))
@pytest.mark.parametrize("target", TARGETS)
def test_each_part_accepts_the_distributed_configuration(
    target: str, variant: dict[str, Any], tmp_path: Path
) -> None:
    config = tempo_config(render(arguments(TempoMode.DISTRIBUTED, **variant), tmp_path))

    assert verify(config, target, tmp_path) == ""


@pytest.mark.parametrize("variant", [*VARIANTS, OVERRIDDEN], ids=range(len(VARIANTS) + 1))
def test_tempo_accepts_the_monolithic_configuration(
    variant: dict[str, Any], tmp_path: Path
) -> None:
    config = tempo_config(render(arguments(TempoMode.MONOLITHIC, **variant), tmp_path))

    assert verify(config, "all", tmp_path) == ""


def test_tempo_refuses_a_key_that_it_does_not_know(tmp_path: Path) -> None:
    config = tempo_config(render(arguments(TempoMode.MONOLITHIC), tmp_path))
    config["compactor"]["compaction"]["block_retenton"] = "1h"

    assert "block_retenton" in verify(config, "all", tmp_path)


def test_a_sender_over_the_rate_limit_is_told_when_to_try_again(tmp_path: Path) -> None:
    """Otherwise Alloy drops what Tempo refuses after an outage, while its queue empties."""
    limits = {"rate_limit_mib": 1, "burst_size_mib": 16}
    config = tempo_config(render(arguments(TempoMode.MONOLITHIC, limits=limits), tmp_path))
    config["overrides"]["defaults"]["ingestion"] |= {"rate_limit_bytes": 50, "burst_size_bytes": 50}
    with s3_stand_in(tmp_path, BUCKET) as url:
        local, ports = moved(config, tmp_path)
        local["storage"]["trace"]["s3"] |= {
            "endpoint": url.removeprefix("http://"),
            "insecure": True,
            "forcepathstyle": True,
        }
        with tempo(local, tmp_path):
            ready(ports)
            request = urllib.request.Request(
                f"http://127.0.0.1:{ports['otlp_http']}/v1/traces",
                span(secrets.token_hex(16)),
                {"Content-Type": "application/json"},
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "5")


def test_a_trace_is_read_back_by_its_id(running: Running) -> None:
    trace_id = running.send()

    wait_for("trace", lambda: has_the_span(f"{running.http}/api/v2/traces/{trace_id}"))


def has_the_span(url: str) -> bool:
    """Whether the trace has its span; at first Tempo may answer with an empty trace."""
    return b"GET /cart" in (get(url) or b"")


def test_the_trace_of_make_verify_is_read_back(running: Running) -> None:
    sent = Sent()
    assert get(f"{running.otlp}/v1/traces", sent.traces()) is not None
    url = f"{running.http}/api/traces/{sent.trace_id}"
    wait_for("trace", lambda: BACK.encode() in (get(url) or b""))


def test_a_flushed_block_lies_in_the_bucket(running: Running, tmp_path: Path) -> None:
    trace_id = running.send()
    wait_for("trace", lambda: get(f"{running.http}/api/v2/traces/{trace_id}"))
    wait_for("block", lambda: get(f"{running.http}/flush") is not None and running.blocks(), 90)

    # Another Tempo, with nothing of its own, finds the trace in the bucket.
    config, ports = moved(running.config, tmp_path)
    with tempo(config, tmp_path):
        url = f"http://127.0.0.1:{ports['http']}/api/v2/traces/{trace_id}"
        wait_for("trace", lambda: has_the_span(url))


def test_traceql_metrics_are_answered(running: Running) -> None:
    running.send()
    query = "%7B%20%7D%20%7C%20rate()"

    answer = wait_for(
        "answer", lambda: get(f"{running.http}/api/metrics/query_range?q={query}&since=5m")
    )
    assert b"series" in answer


def test_span_metrics_are_written_with_the_password_of_the_mounted_file(running: Running) -> None:
    running.send()

    [request] = wait_for("remote write", lambda: running.metrics.requests[-1:])
    login = request.headers["authorization"].removeprefix("Basic ")
    assert b64decode(login).decode() == f"writer:{PASSWORD}"


def test_the_liveness_probe_is_answered(running: Running) -> None:
    assert get(f"{running.http}/status/version") is not None


def test_the_parts_work_together(tmp_path: Path) -> None:
    """Three ingesters for three copies, and one of each other part."""
    targets = ["ingester", "ingester", *TARGETS]
    with s3_stand_in(tmp_path, BUCKET) as url, contextlib.ExitStack() as stack:
        args = arguments(TempoMode.DISTRIBUTED, metrics=None, storage_endpoint=url)
        config = tempo_config(render(args, tmp_path))
        folders = [tmp_path / f"{target}-{number}" for number, target in enumerate(targets)]
        for folder in folders:
            folder.mkdir()
        parts = [moved(config, folder) for folder in folders]
        ports = {target: p for target, (_, p) in zip(targets, parts, strict=True)}
        members = [f"127.0.0.1:{p['gossip']}" for _, p in parts]
        frontend = f"127.0.0.1:{ports['query-frontend']['grpc']}"
        for target, folder, (own, own_ports) in zip(targets, folders, parts, strict=True):
            # In the cluster, Services lead to the other members and to the query-frontend.
            own["memberlist"]["join_members"] = members
            own["memberlist"]["advertise_addr"] = "127.0.0.1"
            own["memberlist"]["advertise_port"] = own_ports["gossip"]
            own["querier"]["frontend_worker"]["frontend_address"] = frontend
            stack.enter_context(tempo(own, folder, target))
        for _, own_ports in parts:
            ready(own_ports)

        trace_id = secrets.token_hex(16)
        otlp = f"http://127.0.0.1:{ports['distributor']['otlp_http']}/v1/traces"
        wait_for("receiver", lambda: get(otlp, span(trace_id)) is not None)
        query = f"http://127.0.0.1:{ports['query-frontend']['http']}/api/v2/traces/{trace_id}"
        assert b"GET /cart" in wait_for("trace", lambda: get(query))
