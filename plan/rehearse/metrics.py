"""Metrics of the programs: what they expose, and the series that they write."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plan.rehearse.sinks import Request, fields, labels, written_series

#: Labels of a series by name, the metric's name among them.
Series = tuple[tuple[str, str], ...]

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(text: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Yield labels and value of each series of a metric in Prometheus' text format."""
    for found, pairs, value in _SAMPLE.findall(text):
        if found == name:
            yield dict(_LABEL.findall(pairs)), float(value)


def total(text: str, name: str, **wanted: str) -> float:
    """Return the sum of a metric's series that have some labels."""
    return sum(v for its, v in samples(text, name) if wanted.items() <= its.items())


def written(requests: Iterable[Request]) -> dict[Series, float]:
    """Return the last value of each series that was written by remote write, by its labels.

    A native histogram has no single value and counts as 0.
    """
    found: dict[Series, float] = {}
    for request in requests:
        if "x-prometheus-remote-write-version" not in request.headers:
            continue
        for series in written_series(request):
            key = tuple(sorted(labels(series).items()))
            found[key] = _last(series)
    return found


def _last(series: bytes) -> float:
    value = 0.0
    for number, sample in fields(series):
        if number == 2:  # TimeSeries.samples
            its: Mapping[int, Any] = dict(fields(sample))
            value = struct.unpack("<d", its.get(1, bytes(8)))[0]
    return value
