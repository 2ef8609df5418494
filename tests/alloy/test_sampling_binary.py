"""Sampling in real Alloys, and beside a real Tempo: what is kept, and which series are written."""

import math
import random
import shutil
import struct
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.telemetry.metrics import AlloyMetric
from components.tempo import config as tempo_config
from components.tempo.component import TempoArgs
from components.tempo.settings import Histograms, TempoSettings, TempoSpanMetricsSettings
from plan.rehearse.metrics import Series
from plan.rehearse.otlp import arrived
from plan.rehearse.programs import HOST, free_ports, get, process
from plan.rehearse.programs import wait_for as wait_until
from plan.rehearse.sinks import fields
from tests.alloy import cases, sampler_cases
from tests.alloy.gateway import Gateway, attributes, gateway, needs_alloy, wait_for
from tests.alloy.samplers import Pipeline, Sampler, pipeline, sampler
from tests.alloy.sinks import HttpSink, TraceSink, http_sink, labels, trace_sink, written_series

pytestmark = needs_alloy

#: Labels that tell series of the same thing apart: of a writer, and of the connectors alone.
MORE_LABELS = {
    *("__metrics_gen_instance", "failed"),
    *(
        f"{end}_k8s_{what}_name"
        for end in ("client", "server")
        for what in ("cluster", "namespace")
    ),
}
CALLS = "traces_spanmetrics_calls_total"
KEPT = "traces_sampling_kept_calls_total"


