"""Measures the trace pipeline with real programs, on good and bad days: python -m bench.pipeline.

The stack is dev as its plan renders it. Several pipelines get the same load at the same time: the
gateway, the gateway with its queue on a volume, the gateway with two samplers that keep everything,
and Alloy with the defaults of its components. All send to the same Tempo, whose bucket is emulated.
"""

# gRPC carries no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import contextlib
import os
import re
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import grpc
import yaml

from bench import blocks
from components.alloy.own_modules import MODULES
from config.markdown import table
from plan.rehearse import collectors, metrics, otlp, storing
from plan.rehearse.collectors import Collector, Destinations, Tier
from plan.rehearse.command import shop
from plan.rehearse.otlp import Trace
from plan.rehearse.programs import HOST, Program, ProgramError, get, steady, wait_for
from plan.rehearse.replay import Replay
from plan.rehearse.run import rehearse, settle, waits
from plan.rehearse.shop import PROBES, Shop
from plan.rehearse.sinks import EXPORT, UNLIMITED, TraceSink, http_sink, trace_sink
from plan.rehearse.tempo import moved, ready, tempo
from tests.e2e.answers.harness import reason_to_skip
from tests.e2e.answers.planned import Planned, written
from tests.tempo.running import s3_client, s3_stand_in

_ROOT = Path(__file__).parent.parent
_NEEDED = ("alloy", "tempo", "helm")
#: Spans per second of each pipeline, and its multiple in a burst.
_RATE, _BURST = 500, 5
#: Seconds of load before and after a fault, of a burst, and of an outage.
_AROUND, _BURST_SECONDS, _OUTAGE_SECONDS = 6, 30, 60
#: Spans of a part for a comparison of CPU time, measured parts, and how often each configuration
#: gets them all.
_SPANS, _PARTS, _ROUNDS = 20_000, 5, 3
#: Traces that are looked up after each scenario.
_LOOKED_UP = 10
_CALLS: Final = "traces_spanmetrics_calls_total"
_LATENCY: Final = "traces_spanmetrics_latency_bucket"
_EDGES: Final = "traces_service_graph_request_total"

Row = tuple[str, ...]

#: The defaults of Alloy's components. The chart's own configuration receives no OTLP.
_DEFAULTS = """
otelcol.receiver.otlp "default" {
	grpc {
		endpoint = "0.0.0.0:4317"
	}

	output {
		traces = [otelcol.processor.batch.default.input]
	}
}

otelcol.processor.batch "default" {
	output {
		traces = [otelcol.exporter.otlp.default.input]
	}
}

otelcol.exporter.otlp "default" {
	client {
		endpoint = "tempo.tracing.svc.cluster.local:4317"

		tls {
			insecure = true
		}
	}
}
"""
#: The entry and the exit of the gateway, with its batches and its queue, and nothing in between.
_PASSED_ON = """
receive "default" {
	grpc_endpoint    = "0.0.0.0:4317"
	http_endpoint    = "0.0.0.0:4318"
	max_grpc_request = "4MiB"
	max_http_request = "20MiB"
	traces           = [send_to_tempo.default.input]
}

send_to_tempo "default" {
	endpoint    = "tempo.tracing.svc.cluster.local:4317"
	balancer    = "pick_first"
	insecure    = true
	queue_bytes = 67108864
	retry       = "10m"
}
"""
_IDENTITY = """
limit_memory "default" {
	traces = [add_kubernetes.default.input]
}

add_kubernetes "default" {
	trusted_namespaces = ["tracing-beyla"]
	traces             = [send_to_tempo.default.input]
}
"""


def planned(folder: Path, **alloy: Any) -> Planned:  # noqa: ANN401
    """Plan dev with other settings of Alloy."""
    document: dict[str, Any] = yaml.safe_load((_ROOT / "Pulumi.dev.yaml").read_text())
    config = document["config"]
    config["tracing:tempo"]["traceqlMetrics"] = False
    config.setdefault("tracing:alloy", {}).update(alloy)
    folder.mkdir()
    (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump(document))
    shutil.copy(_ROOT / "Pulumi.yaml", folder)
    return written("bench", folder)


