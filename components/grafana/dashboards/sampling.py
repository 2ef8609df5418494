"""Sampling: what is kept and dropped, by rule, service and route, with bytes and cost."""

from collections.abc import Iterator

from ...core.units import GIB
from ...telemetry.metrics import AlloyMetric, ClusterMetric, KeptMetric, Label, SpanMetric
from ...telemetry.promql import ANSWERED, CHOSEN, GRAPH, ONCE, added, once, rate, ratio, select
from .. import units
from ..layout import Dashboard, Line, Section, dashboard
from ..links import SERVICE_COLUMNS, Link, Uid, dashboard_url, row_link
from ..panels import FULL_STEPS, GOOD, Column, Panels
from ..variables import filters
from .requests import bytes_per_span

#: Price of a GiB in S3 for a month in USD: the first tier of S3 Standard in us-east-1, as in
#: plan/cost/prices.yaml.
USD_PER_GIB = 0.023

_CALLS, _KEPT = select(SpanMetric.CALLS, *CHOSEN), select(KeptMetric.CALLS, *CHOSEN)
_ROUTE: dict[str, str] = {Label.SERVICE: "Service", Label.HTTP_ROUTE: "Route"}


def build(show: Panels) -> Dashboard:
    """Return the dashboard; rules and samplers only if these are scraped."""
    sections = [Section("Before and after", _totals(show), _costs(show))]
    if show.stack.scraped:
        sections.append(Section("By rule", _rules(show)))
    sections.append(Section("By service and route", *_services(show)))
    if show.stack.scraped:
        sections.append(Section("Samplers", _samplers(show)))
    state = "is kept, and what is dropped" if show.stack.decides else "sampling would keep"
    return dashboard(
        Uid.SAMPLING,
        f"What {state}: by rule, service and route, with bytes and cost.",
        *sections,
        variables=filters(show.stack),
        links=[
            Link("Capacity", dashboard_url(Uid.CAPACITY)),
            Link("Alloy", dashboard_url(Uid.COLLECTORS, keep=[])),
        ]
        if show.stack.scraped
        else [Link("Capacity", dashboard_url(Uid.CAPACITY))],
        time_from="now-24h",
        refresh="5m",
    )


def _totals(show: Panels) -> Line:
    calls, kept = rate(_CALLS, window=ONCE), rate(_KEPT, window=ONCE)
    return Line(
        show.stat("Spans before", "Spans per second that services send.", calls, units.SPANS),
        show.stat(
            "Spans after",
            "Spans per second of the traces that are kept, or would be.",
            f"({kept} or vector(0))",
            units.SPANS,
        ),
        show.stat(
            "Kept", "Share of the spans that is kept, or would be.", ratio(kept, calls), units.USED
        ),
        show.stat(
            "Bytes per span",
            "Average size of a stored span, before compression. The bytes of dropped spans are "
            "estimated by it.",
            bytes_per_span(show),
            units.BYTES,
        ),
        height=4,
    )


def _costs(show: Panels) -> Line:
    stack = show.stack
    each = f"{bytes_per_span(show)} * {stack.stored_share:g} * {stack.kept_hours * 3600}"
    stored = {
        "before": f"{rate(_CALLS, window=ONCE)} * {each}",
        "after": f"({rate(_KEPT, window=ONCE)} or vector(0)) * {each}",
    }
    days = f"{stack.kept_hours / 24:g} days"
    return Line(
        *(
            show.stat(
                f"Bytes in S3 {name}",
                f"Bytes in the bucket after the retention of {days} at this rate, if a stored span "
                f"has {stack.stored_share:.0%} of its size on the wire.",
                expr,
                units.BYTES,
            )
            for name, expr in stored.items()
        ),
        *(
            show.stat(
                f"S3 per month {name}",
                f"Cost of storing these bytes for a month, at {USD_PER_GIB} USD per GiB. Requests "
                "and the samplers' own cost are in the plan.",
                f"{USD_PER_GIB} * {expr} / {GIB}",
                units.DOLLARS,
            )
            for name, expr in stored.items()
        ),
        height=4,
    )