@dataclass
class Trace:
    """A request through three services and a database, of eight spans."""

    number: int
    fails: bool = False
    slow: bool = False
    route: str = "/cart"
    extra: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def trace_id(self) -> str:
        return random.Random(self.number).randbytes(16).hex()  # noqa: S311 - no secret

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield what each service exports."""
        ids = [f"{self.number * 16 + n + 1:016x}" for n in range(8)]
        ms = 1500 if self.slow else 20
        start = time.time_ns() - (ms + 100) * 1_000_000
        route = {"http.route": self.route}

        def span(at: int, parent: int | None, name: str, kind: int, **more: str) -> dict[str, Any]:
            of_parent = {} if parent is None else {"parentSpanId": ids[parent]}
            failed = {"status": {"code": 2}} if self.fails and at == 4 else {}
            named = {key.replace("_", "."): value for key, value in more.items()}
            return {
                "traceId": self.trace_id,
                "spanId": ids[at],
                "name": name,
                "kind": kind,
                **of_parent,
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(start + (ms - at) * 1_000_000),
                "attributes": attributes({**self.extra, **named}),
                **failed,
            }

        server, client, internal = 2, 3, 1
        yield _exported(
            "front",
            "shop",
            span(0, None, f"GET {self.route}", server, **{"http.route": self.route}),
            span(1, 0, "render", internal),
            span(2, 0, "POST", client),
        )
        # The sender says of a span that it is in another namespace.
        forged = {"k8s.namespace.name": "forged", **route}
        yield _exported(
            "cart",
            "orders",
            span(3, 2, "POST /cart", server, **forged),
            span(4, 3, "POST", client),
            span(5, 3, "SELECT", client, **{"db.system": "postgresql", "peer.service": "cart-db"}),
        )
        yield _exported(
            "payment",
            "orders",
            span(6, 4, "POST /pay", server, **{"http.route": "/pay"}),
            span(7, 6, "GET", client),
        )


def _exported(service: str, namespace: str, *spans: dict[str, Any]) -> dict[str, Any]:
    resource = {
        "service.name": service,
        "service.namespace": "shop",
        "service.version": "1",
        "k8s.namespace.name": namespace,
        "service.instance.id": spans[0]["traceId"][:2],
    }
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": [*spans]}]}
        ]
    }


def shop(number: int) -> list[Trace]:
    """Return traces, of which every fourth fails and every tenth is slow."""
    routes = ("/cart", "/search", "/")
    return [
        Trace(n, fails=n % 4 == 0, slow=n % 10 == 5, route=routes[n % 3]) for n in range(number)
    ]


def send(to: Gateway, traces: Sequence[Trace]) -> None:
    """Send traces, the services of each one after another."""
    for trace in traces:
        for request in trace.requests():
            assert to.send("traces", request) == 200


def written(sink: HttpSink) -> dict[Series, float]:
    """Return the last value of each series, without labels of a writer: summed over writers."""
    last: dict[Series, float] = {}
    for request in list(sink.requests):
        for series in written_series(request):
            found = labels(series)
            for number, sample in fields(series):
                if number == 2:  # TimeSeries.samples
                    # Protobuf leaves a zero out.
                    value = struct.unpack("<d", dict(fields(sample)).get(1, bytes(8)))[0]
                    if not math.isnan(value):
                        last[tuple(sorted(found.items()))] = value
    summed: dict[Series, float] = defaultdict(float)
    for series, value in last.items():
        summed[tuple(pair for pair in series if pair[0] not in MORE_LABELS)] += value
    return dict(summed)


def exemplars(sink: HttpSink) -> Iterator[str]:
    """Yield the trace ids of all exemplars."""
    for request in list(sink.requests):
        for series in written_series(request):
            for number, exemplar in fields(series):
                if number == 3:  # TimeSeries.exemplars, whose labels are numbered as those of one
                    yield labels(exemplar)["trace_id"]


def total(sink: HttpSink, name: str, **matched: str) -> float:
    """Return the sum of a series over its labels."""
    return sum(
        value
        for series, value in written(sink).items()
        if {"__name__": name, **matched}.items() <= dict(series).items()
    )


def spans_by_trace(sink: TraceSink) -> dict[str, int]:
    """Return the number of spans that arrived, by trace."""
    found: dict[str, int] = defaultdict(int)
    for _, span in arrived(sink.requests):
        found[span.trace_id.hex()] += 1
    return dict(found)


@contextmanager
def sampled(
    folder: Path,
    metrics: HttpSink,
    tempo: str,
    span_metrics: TempoSpanMetricsSettings | None = None,
    **sampling: Any,
) -> Generator[Pipeline]:
    """Run a gateway and its samplers, which decide after three seconds."""
    its = sampler_cases.arguments(
        settings=sampler_cases.sampling(**{"decisionWaitSeconds": 3, **sampling}),
        span_metrics=span_metrics or TempoSpanMetricsSettings(),
        metrics=cases.METRICS.model_copy(update={"remote_write_url": f"{metrics.url}/push"}),
        tempo_endpoint=tempo,
    )
    args = cases.arguments(trust_unidentified=True, tempo_endpoint=tempo)
    with pipeline(args, its, folder) as running:
        yield running


def decided(samplers: Sequence[Sampler]) -> float:
    """Return the number of traces that the samplers have decided on."""
    name = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
    return sum(each.total(name) for each in samplers)


@pytest.mark.parametrize("name", sampler_cases.variants())
def test_the_samplers_start(name: str, tmp_path: Path) -> None:
    """Alloy checks OTTL and policies when the processor starts, not in `alloy validate`."""
    args = sampler_cases.variants()[name]
    if args.credentials_secret:
        pytest.skip("its password is in a file of the pod")
    with sampler(args, tmp_path) as running:
        wait_for(lambda: bool(running.metrics()))
        log = running.log.read_text()
    assert "level=error" not in log
    assert "level=warn" not in log


@pytest.mark.slow
def test_kept_traces_are_complete_and_all_spans_are_counted(tmp_path: Path) -> None:
    traces = shop(200)
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, preset="errorsAndSlow") as running,
    ):
        send(running.gateway, traces)
        wait_for(lambda: decided(running.samplers) == len(traces))
        # Both samplers have a part of the traces.
        assert all(decided([each]) > 50 for each in running.samplers)
        wait_until("calls", lambda: total(metrics, CALLS) == 8 * len(traces), 90)
        expected = {t.trace_id for t in traces if t.fails or t.slow}
        wait_for(lambda: spans_by_trace(tempo) == dict.fromkeys(expected, 8))
        wait_until("kept", lambda: total(metrics, KEPT) == 8 * len(expected), 90)
    # Only traces that are stored are linked to.
    linked = set(exemplars(metrics))
    assert linked
    assert linked <= expected
    # A span doesn't choose the namespace that it counts for.
    assert not [s for s in written(metrics) if ("k8s_namespace_name", "forged") in s]


def test_the_first_rule_that_matches_decides(tmp_path: Path) -> None:
    rules = [
        {"name": "synthetic", "attribute": {"key": "synthetic", "value": "y*"}, "never": True},
        {"name": "search", "route": "/sea*", "always": True},
        {"name": "nothing", "service": "front", "keepPercent": 0},
    ]
    # Senders can't mark spans themselves.
    forged = {"sampling.rule": "search"}
    traces = [
        Trace(1, fails=True, extra={"synthetic": "yes"}),
        Trace(2, route="/search"),
        Trace(3, route="/cart", extra=forged),
        Trace(4, route="/cart", fails=True),
        Trace(5, route="/search", extra={"synthetic": "yes"}),
    ]
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, rules=rules, keepPercent=100) as running,
    ):
        send(running.gateway, traces)
        wait_for(lambda: decided(running.samplers) == len(traces))
        kept = {traces[1].trace_id: 8, traces[3].trace_id: 8}
        wait_for(lambda: spans_by_trace(tempo) == kept)
        name = "otelcol_processor_tail_sampling_count_traces_sampled_total"
        policy = "decide.default/otelcol.processor.tail_sampling.default"
        by_rule = {
            rule: sum(
                s.total(name, policy=f"{policy}.{rule}", decision="sampled")
                for s in running.samplers
            )
            for rule in ("search", "nothing", "errors", "rest")
        }
    assert by_rule == {"search": 1, "nothing": 0, "errors": 1, "rest": 0}
    marks = {span.attributes.get("sampling.rule") for span in tempo.spans}
    assert marks == {None, "search", "nothing"}


def test_a_ceiling_bounds_what_is_kept(tmp_path: Path) -> None:
    traces = [Trace(n, fails=True) for n in range(300)]
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(
            tmp_path,
            metrics,
            tempo.endpoint,
            maxSpansPerSecond=40,
            keepPercent=0,
            slowerThanMs=0,
            replicas=1,
        ) as running,
    ):
        started = time.monotonic()
        send(running.gateway, traces)
        wait_for(lambda: decided(running.samplers) == len(traces))
        # All of it is the share of errors: ten seconds at once, and what the run adds.
        wait_for(lambda: len(tempo.spans) >= 8 * 40)
        time.sleep(2)
    assert len(tempo.spans) <= 40 * (10 + time.monotonic() - started)
    assert set(spans_by_trace(tempo).values()) == {8}


@pytest.mark.slow
def test_a_sampler_with_an_error_in_ottl_is_ready_and_refuses_spans(tmp_path: Path) -> None:
    broken = [{"name": "broken", "ottl": {"span": ["span.attributes[ > 3"]}}]
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, policies=broken, replicas=1) as running,
    ):
        [one] = running.samplers
        wait_for(lambda: "failed to create policy evaluator" in one.log.read_text())
        # The alert AlloyConfigNotLoaded, before any span arrives.
        wait_for(lambda: one.total(AlloyMetric.COMPONENTS, health_type="exited") > 0)
        send(running.gateway, [Trace(1, fails=True)])
        # The alert AlloyRefusesSpans.
        wait_for(lambda: one.total(AlloyMetric.SPANS_REFUSED) > 0)
        assert get(f"http://{HOST}:{one.own}/-/ready")
    assert tempo.spans == []


@pytest.mark.slow
def test_late_spans_follow_the_decision_and_a_large_trace_is_dropped_whole(tmp_path: Path) -> None:
    kept, dropped = Trace(1, slow=True), Trace(2)
    large = Trace(3, slow=True, extra={"padding": "x" * 2_000_000})
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, preset="errorsAndSlow", replicas=1) as running,
    ):

        def send_late(trace: Trace, parts: slice) -> None:
            for request in [*trace.requests()][parts]:
                assert running.gateway.send("traces", request) == 200

        for trace in (kept, dropped):
            send_late(trace, slice(0, 1))
        send(running.gateway, [large])
        wait_for(lambda: decided(running.samplers) >= 2 and bool(tempo.spans))
        # The failed span of the dropped trace comes after the decision.
        failed = Trace(2, fails=True)
        for trace in (failed, kept):
            send_late(trace, slice(1, None))
        wait_for(lambda: spans_by_trace(tempo).get(kept.trace_id) == 8)
        time.sleep(5)
    assert spans_by_trace(tempo) == {kept.trace_id: 8}


@pytest.mark.slow
def test_a_rehearsal_stores_everything_and_counts_what_it_would_keep(tmp_path: Path) -> None:
    traces = shop(100)
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(
            tmp_path, metrics, tempo.endpoint, mode="rehearse", preset="errorsAndSlow"
        ) as running,
    ):
        send(running.gateway, traces)
        wait_for(lambda: len(tempo.spans) == 8 * len(traces))
        expected = 8 * sum(t.fails or t.slow for t in traces)
        wait_until("what would be kept", lambda: total(metrics, KEPT) == expected, 90)
    assert len(tempo.spans) == 8 * len(traces)
    assert {dict(series)["__name__"] for series in written(metrics)} == {KEPT}


def test_a_rehearsal_without_its_samplers_stores_everything_once(tmp_path: Path) -> None:
    with trace_sink() as tempo:
        args = cases.arguments(
            settings=cases.sampled(mode="rehearse", replicas=1),
            trust_unidentified=True,
            tempo_endpoint=tempo.endpoint,
        )
        nowhere = {"alloy-sampler-0.alloy-sampler.tracing.svc.cluster.local:4317": "127.0.0.1:1"}
        with gateway(args, tmp_path, addresses=nowhere) as running:
            traces = shop(50)
            send(running, traces)
            wait_for(lambda: len(tempo.spans) == 8 * len(traces))
            time.sleep(3)
    assert set(spans_by_trace(tempo).values()) == {8}


def test_a_sampler_that_stops_sends_what_it_holds(tmp_path: Path) -> None:
    """The decision would come after a minute: a stop doesn't wait for it, and loses nothing."""
    traces = [Trace(n, fails=True) for n in range(50)]
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, decisionWaitSeconds=60, replicas=1) as running,
    ):
        [one] = running.samplers
        send(running.gateway, traces)
        received = "otelcol_processor_tail_sampling_new_trace_id_received_total"
        wait_for(lambda: one.total(received) == len(traces))
        one.process.terminate()
        one.process.wait(30)
    assert sum(spans_by_trace(tempo).values()) == 8 * len(traces)


