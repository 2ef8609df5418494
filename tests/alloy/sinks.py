"""Backends that keep what they are sent: OTLP over gRPC, and anything over HTTP."""

# gRPC and the generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import gzip
import threading
from collections.abc import Generator, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2,
    trace_service_pb2_grpc,
)


@dataclass(frozen=True)
class Span:
    """A span as Tempo would get it."""

    name: str
    resource: dict[str, str]
    attributes: dict[str, str]


@dataclass
class TraceSink:
    """What arrived over gRPC, and where to send it."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    headers: dict[str, str] = field(default_factory=dict[str, str])


class _TraceService(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, sink: TraceSink) -> None:
        self._sink = sink

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in the protocol
        self._sink.headers.update(dict(context.invocation_metadata()))
        for part in request.resource_spans:
            resource = {a.key: a.value.string_value for a in part.resource.attributes}
            self._sink.spans += [
                Span(span.name, resource, {a.key: a.value.string_value for a in span.attributes})
                for scope in part.scope_spans
                for span in scope.spans
            ]
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def trace_sink() -> Generator[TraceSink, None, None]:
    """Run an OTLP receiver for spans on a free port of this machine."""
    sink = TraceSink()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_TraceService(sink), server)
    sink.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield sink
    finally:
        server.stop(grace=None).wait()


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpSink:
    """What arrived over HTTP, and where to send it."""

    url: str = ""
    requests: list[Request] = field(default_factory=list[Request])


def _unsnap(packed: bytes) -> bytes:
    """Unpack a block of snappy: a length, then literals and copies of what is there already."""
    at = next(i for i, byte in enumerate(packed) if byte < 0x80) + 1
    out = bytearray()
    while at < len(packed):
        tag = packed[at]
        at += 1
        kind, length = tag & 3, (tag >> 2) + 1
        if kind == 0:
            if length > 60:
                wide = length - 60
                length = int.from_bytes(packed[at : at + wide], "little") + 1
                at += wide
            out += packed[at : at + length]
            at += length
            continue
        if kind == 1:
            length = ((tag >> 2) & 7) + 4
            offset = (tag >> 5) << 8 | packed[at]
            at += 1
        else:
            wide = 2 if kind == 2 else 4
            offset = int.from_bytes(packed[at : at + wide], "little")
            at += wide
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of a protobuf message that has strings and messages only, by number."""
    at = 0
    while at < len(message):
        number, length, shift = message[at] >> 3, 0, 0
        while True:
            at += 1
            length |= (message[at] & 0x7F) << shift
            shift += 7
            if message[at] < 0x80:
                break
        at += 1
        yield number, message[at : at + length]
        at += length


def written_series(request: Request) -> Iterator[bytes]:
    """Yield the time series of a remote write as they are encoded, labels readable."""
    for number, series in _fields(request.body):
        if number == 1:  # WriteRequest.timeseries
            yield series


def labels(series: bytes) -> dict[str, str]:
    """Return the labels of a time series as remote write encodes it."""
    return {
        name.decode(): value.decode()
        for number, label in _fields(series)
        if number == 1  # TimeSeries.labels
        for name, value in [dict(_fields(label)).values()]
    }


@contextmanager
def http_sink() -> Generator[HttpSink, None, None]:
    """Run an HTTP server that takes everything on a free port of this machine."""
    sink = HttpSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "snappy": _unsnap}
            body = unpack.get(self.headers["Content-Encoding"], bytes)(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.requests.append(Request(self.path, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
