"""What the collectors did to traffic: the spans that were sent against those that arrived."""

# The generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from components.alloy.clean.replay import Cleaning
from plan.rehearse.otlp import Source, Trace, attributes, plain

#: Attributes that name the route of a span, the first one wins.
_ROUTES = ("http.route", "rpc.method", "messaging.destination.name", "db.operation.name")
#: A part of a path that is an id.
_ID = re.compile(r"/(?:\d+|[0-9a-fA-F-]{8,})(?=/|$)")


#: Rule of a change that no rule explains: a module of the stack file makes it.
NO_RULE: Final = "none of these"


class How(StrEnum):
    """How an attribute differs after the collectors."""

    REMOVED = "removed"
    REPLACED = "replaced"
    SHORTENED = "shortened"
    ADDED = "added"


@dataclass
class Count:
    """Spans that were sent, and those of them that arrived."""

    sent: int = 0
    kept: int = 0


@dataclass
class Change:
    """Spans in which an attribute differs, and its new value if that is always the same."""

    spans: int = 0
    values: set[str] = field(default_factory=set[str])

    def add(self, value: str) -> None:
        """Count a span with a new value."""
        self.spans += 1
        # A third value tells nothing more than the second.
        if len(self.values) < 2:
            self.values.add(value)


@dataclass
class Comparison:
    """What became of the traffic.

    Attributes:
        spans: all spans.
        traces_sent: traces that were sent.
        traces_whole: traces of which every span arrived.
        traces_in_part: traces of which some spans arrived.
        rootless: traces that arrived without their root span.
        largest: the spans of the largest trace.
        foreign: spans that arrived and were not sent.
        services: spans by service.
        routes: spans by service and route.
        changes: changed attributes by how, where (resource, span, event) and name.
        rules: changed values by rule, where and name; empty without the settings.
        markers: attributes that still contain the marker of secrets, with their number.
        wire_bytes: bytes of the spans that arrived.
    """

    spans: Count = field(default_factory=Count)
    traces_sent: int = 0
    traces_whole: int = 0
    traces_in_part: int = 0
    rootless: int = 0
    largest: Count = field(default_factory=Count)
    foreign: int = 0
    services: dict[str, Count] = field(default_factory=dict[str, Count])
    routes: dict[tuple[str, str], Count] = field(default_factory=dict[tuple[str, str], Count])
    changes: dict[tuple[How, str, str], Change] = field(
        default_factory=dict[tuple[How, str, str], Change]
    )
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    markers: Counter[str] = field(default_factory=Counter[str])
    wire_bytes: int = 0

    @property
    def share(self) -> float:
        """Share of the spans that arrived, the largest trace left out if it is most of them.

        A single trace of the built-in traffic would otherwise decide what sampling seems to save.
        """
        sent, kept = self.spans.sent, self.spans.kept
        if self.largest.sent * 4 > sent and self.largest.sent < sent:
            sent, kept = sent - self.largest.sent, kept - self.largest.kept
        return kept / sent if sent else 0


def compare(
    traces: Sequence[Trace],
    arrived: Iterable[tuple[Source, Any]],
    marker: str = "",
    cleaning: Cleaning | None = None,
) -> Comparison:
    """Compare traffic with what arrived.

    Args:
        traces: the traces that were sent.
        arrived: the spans that arrived, in any order and possibly more than once.
        marker: a string in every secret of the traffic; empty if it is not known.
        cleaning: settings whose rules explain changes; without them, rules are not counted.
    """
    found = Comparison()
    explained = _Explained(cleaning)
    by_id: dict[tuple[bytes, bytes, int], tuple[Source, Any]] = {}
    of_resources: dict[tuple[int, int], list[_Changed]] = {}
    for source, span in arrived:
        by_id.setdefault(_key(span), (source, span))
    seen = 0
    for trace in traces:
        whole = Count()
        rootless = False
        for source, span in trace.spans:
            got = by_id.get(_key(span))
            kept = int(got is not None)
            service = _service(source)
            for count in (
                whole,
                found.services.setdefault(service, Count()),
                found.routes.setdefault((service, _route(span)), Count()),
            ):
                count.sent += 1
                count.kept += kept
            if got is None:
                rootless |= not span.parent_span_id
                continue
            seen += 1
            key = id(source.resource), id(got[0].resource)
            if key not in of_resources:
                pair = source.resource.attributes, got[0].resource.attributes
                of_resources[key] = list(_changed("resource", *pair))
            changed = (*of_resources[key], *_changes(span, got[1]))
            _add(found, changed, got, marker)
            found.rules.update(rule for one in changed for rule in explained.rules(one))
        found.spans.sent += whole.sent
        found.spans.kept += whole.kept
        found.traces_sent += 1
        found.traces_whole += whole.kept == whole.sent
        found.traces_in_part += 0 < whole.kept < whole.sent
        found.rootless += rootless and whole.kept > 0
        if whole.sent > found.largest.sent:
            found.largest = whole
    found.foreign = len(by_id) - seen
    return found