@pytest.mark.slow
def test_native_histograms_are_written_as_tempo_names_them(tmp_path: Path) -> None:
    its = TempoSpanMetricsSettings(histograms=Histograms.NATIVE)
    latencies = {
        *("traces_spanmetrics_latency", "traces_service_graph_request_client_seconds"),
        "traces_service_graph_request_server_seconds",
    }

    def native(sink: HttpSink) -> set[str]:
        return {
            labels(series)["__name__"]
            for request in list(sink.requests)
            for series in written_series(request)
            if any(number == 4 for number, _ in fields(series))  # TimeSeries.histograms
        }

    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, span_metrics=its, replicas=1) as running,
    ):
        send(running.gateway, shop(20))
        wait_until("native histograms", lambda: native(metrics) == latencies, 90)


@pytest.mark.slow
def test_spans_for_a_sampler_that_is_killed_wait_for_it(tmp_path: Path) -> None:
    """The others continue, and no trace is sent to another sampler."""
    traces = [Trace(n, fails=True) for n in range(40)]
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint) as running,
    ):
        one, other = running.samplers
        other.process.kill()
        other.process.wait()
        send(running.gateway, traces)
        time.sleep(15)

        def first_are_complete() -> bool:
            first = spans_by_trace(tempo)
            assert len(first) < 35
            return set(first.values()) == {8} and 5 < len(first) == decided([one])

        wait_until("the traces of the other", first_are_complete, 60)
        port = int(other.endpoint.rpartition(":")[2])
        with sampler(running.args, tmp_path / "again", "alloy-sampler-1", port):
            every = {trace.trace_id: 8 for trace in traces}
            wait_until("the others", lambda: spans_by_trace(tempo) == every, 120)


