"""Spans that are sent from pods and counted afterwards."""

import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit
from tests.e2e.cluster.cluster import Json
from tests.e2e.cluster.stack import Stack

#: Seconds after the last span before anything is called lost: sooner, a search doesn't find what
#: Tempo has.
LATE_SECONDS = 90
#: Length of the windows in which spans are counted, so that no search returns too many.
_WINDOW_SECONDS = 15
_LIMIT = 20_000


@dataclass(frozen=True)
class Run:
    """Spans of one service, from some pods; each trace has the same number of spans."""

    service: str
    number: int
    pods: int
    spans: int = 1
    begun: float = field(default_factory=time.time)

    def pod_name(self, pod: int) -> str:
        """Return the name of a pod."""
        return f"{self.service}-{pod}"

    @property
    def selector(self) -> str:
        """The selector of its pods."""
        return f"app={self.service}"

    def trace_id(self, pod: int, number: int) -> str:
        """Return the trace id of a span."""
        return f"{self.number:08x}{pod:08x}{number:016x}"


def start(
    stack: Stack,
    name: str,
    *,
    per_second: float,
    seconds: float,
    pods: int = 1,
    protocol: str = "grpc",
    endpoint: str | None = None,
    size: int = 100,
    spans: int = 1,
) -> Run:
    """Start to send spans from pods.

    Args:
        stack: the stack.
        name: the beginning of the service's name.
        per_second: spans of all pods.
        seconds: how long.
        pods: number of pods.
        protocol: grpc or http.
        endpoint: where to; Alloy if it is not set.
        size: bytes of an attribute in each span.
        spans: spans of each trace.
    """
    number = secrets.randbits(31) | 1 << 31
    run = Run(f"{name}-{number:08x}", number, pods, spans)
    if endpoint is None:
        key = {"grpc": "otlpGrpcEndpoint", "http": "otlpHttpEndpoint"}[protocol]
        endpoint = str(stack.outputs[key])
    options = {
        "endpoint": endpoint,
        "protocol": protocol,
        "service": run.service,
        "run": f"{number:08x}",
        "per-second": str(per_second / pods),
        "seconds": str(seconds),
        "bytes": str(size),
        "spans": str(spans),
    }
    given = [f"--{key}={value}" for key, value in options.items()]
    stack.cluster.apply(
        kit.pod(
            run.pod_name(pod),
            kit.SHOP,
            kit.pod_spec(
                stack.place, "sender.py", *given, f"--pod={pod}", sdk=True, memory="512Mi"
            ),
            {"app": run.service},
        )
        for pod in range(pods)
    )

    def running() -> bool:
        phases = _phases(stack, run)
        return len(phases) == pods and all(p in ("Running", "Succeeded") for p in phases)

    wait_for("running senders", lambda: running() or None, 120)
    return run


def finished(stack: Stack, run: Run, seconds: float, logs: Path | None = None) -> list[Json]:
    """Wait for the senders, remove them, and return what each counted.

    Args:
        stack: the stack.
        run: what they sent.
        seconds: longest time to wait.
        logs: folder for what the senders print, such as errors of their exporters.
    """
    wait_for(
        "end of the senders",
        lambda: all(phase in ("Succeeded", "Failed") for phase in _phases(stack, run)) or None,
        seconds,
        2,
    )
    told: list[Json] = []
    for pod in range(run.pods):
        text = stack.cluster.run("-n", kit.SHOP, "logs", run.pod_name(pod))
        if logs:
            (logs / f"{run.pod_name(pod)}.log").write_text(text)
        lines = [line for line in text.splitlines() if line.startswith('{"run"')]
        if not lines:
            pytest.fail(f"a sender failed: {text[-2000:]}")
        told.append(json.loads(lines[-1]))
    stack.cluster.run("-n", kit.SHOP, "delete", "pods", "-l", run.selector, "--wait=false")
    return told


def _phases(stack: Stack, run: Run) -> list[str]:
    found = stack.cluster.items("pods", "-n", kit.SHOP, "-l", run.selector)
    return [pod["status"].get("phase", "") for pod in found]


def stored(stack: Stack, run: Run, told: list[Json]) -> int:
    """Return the number of a run's spans that Tempo finds, some time after the last one."""
    last = max(one["last"] for one in told)
    first = min(one["first"] for one in told)
    time.sleep(max(0.0, last + LATE_SECONDS - time.time()))
    found: dict[str, int] = {}
    query = f'{{ resource.service.name = "{run.service}" }}'
    with stack.tempo() as tempo:
        begin = int(first) - 1
        while begin <= last + 1:
            end = begin + _WINDOW_SECONDS
            answer = tempo.get("/api/search", q=query, start=begin, end=end, limit=_LIMIT)
            if answer is None:
                pytest.fail(f"Tempo did not answer the search of {end - begin} s")
            traces: list[Json] = answer.get("traces") or []
            if len(traces) >= _LIMIT:
                pytest.fail("a search found more traces than it may return")
            for trace in traces:
                matched = sum(s.get("matched", 0) for s in trace.get("spanSets", []))
                found[trace["traceID"]] = max(matched, found.get(trace["traceID"], 0))
            begin = end
        # A search sees one part of a trace that lies in several blocks.
        for trace_id in [one for one, spans in found.items() if spans < run.spans]:
            whole: Json = tempo.get(f"/api/traces/{trace_id}") or {}
            ids = {
                span["spanId"]
                for batch in whole.get("batches", [])
                for scope in batch["scopeSpans"]
                for span in scope["spans"]
            }
            found[trace_id] = max(len(ids), found[trace_id])
    return sum(found.values())