class Gate:
    """A port of this machine that leads to another one, until it is shut."""

    def __init__(self, target: int) -> None:
        """Open it."""
        self._target = target
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept(self._listener)

    def shut(self) -> None:
        """Refuse connections, and end those that are open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in [*self._open]:
            _close(each)

    def open(self) -> None:
        """Accept connections again."""
        self._listener = socket.create_server((HOST, self.port))
        self._accept(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection((HOST, self._target))
                    for one, other in ((client, server), (server, client)):
                        self._open.add(one)
                        threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        self._open.discard(one)
        _close(one)
        _close(other)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def relay(target: str) -> Generator[TraceSink]:
    """Run a receiver that passes spans on to Tempo, and keeps what Tempo has accepted."""
    channel = grpc.insecure_channel(target, options=UNLIMITED)
    export = channel.unary_unary(EXPORT)

    def pass_on(request: bytes, context: grpc.ServicerContext) -> None:
        try:
            export(request, timeout=10)
        except grpc.RpcError as error:
            failed = cast(grpc.Call, error)
            # This raises.
            context.abort(failed.code(), failed.details())

    with trace_sink(TraceSink(), accept=pass_on, workers=16) as sink:
        yield sink


@dataclass
class Pipeline:
    """Collectors that run during all scenarios, and what Tempo accepted from them."""

    name: str
    pods: Sequence[Collector]
    sink: TraceSink
    seen: int = 0

    def restart(self, pod: Collector, *, kill: bool = True) -> None:
        """End a pod, and start it again, as a kubelet does."""
        if kill:
            pod.program.kill()
        else:
            pod.program.stop()
        time.sleep(1)
        pod.program.start()
        pod.ready()


@dataclass
class Backend:
    """Tempo, its bucket, and where it answers."""

    program: Program
    ports: Mapping[str, int]
    gate: Gate
    s3: str
    bucket: str
    lookups: list[float] = field(default_factory=list[float])
    searches: list[float] = field(default_factory=list[float])

    @property
    def url(self) -> str:
        """URL of its API."""
        return f"http://{HOST}:{self.ports['http']}"

    def found(self, traces: Sequence[Trace]) -> int:
        """Return how many traces are found by their ids with every span."""
        found = 0
        for trace in traces:
            trace_id = trace.spans[0][1].trace_id.hex()
            start = time.monotonic()
            body = get(f"{self.url}/api/v2/traces/{trace_id}", seconds=60) or b""
            self.lookups.append(time.monotonic() - start)
            found += body.count(b'"spanId"') >= len(trace.spans)
        return found

    def search(self) -> None:
        """Search as somebody does who looks for failures."""
        query = urlencode({"q": '{ resource.service.name = "checkout" && status = error }'})
        start = time.monotonic()
        get(f"{self.url}/api/search?{query}&limit=20")
        self.searches.append(time.monotonic() - start)

    def stored_bytes(self) -> int:
        """Return the bytes of all complete blocks in the bucket."""
        return sum(blocks.stored(s3_client(self.s3), self.bucket).values())


@contextlib.contextmanager
def backend(its: Planned, charts: Path, folder: Path) -> Generator[Backend]:
    """Run Tempo as the plan renders it; its bucket can be shut off."""
    config = its.tempo_config(charts)
    folder.mkdir()
    with s3_stand_in(folder, its.settings.bucket) as s3:
        gate = Gate(urlsplit(s3).port or 80)
        config["storage"]["trace"]["s3"] |= {
            "endpoint": f"{HOST}:{gate.port}",
            "insecure": True,
            "forcepathstyle": True,
        }
        config["storage"]["trace"]["blocklist_poll"] = "5s"
        local, ports = moved(config, folder)
        with tempo(local, folder) as program:
            ready(ports)
            yield Backend(
                program=program, ports=ports, gate=gate, s3=s3, bucket=its.settings.bucket
            )


@dataclass(frozen=True)
class Scenario:
    """What happens, and to which pipelines.

    Attributes:
        pipelines: names of the pipelines.
        loads: spans per second, each with its seconds.
        fault: what happens some seconds after the start; returns when it is over.
    """

    name: str
    pipelines: Sequence[str]
    loads: Sequence[tuple[int, int]]
    fault: Callable[[], None] | None = None


def scenarios(pipelines: Mapping[str, Pipeline], at: Backend) -> Iterator[Scenario]:
    """Yield the scenarios."""

    def away() -> None:
        at.program.stop()
        time.sleep(_OUTAGE_SECONDS)
        at.program.start()
        ready(at.ports)

    def refused() -> None:
        at.gate.shut()
        # Tempo cuts a block now, and can't write it.
        get(f"{at.url}/flush")
        time.sleep(_OUTAGE_SECONDS)
        at.gate.open()

    def restarted(*names: str, kill: bool) -> None:
        with ThreadPoolExecutor() as pool:
            its = [pipelines[name] for name in names]
            for each in [pool.submit(p.restart, p.pods[0], kill=kill) for p in its]:
                each.result()

    def restarted_while_away(*, kill: bool) -> None:
        at.program.stop()
        time.sleep(2 * _AROUND)
        restarted(GATEWAY, VOLUME, kill=kill)
        at.program.start()
        ready(at.ports)

    def sampler_killed() -> None:
        pipeline = pipelines[SAMPLERS]
        pipeline.restart(pipeline.pods[1])

    everyone, short = [GATEWAY, SAMPLERS, DEFAULTS], [(_RATE, 3 * _AROUND)]
    two, queues = [GATEWAY, DEFAULTS], [GATEWAY, VOLUME]
    around = (_RATE, _AROUND)
    outage = [(_RATE, _OUTAGE_SECONDS + 2 * _AROUND)]
    burst = [around, (_RATE * _BURST, _BURST_SECONDS), around]
    yield Scenario("steady", everyone, short)
    yield Scenario(f"burst of {_BURST} times for {_BURST_SECONDS} s", two, burst)
    yield Scenario(f"Tempo away for {_OUTAGE_SECONDS} s", everyone, outage, away)
    yield Scenario(f"S3 refuses for {_OUTAGE_SECONDS} s", two, outage, refused)
    yield Scenario("gateway killed", two, short, partial(restarted, *two, kill=True))
    yield Scenario("one sampler of two killed", [SAMPLERS], short, sampler_killed)
    for kill, name in ((False, "stopped"), (True, "killed")):
        fault = partial(restarted_while_away, kill=kill)
        yield Scenario(f"gateway {name} while Tempo is away", queues, short, fault)


GATEWAY, VOLUME, SAMPLERS = "gateway", "gateway, queue on a volume", "gateway and 2 samplers"
DEFAULTS = "Alloy's defaults"


def play(
    scenario: Scenario, pipelines: Mapping[str, Pipeline], at: Backend, seed: int
) -> Iterator[Row]:
    """Run a scenario and yield a row for each pipeline."""
    names = scenario.pipelines
    parts = {
        name: [
            list(Shop({}, seed + 10 * n + m).traces(rate * seconds, large=False))
            for m, (rate, seconds) in enumerate(scenario.loads)
        ]
        for n, name in enumerate(names)
    }
    replays = {name: Replay(pipelines[name].pods[0].otlp_grpc) for name in names}

    def load(name: str) -> None:
        for traces, (rate, _) in zip(parts[name], scenario.loads, strict=True):
            replays[name].run(traces, rate)

    with ThreadPoolExecutor(len(names)) as pool:
        running = [pool.submit(load, name) for name in names]
        if scenario.fault:
            time.sleep(_AROUND)
            scenario.fault()
        for each in running:
            each.result()
    for name in names:
        pipeline = pipelines[name]
        settle(pipeline.pods, pipeline.sink)
    if not scenario.fault:
        for _ in range(20):
            at.search()
    for name in names:
        pipeline, sent = pipelines[name], replays[name].sent
        traces = [t for part in parts[name] for t in part if t.spans[0][1].name not in PROBES]
        arrived = {s.span_id for _, s in otlp.arrived(pipeline.sink.requests[pipeline.seen :])}
        pipeline.seen = len(pipeline.sink.requests)
        spans = [span.span_id for trace in traces for _, span in trace.spans]
        kept = sum(each in arrived for each in spans)
        whole = [t for t in traces if all(s.span_id in arrived for _, s in t.spans)]
        any_kept = sum(any(s.span_id in arrived for _, s in t.spans) for t in traces)
        sample = whole[:: max(1, len(whole) // _LOOKED_UP)][:_LOOKED_UP]
        yield (
            scenario.name,
            name,
            f"{len(spans):,}",
            f"{kept:,}",
            f"{len(spans) - kept:,}",
            f"{sent.lost:,}",
            f"{any_kept - len(whole):,}",
            f"{at.found(sample)} of {len(sample)}",
            ", ".join(f"{p.program.peak_mib:,}" for p in pipeline.pods),
        )


_SCENARIO_HEAD: Row = (
    "what happens",
    "pipeline",
    "spans sent",
    "stored",
    "lost",
    "of them dropped by senders",
    "traces stored in part",
    "found whole by id",
    "peak memory so far, MiB",
)


def bad_days(folder: Path, charts: Path, only: str) -> Iterator[str]:
    """Run the scenarios and yield tables."""
    its = planned(folder / "off")
    # Nothing may be missing because a rule does not keep it: every trace of the shop is that slow.
    sampling = {"mode": "on", "slowerThanMs": 1}
    sampled = planned(folder / "on", sampling=sampling)
    tiers: dict[str, Sequence[Tier]] = {
        GATEWAY: its.tiers,
        VOLUME: planned(folder / "volume", queue="volume").tiers,
        SAMPLERS: sampled.tiers,
        DEFAULTS: [Tier(name="defaults", config=_DEFAULTS)],
    }
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(backend(its, charts, folder / "backend"))
        pipelines: dict[str, Pipeline] = {}
        for number, (name, found) in enumerate(tiers.items()):
            sink = stack.enter_context(relay(f"{HOST}:{at.ports['otlp_grpc']}"))
            http = stack.enter_context(http_sink())
            to = Destinations(otlp=sink.endpoint, other=sink.endpoint, http=http.url)
            started = stack.enter_context(
                collectors.running(found, to, folder / f"pipeline-{number}")
            )
            pods = [each for group in started.values() for each in group]
            pipelines[name] = Pipeline(name=name, pods=pods, sink=sink)
        rows = [_SCENARIO_HEAD]
        queries: tuple[list[float], list[float]] | None = None
        for number, scenario in enumerate(scenarios(pipelines, at)):
            if only in scenario.name:
                _say(scenario.name)
                rows += play(scenario, pipelines, at, 1000 * number)
                # Later ones read from the emulator of S3, which is slower than S3.
                queries = queries or (list(at.lookups), list(at.searches))
        yield table(rows)
        get(f"{at.url}/flush")
        stored = sum(otlp.span_count(r) for each in pipelines.values() for r in each.sink.requests)
        size = wait_for("blocks in the bucket", steady(at.stored_bytes, 5), 180)
        limits = ", ".join(
            f"{pod.name} {pod.tier.memory_mib or '-'}" for pod in pipelines[SAMPLERS].pods
        )
    lookups, searches = queries or ([], [])
    yield table(
        [
            ("Tempo", "measured"),
            ("bytes of a span in S3", f"{size / stored:.0f}"),
            (f"p95 of {len(lookups)} traces by id, steady", f"{1000 * _p95(lookups):.0f} ms"),
            (f"p95 of {len(searches)} searches, steady", f"{1000 * _p95(searches):.0f} ms"),
            ("memory limits, MiB", limits),
        ]
    )


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))] if values else 0


#: Peak memory of a pod in MiB, and its limit.
_Memory = tuple[int, int | None]


@dataclass(frozen=True)
class Measured:
    """What the pods of some tiers used for the same spans, after a first part that starts them up.

    Attributes:
        cost: CPU seconds per million spans, the median of the rounds.
        range: the least and the most.
        pods: peak memory of each pod in MiB, of all rounds, with its limit.
    """

    cost: float
    range: tuple[float, float]
    pods: Sequence[_Memory]


def measured(variants: Mapping[str, Sequence[Tier]]) -> dict[str, Measured]:
    """Measure configurations in turns, so that what else the machine does falls on all alike."""
    parts = [
        [
            request
            for window in otlp.windows(traces, 1000)
            for request in otlp.Shift().requests(window, time.time_ns())
        ]
        for traces in (Shop({}, 7 + n).traces(_SPANS, large=False) for n in range(1 + _PARTS))
    ]
    found: dict[str, list[tuple[float, Sequence[_Memory]]]] = {name: [] for name in variants}
    for _ in range(_ROUNDS):
        for name, tiers in variants.items():
            _say(name)
            found[name].append(_used(tiers, parts))
    return {
        name: Measured(
            cost=statistics.median(cost for cost, _ in rounds),
            range=(min(cost for cost, _ in rounds), max(cost for cost, _ in rounds)),
            pods=[max(pod) for pod in zip(*(pods for _, pods in rounds), strict=True)],
        )
        for name, rounds in found.items()
    }


def _used(
    tiers: Sequence[Tier], parts: Sequence[Sequence[bytes]]
) -> tuple[float, Sequence[_Memory]]:
    """Return CPU seconds per million spans, and the memory of each pod."""
    with (
        tempfile.TemporaryDirectory() as folder,
        trace_sink(TraceSink()) as sink,
        http_sink() as http,
    ):
        to = Destinations(otlp=sink.endpoint, other=sink.endpoint, http=http.url)
        with collectors.running(tiers, to, Path(folder)) as started:
            its = [each for pods in started.values() for each in pods]
            replay = Replay(its[0].otlp_grpc)
            first, *rest = parts
            replay.resend(first)
            time.sleep(waits(its) + 2)
            before = sum(each.program.cpu_seconds for each in its)
            sent = replay.sent.accepted
            for part in rest:
                replay.resend(part)
            # Nobody asks for metrics meanwhile: that takes CPU time too.
            time.sleep(waits(its) + 2)
            used = sum(each.program.cpu_seconds for each in its) - before
            spans = replay.sent.accepted - sent
            memory = [(each.program.peak_mib, each.tier.memory_mib) for each in its]
            return 1e6 * used / spans, memory


def _pass_through(*, identity: bool = False) -> list[Tier]:
    """Return entry and exit of the gateway, without or with the identity of pods in between."""
    names = ["receive", "send_to_tempo"]
    text = _PASSED_ON
    if identity:
        names += ["limit_memory", "ottl_list", "add_kubernetes"]
        text = text.replace("[send_to_tempo.default.input]", "[limit_memory.default.input]")
        text += _IDENTITY
    declared = "\n".join((MODULES / f"{name}.alloy").read_text() for name in names)
    return [Tier(name="pass-through", config=declared + text)]


def _without_masks(tiers: Sequence[Tier]) -> list[Tier]:
    """Return tiers that search for secrets, and mask none."""
    pattern = r"(?m)^(\t\w+_mask\s*= )\[\n.*?\n\t\]$"
    return [replace(t, config=re.sub(pattern, r"\1[]", t.config, flags=re.DOTALL)) for t in tiers]


def throughput(folder: Path) -> Iterator[str]:
    """Compare the CPU time of configurations."""
    variants: dict[str, Sequence[Tier]] = {
        "pass-through": _pass_through(),
        DEFAULTS: [Tier(name="defaults", config=_DEFAULTS)],
        "gateway without redaction": planned(folder / "plain", redaction={"enabled": False}).tiers,
        GATEWAY: planned(folder / "gateway").tiers,
        VOLUME: planned(folder / "queued", queue="volume").tiers,
        SAMPLERS: planned(folder / "sampled", sampling={"mode": "on"}).tiers,
    }
    found = measured(variants)
    rows: list[Row] = [
        (
            "pipeline",
            "CPU s per million spans",
            "least and most",
            "spans/s and core",
            "of pass-through",
            "peak, MiB",
        )
    ]
    for name, its in found.items():
        memory = ", ".join(f"{peak} of {limit}" if limit else f"{peak}" for peak, limit in its.pods)
        share = 100 * found["pass-through"].cost / its.cost
        least, most = its.range
        rows.append(
            (
                name,
                f"{its.cost:.1f}",
                f"{least:.1f} to {most:.1f}",
                f"{1e6 / its.cost:,.0f}",
                f"{share:.0f} %",
                memory,
            )
        )
    yield table(rows)
    added = 100 * (found[GATEWAY].cost / found["gateway without redaction"].cost - 1)
    yield f"Redaction adds {added:.0f} % to the CPU time of the gateway."


def steps(folder: Path) -> Iterator[str]:
    """Measure what each step of the gateway adds, from the first to the whole."""
    off = {"enabled": False}
    no_sql = planned(folder / "no-sql", redaction={"rules": {"sqlLiterals": False}}).tiers
    variants: dict[str, Sequence[Tier]] = {
        "receive, batches, queue, send": _pass_through(),
        "memory limit, identity of pods": _pass_through(identity=True),
        "drop rules, enrichment": planned(
            folder / "bare", redaction=off, routes={"ids": False}
        ).tiers,
        "ids in routes": planned(folder / "routes", redaction=off).tiers,
        "redaction: search": _without_masks(no_sql),
        "redaction: masks": no_sql,
        "redaction: literals in SQL": planned(folder / "all").tiers,
    }
    found = measured(variants)
    whole, before = [*found.values()][-1].cost, 0.0
    rows: list[Row] = [("step", "CPU s per million spans", "of the gateway")]
    for name, its in found.items():
        rows.append(
            (name, f"{its.cost - before:.1f}", f"{100 * (its.cost - before) / whole:.0f} %")
        )
        before = its.cost
    yield table(rows)


def same_metrics(folder: Path, charts: Path) -> Iterator[str]:
    """Compare span metrics and edges without and with sampling, for the same traffic."""
    off = planned(folder / "red-off")
    on = planned(folder / "red-on", sampling={"mode": "on"})
    traffic = shop({}, _SPANS, large=False)
    _say("metrics without sampling")
    plain = rehearse(off.tiers, traffic, storing.Tempo(config=off.tempo_config(charts)))
    _say("metrics with sampling")
    sampled = rehearse(on.tiers, traffic, "without Tempo")
    sides = [_calls(r.samples) for r in (plain, sampled)]
    most = max(
        abs(sides[1].get(key, 0) - count) / count for key, count in sides[0].items() if count
    )
    edges = [_by(r.samples, _EDGES, "client", "server") for r in (plain, sampled)]
    buckets = [_p95_buckets(r.samples) for r in (plain, sampled)]
    compared = plain.compared, sampled.compared
    rows: list[Row] = [
        ("the same traffic", "without sampling", "with sampling"),
        ("spans stored", *(f"{its.spans.kept:,}" for its in compared)),
        ("traces stored whole", *(f"{its.traces_whole:,}" for its in compared)),
        ("traces stored in part", *(f"{its.traces_in_part:,}" for its in compared)),
        ("calls", *(f"{sum(side.values()):,.0f}" for side in sides)),
        ("operations", *(f"{len(side):,}" for side in sides)),
        ("edges of the service graph", *(f"{len(e):,}" for e in edges)),
        ("requests on edges", *(f"{sum(e.values()):,.0f}" for e in edges)),
    ]
    yield table(rows)
    same = sum(buckets[1].get(key) == bucket for key, bucket in buckets[0].items())
    three = sum(len({id(s) for s, _ in trace.spans}) >= 3 for trace in traffic.traces)
    tried = len(buckets[0])
    alike = "the same" if edges[0].keys() == edges[1].keys() else "different"
    yield (
        f"Largest difference of an operation's calls: {100 * most:.2f} %. The edges are {alike}. "
        f"The bucket of the 95th percentile is the same for {same} of {tried} operations. "
        f"{three:,} of the traces pass three services or more."
    )


def _calls(samples: Mapping[metrics.Series, float]) -> dict[tuple[str, ...], float]:
    return _by(samples, _CALLS, "service", "span_name", "span_kind", "status_code")


def _by(
    samples: Mapping[metrics.Series, float], name: str, *wanted: str
) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for series, value in samples.items():
        labels = dict(series)
        if labels["__name__"] == name:
            key = tuple(labels.get(label, "") for label in wanted)
            found[key] = found.get(key, 0) + value
    return found


def _p95_buckets(samples: Mapping[metrics.Series, float]) -> dict[tuple[str, ...], str]:
    """Return the bucket with the 95th percentile, by operation."""
    by_operation: dict[tuple[str, ...], dict[float, float]] = {}
    for (*key, le), value in _by(
        samples, _LATENCY, "service", "span_name", "span_kind", "le"
    ).items():
        by_operation.setdefault(tuple(key), {})[float(le)] = value
    return {
        key: str(min(le for le, value in bounds.items() if value >= 0.95 * max(bounds.values())))
        for key, bounds in by_operation.items()
        if max(bounds.values())
    }


def _say(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="bench.pipeline", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("throughput", "steps", "metrics", "days"))
    parser.add_argument("--only", default="", help="part of the name of a bad day's scenario")
    arguments = parser.parse_args()
    if reason := reason_to_skip(_NEEDED):
        print(f"skipped: {reason}")
        return 0
    charts = Path(os.environ["TRACING_TEST_CHARTS"])
    start = time.monotonic()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} (1, 5 and 15 minutes)\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Iterator[str]]] = {
            "throughput": lambda: throughput(folder),
            "steps": lambda: steps(folder),
            "metrics": lambda: same_metrics(folder, charts),
            "days": lambda: bad_days(folder, charts, arguments.only),
        }
        for part, measure in parts.items():
            if arguments.part in (None, part):
                for text in measure():
                    print(f"{text}\n", flush=True)
    print(f"{time.monotonic() - start:.0f} s, load {os.getloadavg()[0]:.1f} at the end")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ProgramError as error:
        sys.exit(f"error: {error}")
