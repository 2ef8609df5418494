"""Sends spans with OpenTelemetry's SDK from a pod, and prints how many: python sender.py OPTIONS.

The ids of traces name the pod and their number. Runs in a pod without the project.
"""

import argparse
import json
import logging
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from types import FrameType
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind


class Numbered(RandomIdGenerator):
    """Trace ids that name the run, the pod and the number of the span."""

    def __init__(self, run: int, pod: int) -> None:
        self._prefix = (run << 96) | (pod << 64)
        self.number = 0

    def generate_trace_id(self) -> int:
        self.number += 1
        return self._prefix | self.number


class Http(SpanExporter):
    """OTLP over HTTP without the package for it."""

    def __init__(self, endpoint: str) -> None:
        self._url = f"{endpoint}/v1/traces"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = encode_spans(spans).SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        request = urllib.request.Request(self._url, body, headers)
        for pause in (1, 2, 4, 0):
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return SpanExportResult.SUCCESS
            except (urllib.error.URLError, OSError):
                time.sleep(pause)
        return SpanExportResult.FAILURE


class Counting(SpanExporter):
    """Counts what a receiver acknowledged."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.accepted = 0
        self.failed = 0
        self.longest = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        begun = time.monotonic()
        result = self._inner.export(spans)
        self.longest = max(self.longest, time.monotonic() - begun)
        if result is SpanExportResult.SUCCESS:
            self.accepted += len(spans)
        else:
            self.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--protocol", choices=("grpc", "http"), default="grpc")
    parser.add_argument("--service", required=True)
    parser.add_argument("--run", type=lambda text: int(text, 16), required=True)
    parser.add_argument("--pod", type=int, default=0)
    parser.add_argument("--per-second", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--spans", type=int, default=1, help="of a trace")
    parser.add_argument("--bytes", type=int, default=100)
    its: Any = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")

    exporter = Counting(
        OTLPSpanExporter(endpoint=its.endpoint, insecure=True)
        if its.protocol == "grpc"
        else Http(its.endpoint)
    )
    ids = Numbered(its.run, its.pod)
    provider = TracerProvider(
        resource=Resource.create({"service.name": its.service, "service.version": "1.0.0"}),
        id_generator=ids,
    )
    # The SDK's defaults: a queue of 2048 spans, batches of 512.
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    tracer = provider.get_tracer("e2e")
    padding = "x" * its.bytes
    first = time.time()
    begun = time.monotonic()
    sent = 0
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGUSR1, stop)
    while (passed := time.monotonic() - begun) < its.seconds and not stopped.is_set():
        while sent < passed * its.per_second:
            attributes = {"http.route": "/things/{id}", "padding": padding}
            with tracer.start_as_current_span(
                "GET /things/{id}", kind=SpanKind.SERVER, attributes=attributes
            ):
                for _ in range(its.spans - 1):
                    tracer.start_span("step", attributes={"padding": padding}).end()
            sent += its.spans
        time.sleep(0.02)
    last = time.time()
    # Sends what is left; a receiver that is away holds it up for as long as the SDK tries.
    stopping = threading.Thread(target=provider.shutdown, daemon=True)
    stopping.start()
    stopping.join(60)
    print(
        json.dumps(
            {
                "run": f"{its.run:08x}",
                "pod": its.pod,
                "sent": sent,
                "accepted": exporter.accepted,
                "failed": exporter.failed,
                "longest": round(exporter.longest, 2),
                "first": first,
                "last": last,
            }
        ),
        flush=True,
    )
    os._exit(0)


if __name__ == "__main__":
    main()