def _by_rule(show: Panels, decision: str, window: str) -> str:
    """Return traces per second by rule. Alloy puts the component in front of the policy's name."""
    traces = show.stack.sampler(AlloyMetric.TRACES_BY_POLICY, decision=f'="{decision}"')
    found = added(traces, by=["policy"], window=window)
    return f'label_replace({found}, "policy", "$1", "policy", ".+[.](.+)")'


def _rules(show: Panels) -> Line:
    decided = show.stack.sampler(AlloyMetric.TRACES_DECIDED, decision='!="sampled"')
    dropped = added(decided, window=GRAPH, or_none=True)
    return Line(
        show.graph(
            "Traces by rule",
            "Traces per second that each rule keeps, and those that none keeps. The first rule in "
            "the order of docs/pipeline.md that keeps a trace counts.",
            {"{{policy}}": _by_rule(show, "sampled", GRAPH), "dropped": dropped},
            units.TRACES,
            stacked=True,
        ),
        show.table(
            "Rules",
            "Traces per second that each rule keeps or drops. A rule that is missing has not "
            "matched in this time range.",
            {"policy": "Rule"},
            [
                Column("Keeps", _by_rule(show, "sampled", ONCE), units.TRACES),
                Column("Drops", _by_rule(show, "dropped", ONCE), units.TRACES),
            ],
            order=("Keeps",),
        ),
        shares=(13, 11),
    )


def _services(show: Panels) -> Iterator[Line]:
    by, routes = tuple(SERVICE_COLUMNS), tuple(_ROUTE)
    calls, kept = (
        select(SpanMetric.CALLS, ANSWERED, *CHOSEN),
        select(KeptMetric.CALLS, ANSWERED, *CHOSEN),
    )
    yield Line(
        show.table(
            "Services",
            "Spans per second of each service before and after, and the share that is kept.",
            SERVICE_COLUMNS,
            _columns(_CALLS, _KEPT, by),
            order=("Before",),
            links={"Service": [row_link("Service", Uid.SERVICE)]},
        )
    )
    yield Line(
        show.table(
            "Routes",
            "Requests per second of each route before and after. A route without kept requests "
            "can't be looked at in traces: give it a rule.",
            _ROUTE,
            _columns(calls, kept, routes),
            order=("Before",),
        )
    )


def _columns(calls: str, kept: str, by: tuple[str, ...]) -> list[Column]:
    before, after = rate(calls, by=by, window=ONCE), rate(kept, by=by, window=ONCE)
    return [
        Column("Before", before, units.SPANS),
        Column("After", f"({after} or 0 * {before})", units.SPANS),
        Column("Kept", ratio(after, before), units.USED),
    ]


def _samplers(show: Panels) -> Line:
    stack = show.stack
    held = once(stack.sampler(AlloyMetric.TRACES_IN_MEMORY))
    early = stack.sampler(AlloyMetric.TRACES_TOO_EARLY)
    large = stack.sampler(AlloyMetric.TRACES_TOO_LARGE)
    late = added(stack.sampler(AlloyMetric.SPANS_LATE), window=GRAPH)
    accepted = added(stack.sampler(AlloyMetric.SPANS_ACCEPTED), window=GRAPH)
    up = stack.sampler(ClusterMetric.UP)
    return Line(
        show.graph(
            "Samplers that run",
            "Samplers that answer the scrape. Spans for one that doesn't wait in Alloy.",
            {"ready": f"count({once(up)} == 1)", "should": f"vector({stack.samplers})"},
            units.COUNT,
        ),
        show.graph(
            "Traces in memory",
            f"Traces that wait for their decision, as a share of the {stack.sampled_traces:,} that "
            "a sampler holds. At 100 % the oldest are dropped undecided.",
            {"{{pod}}": f"max by (pod) ({held}) / {stack.sampled_traces}"},
            units.USED,
            FULL_STEPS,
        ),
        show.graph(
            "Dropped before the decision",
            "Traces per second that are dropped because the memory is full, or because they are "
            "larger than Tempo accepts.",
            {
                "too many": added(early, window=GRAPH, or_none=True),
                "too large": added(large, window=GRAPH, or_none=True),
            },
            units.TRACES,
            {None: GOOD, 0.0001: "red"},
        ),
        show.graph(
            "Late spans",
            "Share of the spans that arrive after the decision on their trace. They follow it.",
            {"late": ratio(late, accepted)},
            units.FAILED,
        ),
    )
