"""Keeps the spans that arrive by OTLP over HTTP or gRPC."""

# gRPC and the generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import gzip
import threading
from collections.abc import Generator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True)
class Span:
    """A span as the gateway gets it; ids in hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Receiver:
    """What arrived, and where to send it."""

    http: str = ""
    grpc: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    paths: set[str] = field(default_factory=set[str])

    def take(self, message: Any) -> None:
        for part in message.resource_spans:
            resource = _attributes(part.resource.attributes)
            self.spans += [
                Span(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    attributes=_attributes(span.attributes),
                    resource=resource,
                )
                for scope in part.scope_spans
                for span in scope.spans
            ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {p.key: getattr(p.value, p.value.WhichOneof("value") or "string_value") for p in pairs}


class _Service(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in the protocol
        self._receiver.paths.add("grpc")
        self._receiver.take(request)
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def receiving() -> Generator[Receiver]:
    """Run a receiver on free ports of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self._body()
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            receiver.paths.add(self.path)
            # As Alloy answers for a signal without a backend.
            status = 200 if self.path == "/v1/traces" else 404
            if status == 200:
                receiver.take(trace_service_pb2.ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if length := self.headers["Content-Length"]:
                return self.rfile.read(int(length))
            chunks: list[bytes] = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    rpc = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Service(receiver), rpc)
    receiver.http = f"http://127.0.0.1:{web.server_port}"
    receiver.grpc = f"http://127.0.0.1:{rpc.add_insecure_port('127.0.0.1:0')}"
    rpc.start()
    try:
        yield receiver
    finally:
        rpc.stop(grace=None).wait()
        web.shutdown()
        web.server_close()
