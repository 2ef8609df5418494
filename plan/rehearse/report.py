"""The report of a rehearsal: Markdown, JSON, and the short form for a terminal."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic.alias_generators import to_camel

from components.settings import TracingSettings
from config.markdown import table
from plan.cost.estimate import Part, estimate
from plan.diff.markdown import code, counted, folded, paragraphs
from plan.rehearse.compare import NO_RULE, Change, How
from plan.rehearse.programs import HOST
from plan.rehearse.run import Rehearsal, Traffic

#: Rows of a long table outside of its collapsed part.
_ROWS = 15
#: Sections that only the whole report has.
_LONG = ("Services", "Routes", "Series")
#: Longest new value that is shown.
_VALUE = 40
#: Parts of the cost that follow from the spans that are stored.
_STORAGE = (Part.S3_STORAGE, Part.S3_REQUESTS, Part.KMS)


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a month costs with the measured share and size of spans, in USD.

    Attributes:
        spans_per_second: spans per second that enter the gateway.
        stored_per_second: those that are stored.
        storage: cost of S3.
        total: cost of the whole stack; None if a part is unknown.
    """

    spans_per_second: float
    stored_per_second: float
    storage: float
    total: float | None


@dataclass(frozen=True, kw_only=True)
class Side:
    """One tree's rehearsal of a stack.

    Attributes:
        name: `working tree`, or the Git ref.
        month: its cost; None if it can't be known.
    """

    name: str
    result: Rehearsal
    month: Month | None


def month(settings: TracingSettings | None, result: Rehearsal, traffic: Traffic) -> Month | None:
    """Return the cost of a month; None without a load, or without settings.

    The load is that of the recording, or else that which services send in `load`.
    """
    if settings is None:
        return None
    entering = traffic.recorded_per_second or settings.load.sent
    kept = result.compared.spans.kept
    if not entering or not kept:
        return None
    size = result.stored.bytes_per_span if result.stored else 0
    stored = entering * result.compared.share
    load = settings.load.model_copy(
        update={
            "spans_per_second": max(1, round(stored)),
            "bytes_per_span": round(result.compared.wire_bytes / kept),
            **({"stored_bytes_per_span": round(size)} if size else {}),
        }
    )
    its = estimate(settings.model_copy(update={"load": load}))
    parts = [its.parts[part] for part in _STORAGE]
    if any(part is None for part in parts):
        return None
    return Month(
        spans_per_second=entering,
        stored_per_second=stored,
        storage=sum(part or 0 for part in parts),
        total=its.total,
    )


#: Rows by their names, each with the cells of one side.
_Rows = dict[tuple[str, ...], tuple[str, ...]]


def markdown(stack: str, traffic: Traffic, sides: Sequence[Side]) -> str:
    """Return the report; the last side is the working tree, one in front of it the base."""
    return (
        paragraphs(
            [
                f"# Rehearsal of {stack}",
                _head(traffic, sides),
                *(text for _, text in _sections(sides, aligned=False)),
                _notes(traffic, sides),
            ]
        )
        + "\n"
    )


def short(stack: str, traffic: Traffic, sides: Sequence[Side]) -> str:
    """Return the report for a terminal: without services, routes and series."""
    texts = [text for title, text in _sections(sides, aligned=True) if title not in _LONG]
    return paragraphs([f"Rehearsal of {stack}. {_head(traffic, sides)}", *texts])


def part(sides: Sequence[Side]) -> str:
    """Return the tables that a plan diff shows."""
    found = [t for title, t in _sections(sides, aligned=False) if title not in _LONG]
    return paragraphs(text.replace("## ", "#### ", 1) for text in found)


