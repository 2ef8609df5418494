"""Traces as messages of OTLP: read from a recording, shifted in time and packed into requests."""

# The generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from plan.command import CommandError

#: Most spans of a request, as SDKs batch them (OTEL_BSP_MAX_EXPORT_BATCH_SIZE).
REQUEST_SPANS = 512
#: First bytes of compressed files.
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_IDS = ("traceId", "spanId", "parentSpanId")
_FORMATS = (
    "OTLP traces as JSON lines or as protobuf, as `otelcol.exporter.file` and the collector's file "
    "exporter write them, or gzip of these"
)


@dataclass(frozen=True, eq=False)
class Source:
    """Where spans come from: messages Resource and InstrumentationScope."""

    resource: Any
    scope: Any


@dataclass
class Trace:
    """One trace, its spans in the order in which they were recorded."""

    spans: list[tuple[Source, Any]] = field(default_factory=list[tuple[Source, Any]])

    @property
    def start(self) -> int:
        """Start of its first span, in nanoseconds."""
        return min(span.start_time_unix_nano for _, span in self.spans)

    @property
    def end(self) -> int:
        """End of its last span, in nanoseconds."""
        return max(span.end_time_unix_nano for _, span in self.spans)


@dataclass(frozen=True)
class Recording:
    """Recorded traffic.

    Attributes:
        traces: the traces by start.
        seconds: time between the start of the first and of the last trace.
        cut: whether the file has more spans than were read.
    """

    traces: list[Trace]
    seconds: float
    cut: bool


def read(path: Path, most: int) -> Recording:
    """Read recorded spans.

    Args:
        path: the file.
        most: most spans to read.

    Raises:
        CommandError: it can't be read, is in another format, or has no spans.
    """
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"FILE={path}: can't be read ({reason}).") from None
    try:
        messages = _messages(content)
        traces, cut = _traces(messages, most)
    except _FormatError as error:
        raise CommandError(f"FILE={path}: {error} It must be {_FORMATS}.") from None
    if not traces:
        raise CommandError(f"FILE={path}: there are no spans in it. It must be {_FORMATS}.")
    traces.sort(key=lambda trace: trace.start)
    seconds = (traces[-1].start - traces[0].start) / 1e9
    return Recording(traces, seconds, cut)


class _FormatError(Exception):
    """The content is not what it should be; one sentence."""


def _messages(content: bytes) -> Iterable[Any]:
    if content.startswith(_ZSTD) or content[4:8] == _ZSTD:
        raise _FormatError("it is compressed with zstd: unpack it first.")
    if content.lstrip()[:1] in (b"{", b"["):
        return _json(content)
    for length in (_fixed, _varint):
        frames = _frames(content, length)
        if frames:
            return [_decoded(frame) for frame in frames]
    return [_decoded(content)] if content else []


def _frames(content: bytes, length: Callable[[bytes, int], tuple[int, int] | None]) -> list[bytes]:
    """Return the messages of a file in which each one follows its length; none if it is not so."""
    at, found = 0, list[bytes]()
    while at < len(content):
        read = length(content, at)
        if read is None or read[0] == 0 or read[1] + read[0] > len(content):
            return []
        size, at = read
        found.append(content[at : at + size])
        at += size
    # The first field of TracesData, resource_spans, has this key.
    return found if all(frame[0] == 0x0A for frame in found) else []


def _fixed(content: bytes, at: int) -> tuple[int, int] | None:
    """Read a length as the collector's file exporter writes it: four bytes, the largest first."""
    return (int.from_bytes(content[at : at + 4], "big"), at + 4) if at + 4 <= len(content) else None


def _varint(content: bytes, at: int) -> tuple[int, int] | None:
    """Read a length as protobuf's libraries write it."""
    value = 0
    for n, byte in enumerate(content[at : at + 5]):
        value |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            return value, at + n + 1
    return None


def _decoded(message: bytes) -> Any:  # noqa: ANN401
    try:
        return TracesData.FromString(message)
    except DecodeError:
        raise _FormatError("it is neither JSON nor protobuf of OTLP traces.") from None


def _json(content: bytes) -> Iterator[Any]:
    try:
        # A single document may span lines.
        document = json.loads(content)
    except ValueError:
        pass
    else:
        yield _from_json(document)
        return
    lines = content.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError as error:
            # The last line of a file that is still being written may be half a line.
            if number == len(lines) > 1:
                return
            raise _FormatError(f"line {number} is not JSON ({error}).") from None
        yield _from_json(document)