@pytest.mark.slow
def test_a_part_from_the_gateway_is_scaled_up_again(tmp_path: Path) -> None:
    traces = shop(400)
    with (
        trace_sink() as tempo,
        http_sink() as metrics,
        sampled(tmp_path, metrics, tempo.endpoint, headPercent=25, keepPercent=100) as running,
    ):
        send(running.gateway, traces)
        # One in four: 100 of 400 traces, with a deviation of about 9.
        wait_for(lambda: decided(running.samplers) > 60)

        def counted_by_four() -> bool:
            passed = spans_by_trace(tempo)
            assert len(passed) <= 140
            expected = pytest.approx(4 * 8 * len(passed), rel=0.02)
            return set(passed.values()) == {8} and total(metrics, CALLS) == expected

        wait_until("calls", counted_by_four, 90)
        wait_until("kept", lambda: total(metrics, KEPT) == total(metrics, CALLS), 90)


def tempo_file(folder: Path, url: str, ports: Mapping[str, int], *, sampled: bool) -> Path:
    """Write a configuration of Tempo with the stack's metrics-generator."""
    args = TempoArgs(
        sampled=sampled,
        settings=TempoSettings(traceql_metrics=False),
        namespace="tracing",
        bucket="b",
        region="eu-west-1",
        cluster_name="dev-1",
        metrics=cases.METRICS,
    )
    settings: dict[str, Any] = {
        "server": {"http_listen_address": HOST, "http_listen_port": ports["http"]}
        | {"grpc_listen_address": HOST, "grpc_listen_port": ports["grpc"]},
        "distributor": {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"{HOST}:{ports['otlp']}"}}}}
        },
        "ingester": {"lifecycler": {"address": HOST, "ring": {"replication_factor": 1}}},
        "memberlist": {"bind_addr": [HOST], "bind_port": ports["gossip"]},
        "storage": {
            "trace": {
                "backend": "local",
                "local": {"path": str(folder / "blocks")},
                "wal": {"path": str(folder / "wal")},
            }
        },
        "metrics_generator": {
            "processor": tempo_config.generator_processors(args),
            "registry": tempo_config.generator_registry(args),
            "metrics_ingestion_time_range_slack": "11m",
            "storage": {
                "path": str(folder / "generator"),
                "remote_write": [{"url": f"{url}/push", "send_exemplars": True}],
            },
        },
        "overrides": {"defaults": tempo_config.overrides(args)},
    }
    for section in ("distributor", "metrics_generator"):
        settings[section]["ring"] = {"instance_addr": HOST, "kvstore": {"store": "inmemory"}}
    file = folder / "tempo.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@contextmanager