def as_json(stack: str, traffic: Traffic, sides: Sequence[Side]) -> str:
    """Return the report for programs: keys in camel case, `result` and, with BASE, `base`."""
    names = ["base", "result"][-len(sides) :]
    document: dict[str, Any] = {
        "stack": stack,
        "traffic": {
            "name": traffic.name,
            "spansPerSecond": traffic.per_second,
            "recordedSpansPerSecond": traffic.recorded_per_second,
            "notes": list(traffic.notes),
        },
        **{name: _plain(side) for name, side in zip(names, sides, strict=True)},
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _plain(side: Side) -> dict[str, Any]:
    result, compared = side.result, side.result.compared
    named = {
        "services": [{"service": s, **dataclasses.asdict(c)} for s, c in compared.services.items()],
        "routes": [
            {"service": s, "route": r, **dataclasses.asdict(c)}
            for (s, r), c in compared.routes.items()
        ],
        "attributes": [
            {"change": how, "where": where, "attribute": name, "spans": change.spans}
            for (how, where, name), change in compared.changes.items()
        ],
        "redactions": [
            {"rule": rule, "where": where, "attribute": name, "spans": spans}
            for (rule, where, name), spans in sorted(compared.rules.items())
        ],
        "secretsLeft": dict(compared.markers),
        "share": compared.share,
    }
    plain = ("traces_sent", "traces_whole", "traces_in_part", "rootless", "foreign", "wire_bytes")
    its = {to_camel(name): getattr(compared, name) for name in plain}
    both = {name: dataclasses.asdict(getattr(compared, name)) for name in ("spans", "largest")}
    document: dict[str, Any] = {
        "ref": side.name,
        **its,
        **both,
        **named,
        "sent": dataclasses.asdict(result.sent),
        "rules": dict(result.rules),
        "policies": {name: dataclasses.asdict(d) for name, d in result.policies.items()},
        "tooEarly": result.too_early,
        "failed": dict(result.failed),
        "series": dict(result.series),
        "collectors": [dataclasses.asdict(usage) for usage in result.usage],
        "stored": dataclasses.asdict(result.stored) if result.stored else None,
        "month": dataclasses.asdict(side.month) if side.month else None,
        "notRun": list(result.not_run),
    }
    return _camel(document)


#: Keys whose values are named by the traffic or the configuration, and not by this module.
_FREE = ("rules", "policies", "series", "failed", "secretsLeft", "reasons", "discarded")


def _camel(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {
            to_camel(key): item if key in _FREE else _camel(item)
            for key, item in cast(dict[str, Any], value).items()
        }
    if isinstance(value, list):
        return [_camel(item) for item in cast(list[Any], value)]
    return value


def _head(traffic: Traffic, sides: Sequence[Side]) -> str:
    pods = ", ".join(usage.name for usage in sides[-1].result.usage)
    said = (
        f"{traffic.name}, sent at {traffic.per_second:,.0f} spans/s through the rendered "
        f"configuration of {pods}."
    )
    if len(sides) > 1:
        said += f" Cells show {code(sides[0].name)} → working tree where they differ."
    return said


def _sections(sides: Sequence[Side], *, aligned: bool) -> Iterator[tuple[str, str]]:
    """Yield title and text of each section that has rows."""
    for title, head, rows, before in (
        ("Spans", ("what", "number"), [_spans(side) for side in sides], ""),
        ("Dropped by rule", ("rule", "spans"), [_rules(side) for side in sides], ""),
        (
            "Sampling policies",
            ("policy", "traces kept", "traces not kept"),
            [_policies(side) for side in sides],
            "A trace that a policy keeps is not tried with the next ones.",
        ),
        ("Services", ("service", *_COUNTED), [_services(side) for side in sides], ""),
        ("Routes", ("service", "route", *_COUNTED), [_routes(side) for side in sides], ""),
        (
            "Redactions",
            ("attribute", "of", "change", "spans", "becomes"),
            [_redactions(side) for side in sides],
            "What arrives differs from what was sent. Attributes that are added are not listed.",
        ),
        (
            "Redactions by rule",
            ("rule", "attribute", "of", "spans"),
            [_by_rule(side) for side in sides],
            "A text that two rules match counts for the first one, a value with two secrets for "
            "both. The rules are applied to what was sent; what arrived must be the same.",
        ),
        (
            "Secrets that arrive",
            ("attribute", "spans"),
            [_secrets(side) for side in sides],
            "The built-in traffic marks its secrets. These got through.",
        ),
        ("Series", ("metric", "series"), [_series(side) for side in sides], ""),
        (
            "Collectors",
            ("pod", "CPU seconds per million spans", "peak memory, MiB", "limit, MiB"),
            [_collectors(side) for side in sides],
            "",
        ),
        ("Cost", ("what", "amount"), [_cost(side) for side in sides], ""),
    ):
        if any(rows):
            text = _joined(head, rows, aligned=aligned)
            yield title, paragraphs([f"## {title}", before, text])


def _joined(head: Sequence[str], sides: Sequence[_Rows], *, aligned: bool) -> str:
    """Return one table of the rows of all sides."""
    width = len(head) - max(len(cells) for rows in sides for cells in rows.values())
    found: list[tuple[str, ...]] = []
    for key in dict.fromkeys(key for rows in sides for key in rows):
        none = ("-",) * (len(head) - width)
        cells = zip(*(rows.get(key, none) for rows in sides), strict=True)
        found.append((*key, *(" → ".join(dict.fromkeys(each)) for each in cells)))
    shown = table([head, *found[:_ROWS]], aligned=aligned)
    rest = found[_ROWS:]
    if not rest or aligned:
        return shown
    return paragraphs([shown, folded(f"{len(rest)} more", table([head, *rest]))])


_COUNTED = ("sent", "kept", "dropped", "kept %")


def _counted(sent: int, kept: int) -> tuple[str, ...]:
    return f"{sent:,}", f"{kept:,}", f"{sent - kept:,}", _percent(kept, sent)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _spans(side: Side) -> _Rows:
    result, its = side.result, side.result.compared
    rows: dict[str, str] = {
        "spans sent": f"{its.spans.sent:,}",
        "spans refused by the gateway": f"{result.sent.lost:,}",
        "spans dropped": f"{its.spans.sent - its.spans.kept - result.sent.lost:,}",
        "spans kept": f"{its.spans.kept:,} ({_percent(its.spans.kept, its.spans.sent)})",
        "traces sent": f"{its.traces_sent:,}",
        "traces kept whole": f"{its.traces_whole:,}",
        "traces kept in part": f"{its.traces_in_part:,}",
        "of them without their root": f"{its.rootless:,}",
        "largest trace": f"{its.largest.kept:,} of {its.largest.sent:,} spans kept",
    }
    if result.too_early:
        rows["traces decided too early (`numTraces`)"] = f"{result.too_early:,}"
    if its.foreign:
        rows["spans that nobody sent"] = f"{its.foreign:,}"
    for name, count in result.failed.items():
        rows[f"spans given up by {code(name)}"] = f"{count:,}"
    rows["series written"] = f"{sum(result.series.values()):,}"
    return {(key,): (value,) for key, value in rows.items()}


def _rules(side: Side) -> _Rows:
    result, its = side.result, side.result.compared.spans
    rows = dict(result.rules)
    sampled = its.sent - its.kept - result.sent.lost - sum(rows.values())
    if result.policies and sampled > 0:
        rows["sampling"] = sampled
    return {(code(name),): (f"{count:,}",) for name, count in rows.items()}


def _policies(side: Side) -> _Rows:
    return {
        (code(name) if name else "all together",): (f"{d.kept:,}", f"{d.not_kept:,}")
        for name, d in sorted(side.result.policies.items())
    }


def _services(side: Side) -> _Rows:
    its = side.result.compared.services
    return {
        (name,): _counted(count.sent, count.kept)
        for name, count in sorted(its.items(), key=lambda item: -item[1].sent)
    }


def _routes(side: Side) -> _Rows:
    its = side.result.compared.routes
    return {
        (service, code(route)): _counted(count.sent, count.kept)
        for (service, route), count in sorted(
            its.items(), key=lambda item: (item[1].kept - item[1].sent, -item[1].sent)
        )
    }


def _redactions(side: Side) -> _Rows:
    return {
        (code(name), where, how): (f"{change.spans:,}", _becomes(change))
        for (how, where, name), change in sorted(side.result.compared.changes.items())
        if how is not How.ADDED
    }


def _by_rule(side: Side) -> _Rows:
    return {
        (rule if rule == NO_RULE else code(rule), code(name), where): (f"{spans:,}",)
        for (rule, where, name), spans in sorted(side.result.compared.rules.items())
    }


def _becomes(change: Change) -> str:
    """Return the new value if it is always the same, which a secret isn't."""
    if change.spans < 3 or len(change.values) != 1:
        return "(varies)"
    [value] = change.values
    return code(value) if 0 < len(value) <= _VALUE and HOST not in value else ""


def _secrets(side: Side) -> _Rows:
    return {(code(name),): (f"{n:,}",) for name, n in side.result.compared.markers.most_common()}


def _series(side: Side) -> _Rows:
    its = sorted(side.result.series.items(), key=lambda item: -item[1])
    return {(code(name),): (f"{count:,}",) for name, count in its}


def _collectors(side: Side) -> _Rows:
    million = side.result.compared.spans.sent / 1_000_000
    return {
        (usage.name,): (
            f"{usage.cpu_seconds / million:.0f}" if million else "-",
            f"{usage.peak_mib:,}",
            f"{usage.limit_mib:,}" if usage.limit_mib else "-",
        )
        for usage in side.result.usage
    }


def _cost(side: Side) -> _Rows:
    result, its = side.result, side.result.compared
    rows: dict[str, str] = {}
    if its.spans.kept:
        rows["bytes of a kept span on the wire"] = f"{its.wire_bytes / its.spans.kept:.0f}"
    if result.stored and result.stored.bytes_per_span:
        rows["bytes of a span in S3, measured"] = f"{result.stored.bytes_per_span:.0f}"
        for reason, count in result.stored.discarded.items():
            if count:
                rows[f"spans that Tempo discards: {reason}"] = f"{count:,}"
    if side.month:
        rows["spans/s that enter"] = f"{side.month.spans_per_second:,.0f}"
        rows["spans/s that are stored"] = f"{side.month.stored_per_second:,.0f}"
        rows["S3, USD a month"] = f"{side.month.storage:,.2f}"
        if side.month.total is not None:
            rows["stack, USD a month"] = f"{side.month.total:,.2f}"
    return {(key,): (value,) for key, value in rows.items()}


def _notes(traffic: Traffic, sides: Sequence[Side]) -> str:
    notes = [
        *traffic.notes,
        "One pod of the gateway receives everything; in the cluster its pods share the load.",
        "There is no Kubernetes API: senders keep the `k8s.*` attributes that they set.",
    ]
    if any(side.result.policies for side in sides):
        notes.append(f"Policies that limit spans per second saw {traffic.per_second:,.0f} spans/s.")
    for side in sides:
        notes += [f"{reason}." for reason in side.result.not_run]
        if side.result.stored is None and side.month:
            notes.append("Bytes in S3 are estimated as half of those on the wire.")
        for reason, count in side.result.sent.reasons.items():
            notes.append(f"{counted(count, 'span')} refused by the gateway: {reason}")
    if any(side.month for side in sides) and any(
        side.result.compared.share != _all(side) for side in sides
    ):
        notes.append(
            "The cost leaves out the largest trace, which is a large part of this traffic."
        )
    return paragraphs(["## Notes", "\n".join(f"- {note}" for note in dict.fromkeys(notes))])


def _all(side: Side) -> float:
    spans = side.result.compared.spans
    return spans.kept / spans.sent if spans.sent else 0
