"""Backends that keep what they are sent: OTLP over gRPC, and anything over HTTP."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from plan.rehearse import otlp, sinks
from plan.rehearse.sinks import HttpSink, Request, http_sink, labels, written_series

__all__ = [
    "HttpSink",
    "Request",
    "http_sink",
    "labels",
    "log_records",
    "trace_sink",
    "written_series",
]


@dataclass(frozen=True)
class Span:
    """A span as Tempo would get it."""

    name: str
    resource: dict[str, str]
    attributes: dict[str, str]


class TraceSink(sinks.TraceSink):
    """What arrived over gRPC, decoded."""

    @property
    def spans(self) -> list[Span]:
        """The spans; of their attributes those that are strings."""
        return _decoded(self.requests)

    @property
    def by_tenant(self) -> list[tuple[str, Span]]:
        """The spans, each with the tenant in the header of its request."""
        return [
            (metadata.get("x-scope-orgid", ""), span)
            for metadata, request in self.pairs
            for span in _decoded([request])
        ]


def _decoded(requests: list[bytes]) -> list[Span]:
    return [
        Span(span.name, _strings(source.resource.attributes), _strings(span.attributes))
        for source, span in otlp.arrived(requests)
    ]


def _strings(pairs: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs}


def log_records(requests: Iterable[Request]) -> list[tuple[dict[str, Any], Any]]:
    """Return the log records that arrived, each with the attributes of its resource."""
    return [
        (otlp.attributes(part.resource.attributes), record)
        for request in requests
        for part in ExportLogsServiceRequest.FromString(request.body).resource_logs
        for scope in part.scope_logs
        for record in scope.log_records
    ]


@contextmanager
def trace_sink(port: int = 0, delay: float = 0) -> Generator[TraceSink]:
    """Run an OTLP receiver for spans on a port of this machine, by default a free one."""
    with sinks.trace_sink(TraceSink(delay=delay), port) as sink:
        yield sink