def tempo(folder: Path, metrics: HttpSink, *, sampled: bool = False) -> Generator[Gateway]:
    """Run Tempo, and a gateway without sampling that sends to it."""
    names: list[str] = ["http", "grpc", "otlp", "gossip"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    folder.mkdir()
    (folder / "gateway").mkdir()
    file = tempo_file(folder, metrics.url, ports, sampled=sampled)
    command = [shutil.which("tempo") or "tempo", f"-config.file={file}"]
    args = cases.arguments(trust_unidentified=True, tempo_endpoint=f"{HOST}:{ports['otlp']}")
    with (
        process(command, folder / "tempo.log"),
        gateway(args, folder / "gateway") as running,
    ):
        wait_until("Tempo", lambda: get(f"http://{HOST}:{ports['http']}/ready"), 90)
        yield running


needs_tempo = pytest.mark.skipif(shutil.which("tempo") is None, reason="tempo is not on PATH")


@pytest.mark.slow
@needs_tempo
def test_the_series_are_those_of_tempo(tmp_path: Path) -> None:
    """The same load with sampling off, counted by Tempo, and on, counted by two samplers."""
    traces, kept = shop(300), sum(t.fails or t.slow for t in shop(300))
    with (
        http_sink() as by_tempo,
        http_sink() as by_samplers,
        trace_sink() as stored,
        tempo(tmp_path / "off", by_tempo) as without,
        sampled(tmp_path / "on", by_samplers, stored.endpoint, preset="errorsAndSlow") as running,
    ):
        for trace in traces:
            for request in trace.requests():
                assert without.send("traces", request) == 200
                assert running.gateway.send("traces", request) == 200
        spans = 8 * len(traces)
        wait_until("Tempo's calls", lambda: total(by_tempo, CALLS) == spans, 90)
        wait_until("the samplers' calls", lambda: total(by_samplers, CALLS) == spans, 90)
        edges = "traces_service_graph_request_total"
        for sink in (by_tempo, by_samplers):
            # An edge to the outside counts ten seconds after its span.
            wait_until("all edges", lambda sink=sink: total(sink, edges) == 4 * len(traces), 90)
        wait_until("what is kept", lambda: len(stored.spans) == 8 * kept, 60)

    def of(sink: HttpSink) -> dict[Series, float]:
        whole = ("calls_total", "latency_bucket", "latency_count", "request_total", "failed_total")
        graphs = ("client_seconds_bucket", "server_seconds_bucket")
        return {
            series: value
            for series, value in written(sink).items()
            if dict(series)["__name__"].endswith((*whole, *graphs))
            and "sampling" not in dict(series)["__name__"]
        }

    tempos, samplers = of(by_tempo), of(by_samplers)
    assert samplers == tempos
    assert {dict(series)["__name__"] for series in tempos} == {
        *("traces_spanmetrics_calls_total", "traces_spanmetrics_latency_count"),
        *("traces_spanmetrics_latency_bucket", "traces_service_graph_request_total"),
        *("traces_service_graph_request_failed_total",),
        *("traces_service_graph_request_client_seconds_bucket",),
        *("traces_service_graph_request_server_seconds_bucket",),
    }


@pytest.mark.slow
@needs_tempo
def test_a_tempo_behind_samplers_counts_bytes_only(tmp_path: Path) -> None:
    with http_sink() as metrics, tempo(tmp_path / "tempo", metrics, sampled=True) as running:
        send(running, shop(20))
        size = "traces_spanmetrics_size_total"
        wait_until("sizes", lambda: total(metrics, size) > 20 * 8 * 50, 90)
    names = {dict(series)["__name__"] for series in written(metrics)}
    assert names == {size, "traces_target_info"}