#: How, where, name, the text that arrived, and the value that was sent.
_Changed = tuple[How, str, str, str, Any]


class _Explained:
    """Finds the rules of changes. Equal values have equal rules, and many are equal."""

    def __init__(self, cleaning: Cleaning | None) -> None:
        self._cleaning = cleaning
        self._known: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}

    def rules(self, changed: _Changed) -> list[tuple[str, str, str]]:
        """Return rule, where and name of each rule that takes part in a change."""
        how, where, name, after, before = changed
        if self._cleaning is None or how is How.ADDED:
            return []
        key = (how, where, name, after, str(before))
        if key not in self._known:
            rules = list(self._of(self._cleaning, changed)) or [NO_RULE]
            self._known[key] = [(rule, where, name) for rule in rules]
        return self._known[key]

    def _of(self, cleaning: Cleaning, changed: _Changed) -> Iterator[str]:
        how, where, name, after, before = changed
        if how is How.REMOVED:
            if rule := cleaning.removal(where, name):
                yield rule
            return
        steps = list(cleaning.changes(where, name, before))
        # What the rules make of it must be what arrived: another change is not theirs.
        if steps and steps[-1][1] == after:
            yield from dict.fromkeys(rule for rule, _ in steps)


def _key(span: Any) -> tuple[bytes, bytes, int]:  # noqa: ANN401
    # Senders such as Zipkin's use one id for both sides of a call.
    return span.trace_id, span.span_id, span.kind


def _service(source: Source) -> str:
    values = attributes(a for a in source.resource.attributes if a.key == "service.name")
    return str(values.get("service.name", "unknown"))


def _route(span: Any) -> str:  # noqa: ANN401
    values = {pair.key: pair.value.string_value for pair in span.attributes}
    method = values.get("http.request.method", "")
    for name in _ROUTES:
        if values.get(name):
            return f"{method} {values[name]}".strip() if name == "http.route" else span.name
    # Ids in paths would make a route of each request.
    return _ID.sub("/*", span.name)


def _add(
    found: Comparison, changed: Iterable[_Changed], got: tuple[Source, Any], marker: str
) -> None:
    for how, where, name, value, _ in changed:
        found.changes.setdefault((how, where, name), Change()).add(value)
    # Looking at the bytes first is many times faster.
    if marker and marker.encode() in got[1].SerializeToString():
        found.markers.update(_marked(got[1], marker))


def _changes(before: Any, after: Any) -> Iterator[_Changed]:  # noqa: ANN401
    yield from _changed("span", before.attributes, after.attributes)
    if before.name != after.name:
        yield _replaced("span", "name", before.name, after.name)
    if before.status.message != after.status.message:
        yield _replaced("span", "status.message", before.status.message, after.status.message)
    for old, new in zip(before.events, after.events, strict=False):
        yield from _changed("event", old.attributes, new.attributes)
    if len(after.events) < len(before.events):
        yield How.REMOVED, "event", "(whole event)", "", None


def _changed(where: str, before: Any, after: Any) -> Iterator[_Changed]:  # noqa: ANN401
    if before == after:
        return
    old, new = ({pair.key: pair.value for pair in pairs} for pairs in (before, after))
    for name, value in old.items():
        if name not in new:
            yield How.REMOVED, where, name, "", None
        elif value != new[name]:
            yield _replaced(where, name, plain(value), _text(new[name]))
    for name in new.keys() - old.keys():
        yield How.ADDED, where, name, _text(new[name]), None


def _replaced(where: str, name: str, before: Any, after: str) -> _Changed:  # noqa: ANN401
    text = str(before)
    shorter = after and len(after) < len(text) and text.startswith(after)
    return (How.SHORTENED if shorter else How.REPLACED), where, name, after, before


def _text(value: Any) -> str:  # noqa: ANN401
    return value.string_value if value.WhichOneof("value") == "string_value" else str(value)


def _marked(span: Any, marker: str) -> Iterator[str]:  # noqa: ANN401
    events = (pair for event in span.events for pair in event.attributes)
    for pair in (*span.attributes, *events):
        if marker in _text(pair.value):
            yield pair.key
    for name, value in (("name", span.name), ("status.message", span.status.message)):
        if marker in value:
            yield name
