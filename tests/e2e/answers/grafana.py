"""What Grafana does to a query before it sends it: variables and time ranges."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

#: Grafana's default for a datasource's scrape interval, in seconds.
SCRAPE_SECONDS = 15
#: Points that a graph asks for, about its width in pixels.
_POINTS = 1000

#: Values of a variable: one text, several, or an `AllValue`.
Value = str | list[str]

#: `$1` is a group of a regular expression, which Grafana leaves as it is.
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$([A-Za-z_]\w*)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class AllValue(str):
    """A variable's own text for all: Grafana puts it in as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Range:
    """A time range: seconds since 1970."""

    start: float
    end: float

    @property
    def seconds(self) -> int:
        """Length in seconds."""
        return int(self.end - self.start)

    @property
    def step(self) -> int:
        """Seconds between two points of a graph."""
        return max(SCRAPE_SECONDS, self.seconds // _POINTS)

    def built_in(self) -> dict[str, str]:
        """Return the variables that every query has."""
        return {
            "__interval": f"{self.step}s",
            "__interval_ms": f"{self.step * 1000}",
            "__rate_interval": f"{max(self.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
            "__range": f"{self.seconds}s",
            "__range_s": f"{self.seconds}",
            "__range_ms": f"{self.seconds * 1000}",
            "__from": f"{int(self.start * 1000)}",
            "__to": f"{int(self.end * 1000)}",
        }


def time_range(start: str, now: float) -> Range:
    """Return the range from a start such as `now-6h` until now.

    Raises:
        ValueError: the start is not of that form.
    """
    match = re.fullmatch(r"now-(\d+)([smhdw])(/\w)?", start)
    if match is None:
        raise ValueError(f"{start} is no start of a range that this knows")
    return Range(now - int(match[1]) * _UNITS[match[2]], now)


def promql(text: str, values: Mapping[str, Value], within: Range) -> str:
    """Return a PromQL expression as Grafana's Prometheus datasource sends it."""
    return _filled(text, values, within, _for_promql)


def plain(text: str, values: Mapping[str, Value], within: Range) -> str:
    """Return a query as datasources send it that do not escape: several values with pipes."""
    return _filled(text, values, within, lambda value: "|".join(_several(value)))


def _filled(
    text: str, values: Mapping[str, Value], within: Range, usual: Callable[[Value], str]
) -> str:
    known = {**values, **within.built_in()}

    def put(match: re.Match[str]) -> str:
        name, form = match[1] or match[3], match[2]
        if name not in known:
            return match[0]
        value = known[name]
        if isinstance(value, AllValue) or name.startswith("__"):
            return str(value)
        return _FORMATS[form](value) if form else usual(value)

    return _VARIABLE.sub(put, text)


def _several(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else value


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


def _for_promql(value: Value) -> str:
    """A choice of one is escaped for a string, others for a pattern within a string."""
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return _joined([re.sub(r"[\\$^*{}\[\]'+?.()|]", r"\\\\\g<0>", one) for one in value])


def _regex(value: Value) -> str:
    return _joined([re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", one) for one in _several(value)])


def _in_quotes(value: Value) -> str:
    return ",".join('"' + one.replace('"', '\\"') + '"' for one in _several(value))


#: Grafana's formats; a variable that asks for another one fails the run.
_FORMATS: Mapping[str, Callable[[Value], str]] = {
    "regex": _regex,
    "doublequote": _in_quotes,
    "pipe": lambda value: "|".join(_several(value)),
    "percentencode": lambda value: quote(",".join(_several(value)), safe=""),
    "raw": lambda value: ",".join(_several(value)),
    "csv": lambda value: ",".join(_several(value)),
    "text": lambda value: " + ".join(_several(value)),
}
