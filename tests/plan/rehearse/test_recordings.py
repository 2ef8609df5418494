"""Recorded traffic is read in every format that a collector writes."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from plan.command import CommandError
from plan.rehearse import otlp
from plan.rehearse.shop import Shop

#: Two messages of a collector.
MESSAGES = [
    request
    for window in otlp.windows(Shop({}).traces(40, large=False), 1000)
    for request in otlp.Shift().requests(window, 1_700_000_000_000_000_000)
][:2]
SPANS = sum(map(otlp.span_count, MESSAGES))


def as_json(message: bytes) -> str:
    """Return a message as a collector writes it: ids in hexadecimal."""
    document = MessageToDict(TracesData.FromString(message))
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(document)


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


FORMATS: dict[str, Callable[[], bytes]] = {
    "JSON lines": lambda: "\n".join(map(as_json, MESSAGES)).encode(),
    "JSON lines, the last one cut off": lambda: "\n".join(
        [*map(as_json, MESSAGES), as_json(MESSAGES[0])[:50]]
    ).encode(),
    "protobuf of the collector": lambda: b"".join(len(m).to_bytes(4, "big") + m for m in MESSAGES),
    "protobuf with lengths": lambda: b"".join(varint(len(m)) + m for m in MESSAGES),
    "one message of protobuf": lambda: b"".join(MESSAGES),
    "one document of JSON": lambda: json.dumps(
        {"resourceSpans": [r for m in MESSAGES for r in json.loads(as_json(m))["resourceSpans"]]},
        indent=2,
    ).encode(),
    "gzip": lambda: gzip.compress("\n".join(map(as_json, MESSAGES)).encode()),
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_a_recording_is_read(content: Callable[[], bytes], tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(content())

    read = otlp.read(file, most=1000)

    expected = {s.span_id: s.SerializeToString() for _, s in otlp.arrived(MESSAGES)}
    found = {s.span_id: s.SerializeToString() for trace in read.traces for _, s in trace.spans}
    assert found == expected
    assert len(found) == SPANS
    assert not read.cut


def test_a_long_recording_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(FORMATS["JSON lines"]())

    read = otlp.read(file, most=SPANS - 1)

    assert sum(len(trace.spans) for trace in read.traces) == SPANS - 1
    assert read.cut


WRONG = {
    "no JSON": (b'{"resourceSpans": []}\n{"res\n{}', "line 2 is not JSON"),
    "no traces": (b'{"resourceLogs": []}', "has no `resourceSpans`"),
    "no span": (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": 7}]}]}]}', "not OTLP"),
    "an id that is none": (
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}',
        "not OTLP",
    ),
    "a list": (b"[1]", "has no `resourceSpans`"),
    "wrong nesting": (b'{"resourceSpans": [7]}', "not OTLP"),
    "other bytes": (b"\xff\x00\x01", "neither JSON nor protobuf"),
    "text": (b"hello world", "neither JSON nor protobuf"),
    "zstd": (b"\x28\xb5\x2f\xfd....", "compressed with zstd"),
    "empty": (b"", "there are no spans in it"),
    "half a gzip": (gzip.compress(b"{}" * 100)[:-10], "can't be read"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_another_file_is_refused_in_one_message(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(content)

    with pytest.raises(CommandError) as error:
        otlp.read(file, most=1000)

    assert said in str(error.value)
    assert str(error.value).startswith(f"FILE={file}: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        otlp.read(tmp_path / "missing", most=1000)
