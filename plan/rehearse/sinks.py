"""Backends that keep what they are sent: spans over gRPC, and anything over HTTP."""

# gRPC and the generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import gzip
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import grpc

from plan.rehearse.programs import HOST

#: Method that exports spans.
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#: Options of a server or a channel without a limit of the size of messages.
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


Sink = TypeVar("Sink", bound="TraceSink")


@dataclass
class TraceSink:
    """What arrived over gRPC, and where to send it.

    Attributes:
        endpoint: its host and port.
        requests: ExportTraceServiceRequests as they arrived, not decoded.
        headers: metadata of the requests, all together.
        pairs: metadata and request of each.
        delay: seconds that each request takes.
    """

    endpoint: str = ""
    delay: float = 0
    requests: list[bytes] = field(default_factory=list[bytes])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    pairs: list[tuple[dict[str, str], bytes]] = field(
        default_factory=list[tuple[dict[str, str], bytes]]
    )


@contextmanager
def trace_sink(
    sink: Sink,
    port: int = 0,
    *,
    accept: Callable[[bytes, grpc.ServicerContext], None] = lambda request, context: None,
    workers: int = 4,
    host: str = HOST,
) -> Generator[Sink]:
    """Run a receiver of OTLP over gRPC, which fills a sink, on a port of this machine.

    Args:
        sink: what it fills.
        port: its port; by default a free one.
        accept: what happens with a request before it is kept; an error refuses it.
        workers: requests that are answered at the same time.
        host: address that it listens on.
    """

    def export(request: bytes, context: Any) -> bytes:  # noqa: ANN401
        time.sleep(sink.delay)
        accept(request, context)
        metadata = dict(context.invocation_metadata())
        sink.headers.update(metadata)
        sink.requests.append(request)
        sink.pairs.append((metadata, request))
        return b""

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401
            its = handler_call_details.method == EXPORT
            return grpc.unary_unary_rpc_method_handler(export) if its else None

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=workers), options=UNLIMITED)
    server.add_generic_rpc_handlers((Handler(),))
    sink.endpoint = f"{host}:{server.add_insecure_port(f'{host}:{port}')}"
    server.start()
    try:
        yield sink
    finally:
        server.stop(grace=None).wait()


@dataclass(frozen=True)
class Request:
    """One HTTP request, its body unpacked."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpSink:
    """What arrived over HTTP, and where to send it."""

    url: str = ""
    requests: list[Request] = field(default_factory=list[Request])

    def series(self) -> list[dict[str, str]]:
        """Return the labels of the time series that arrived by remote write."""
        return [labels(each) for request in self.requests for each in written_series(request)]


@contextmanager
def http_sink(port: int = 0, host: str = HOST) -> Generator[HttpSink]:
    """Run an HTTP server that accepts everything on a port, by default a free one."""
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

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
            """Keep quiet."""

    server = ThreadingHTTPServer((host, port), Handler)
    sink.url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a protobuf message by number: integers, and bytes of all other types."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        match key & 7:
            case 0:
                yield key >> 3, varint()
                continue
            case 1:
                length = 8
            case 5:
                length = 4
            case _:
                length = varint()
        yield key >> 3, message[at : at + length]
        at += length


def written_series(request: Request) -> Iterator[bytes]:
    """Yield the time series of a remote write as they are encoded, labels readable."""
    for number, series in fields(request.body):
        if number == 1:  # WriteRequest.timeseries
            yield series


def labels(series: bytes) -> dict[str, str]:
    """Return the labels of a time series as remote write encodes it."""
    return {
        name.decode(): value.decode()
        for number, label in fields(series)
        if number == 1  # TimeSeries.labels
        for name, value in [dict(fields(label)).values()]
    }