def _from_json(document: Any) -> Any:  # noqa: ANN401
    if not isinstance(document, dict) or "resourceSpans" not in document:
        raise _FormatError("a JSON document in it has no `resourceSpans`.")
    try:
        for resource in cast(dict[str, Any], document)["resourceSpans"]:
            for scope in resource.get("scopeSpans", ()):
                for span in scope.get("spans", ()):
                    for each in (span, *span.get("links", ())):
                        for name in _IDS:
                            if each.get(name):
                                # OTLP has ids in hexadecimal, protobuf's JSON in base 64.
                                each[name] = b64encode(bytes.fromhex(each[name])).decode()
        return json_format.ParseDict(document, TracesData(), ignore_unknown_fields=True)
    except (AttributeError, TypeError, ValueError, json_format.ParseError) as error:
        raise _FormatError(f"a JSON document in it is not OTLP ({error}).") from None


def _traces(messages: Iterable[Any], most: int) -> tuple[list[Trace], bool]:
    found: dict[bytes, Trace] = {}
    count = 0
    for message in messages:
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                source = Source(resource.resource, scope.scope)
                for span in scope.spans:
                    if count >= most:
                        return list(found.values()), True
                    found.setdefault(span.trace_id, Trace()).spans.append((source, span))
                    count += 1
    return list(found.values()), False


def windows(traces: Iterable[Trace], spans: int) -> Iterator[list[tuple[Source, Any, int]]]:
    """Yield the spans of traces, some at a time, each with the end of its trace.

    A trace may begin in one window and end in the next.
    """
    window: list[tuple[Source, Any, int]] = []
    for trace in traces:
        end = trace.end
        for source, span in trace.spans:
            window.append((source, span, end))
            if len(window) == spans:
                yield window
                window = []
    if window:
        yield window


class Shift:
    """Packs spans into requests, moved in time so that their traces end when they are sent."""

    def __init__(self) -> None:
        """Begin with no trace known."""
        self._by_trace: dict[bytes, int] = {}

    def requests(self, window: Iterable[tuple[Source, Any, int]], now: int) -> Iterator[bytes]:
        """Yield requests as the senders of the spans would make them, one resource in each.

        Args:
            window: spans, each with the end of its trace.
            now: time in nanoseconds.
        """
        by_source: dict[int, tuple[Source, list[Any]]] = {}
        for source, span, end in window:
            by_source.setdefault(id(source.resource), (source, []))[1].append(span)
            self._by_trace.setdefault(span.trace_id, now - end)
        for source, spans in by_source.values():
            for at in range(0, len(spans), REQUEST_SPANS):
                yield self._request(source, spans[at : at + REQUEST_SPANS])

    def _request(self, source: Source, spans: Iterable[Any]) -> bytes:
        # TracesData and ExportTraceServiceRequest are the same on the wire.
        data = TracesData()
        resource = data.resource_spans.add(resource=source.resource)
        scope = resource.scope_spans.add(scope=source.scope)
        for span in spans:
            shift = self._by_trace[span.trace_id]
            copy = scope.spans.add()
            copy.CopyFrom(span)
            copy.start_time_unix_nano += shift
            copy.end_time_unix_nano += shift
            for event in copy.events:
                event.time_unix_nano += shift
        return data.SerializeToString()


def span_count(request: bytes) -> int:
    """Return the number of spans of an export request."""
    resources = TracesData.FromString(request).resource_spans
    return sum(len(scope.spans) for resource in resources for scope in resource.scope_spans)


def arrived(requests: Iterable[bytes]) -> Iterator[tuple[Source, Any]]:
    """Yield the spans of export requests."""
    for request in requests:
        for resource in TracesData.FromString(request).resource_spans:
            for scope in resource.scope_spans:
                source = Source(resource.resource, scope.scope)
                for span in scope.spans:
                    yield source, span


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return attributes as plain values."""
    return {pair.key: plain(pair.value) for pair in pairs}


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return an AnyValue as a plain value."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [plain(each) for each in value.array_value.values]
        case "kvlist_value":
            return attributes(value.kvlist_value.values)
        case _:
            return getattr(value, kind)


def add_attributes(pairs: Any, values: Mapping[str, str | int | bool]) -> None:  # noqa: ANN401
    """Add attributes to a repeated field of them."""
    for key, value in values.items():
        pair = pairs.add(key=key)
        match value:
            case bool():
                pair.value.bool_value = value
            case int():
                pair.value.int_value = value
            case str():
                pair.value.string_value = value
