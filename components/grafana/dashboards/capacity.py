"""Capacity: spans per service, use of the limits with a forecast, and growth of the bucket."""

from ...core.units import MIB
from ...telemetry.metrics import ClusterMetric, SpanMetric, TempoMetric
from ...telemetry.promql import CHOSEN, GRAPH, ONCE, added, highest, rate, select
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import SERVICE_COLUMNS, Link, Uid, dashboard_url, row_link
from ..panels import FULL_STEPS, Column, Legend, Panels
from ..variables import filters
from .requests import BY_SERVICE, bytes_per_span

_DAY = 86_400
#: A forecast looks back at whole weeks, in which every weekday counts the same, and at one value a
#: day, so that the difference between day and night is no trend.
_DAYS_BACK, _DAYS_AHEAD = f"[2w:{_DAY}s]", 30
_YEAR = 365 * _DAY


def build(show: Panels) -> Dashboard:
    """Return the dashboard; Tempo's own metrics only if they are scraped."""
    sections = [Section("Traffic by service", _totals(show), _services(show))]
    links = [Link("Service overview", dashboard_url(Uid.SERVICES))]
    if show.stack.scraped:
        sections += [
            Section("Distance to the limits", _forecast(show), _limits(show)),
            Section("Bucket", _bucket(show)),
        ]
        links.append(Link("Tempo", dashboard_url(Uid.TEMPO, keep=[])))
    return dashboard(
        Uid.CAPACITY,
        "How many spans arrive from which service, how much is stored, how far the limits are.",
        *sections,
        variables=filters(show.stack),
        links=links,
        time_from="now-24h",
        refresh="5m",
    )


_CALLS, _SIZE = select(SpanMetric.CALLS, *CHOSEN), select(SpanMetric.SIZE, *CHOSEN)


def _totals(show: Panels) -> Line:
    calls, size = rate(_CALLS, window=ONCE), rate(_SIZE, window=ONCE)
    return Line(
        show.stat("Spans", "Spans of all kinds per second, on average.", calls, units.SPANS),
        show.stat(
            "Bytes per day",
            "Bytes that a day at this rate sends, before compression. The bucket stores less.",
            f"{_DAY} * {size}",
            units.BYTES,
        ),
        show.stat(
            "Bytes per span",
            "Average size of a span. Above a few KiB, a service sends whole bodies as attributes.",
            bytes_per_span(show),
            units.BYTES,
        ),
        height=4,
    )


def _services(show: Panels) -> Line:
    by, kept = list(SERVICE_COLUMNS)[:1], tuple(SERVICE_COLUMNS)
    return Line(
        show.graph(
            "Spans by service",
            "Spans per second of the ten services that send most, stacked.",
            {BY_SERVICE: highest(lambda window: rate(_CALLS, by=by, window=window), by=by)},
            units.SPANS,
            stacked=True,
            legend=Legend.HIDDEN,
        ),
        show.table(
            "Largest senders",
            "Services by the bytes that they send. Sampling saves most at the top.",
            SERVICE_COLUMNS,
            [
                Column("Spans", rate(_CALLS, by=kept, window=ONCE), units.SPANS),
                Column(
                    "Bytes per day", f"{_DAY} * {rate(_SIZE, by=kept, window=ONCE)}", units.BYTES
                ),
            ],
            order=("Bytes per day",),
            links={"Service": [row_link("Service", Uid.SERVICE)]},
        ),
        shares=(11, 13),
    )


def _bucket(show: Panels) -> Line:
    tempo = show.stack.tempo
    by_tenant = "max by (tenant)"
    traces = tempo(TempoMetric.STORED_TRACES, status='="live"')
    stored = tempo(TempoMetric.STORED_BYTES, status='="live"')
    return Line(
        show.graph(
            "Bytes in the bucket",
            "Compressed size by Tempo's block list: live blocks, and compacted ones that are about "
            "to be deleted.",
            {
                "{{status}}": "sum by (status) "
                f"(max by (status, tenant) ({tempo(TempoMetric.STORED_BYTES)}))"
            },
            units.BYTES,
            stacked=True,
        ),
        show.graph(
            "Growth per day",
            "Bytes that the last day added to the bucket. Varies around 0 once the retention is "
            "reached.",
            {"growth": f"sum({by_tenant} (delta({stored}[1d])))"},
            units.BYTES,
        ),
        show.graph(
            "Blocks in the bucket",
            "Blocks in Tempo's list. Compaction merges small ones.",
            {"blocks": f"sum({by_tenant} ({tempo(TempoMetric.BLOCKS)}))"},
            units.MANY,
        ),
        show.graph(
            "Traces in the bucket",
            "Traces in the live blocks. A trace that stayed open counts in each of its blocks.",
            {"traces": f"sum({by_tenant} ({traces}))"},
            units.MANY,
        ),
    )


def _shares(show: Panels, window: str) -> dict[str, str]:
    """Return how much of each limit is in use, from 0 to 1; limits are per tenant."""
    tempo, limits = show.stack.tempo, show.stack.limits
    received = added(tempo(TempoMetric.BYTES_RECEIVED), by=["tenant"], window=window)
    traces, active = tempo(TempoMetric.LIVE_TRACES), tempo(TempoMetric.GENERATOR_SERIES)
    return {
        "ingestion rate": f"max({received}) / {limits.rate_limit_mib * MIB}",
        "live traces": f"max({traces}) / {limits.max_live_traces}",
        "active series": f"max({active}) / {limits.max_active_series}",
    }


def _limits(show: Panels) -> Line:
    limits = show.stack.limits
    free = show.stack.volumes(ClusterMetric.VOLUME_AVAILABLE)
    space = show.stack.volumes(ClusterMetric.VOLUME_CAPACITY)
    return Line(
        show.graph(
            "Use of the limits",
            f"Share of Tempo's limits in use: {limits.rate_limit_mib} MiB/s, "
            f"{limits.max_live_traces:,} traces in an ingester, {limits.max_active_series:,} "
            "series in a metrics-generator. At 100 % spans are refused, or series are left out. "
            "The sizes in the stack file raise the limits.",
            _shares(show, GRAPH),
            units.USED,
            FULL_STEPS,
        ),
        show.graph(
            "Volumes in use",
            "How full the volumes in Tempo's namespace are (from the kubelets). A full volume "
            "accepts no spans.",
            {"{{persistentvolumeclaim}}": f"max by (persistentvolumeclaim) (1 - {free} / {space})"},
            units.USED,
            FULL_STEPS,
        ),
    )


def _forecast(show: Panels) -> Line:
    """Return each limit's share today, in a month, and the day on which it is reached."""
    live = show.stack.tempo(TempoMetric.STORED_BYTES, status='="live"')
    # Each part that reads the bucket keeps its own list; the tenants add up.
    stored = f"sum(max by (tenant) ({live}))"
    return Line(
        _distances(show),
        show.stat(
            f"Bucket in {_DAYS_AHEAD} days",
            f"Size of the bucket in {_DAYS_AHEAD} days: a straight line through one value a day of "
            "the last two weeks. The forecast ignores retention: once that is reached, it is too "
            "high.",
            f"clamp_min(predict_linear(({stored}){_DAYS_BACK}, {_DAYS_AHEAD * _DAY}), 0)",
            units.BYTES,
            empty="after two days",
        ),
        height=6,
        shares=(18, 6),
    )


def _distances(show: Panels) -> PanelBuilder:
    peaks = {
        name: f"max_over_time(({share})[1d:5m])" for name, share in _shares(show, "5m").items()
    }

    def later(peak: str, days: int) -> str:
        return f"clamp_min(predict_linear(({peak}){_DAYS_BACK}, {days * _DAY}), 0)"

    def reached(peak: str) -> str:
        rise = f"(deriv(({peak}){_DAYS_BACK}) > 0)"
        left = f"clamp_min(1 - {later(peak, 0)}, 0) / {rise}"
        return f"1000 * (time() + ({left} < {_YEAR}))"

    def rows(of: dict[str, str]) -> str:
        named = [f'label_replace({expr}, "name", "{name}", "", "")' for name, expr in of.items()]
        return " or ".join(named)

    ahead = {name: later(peak, _DAYS_AHEAD) for name, peak in peaks.items()}
    return show.table(
        "Which limit is reached first, and when",
        "The highest use of each limit per day: in the last day, and on a straight line through "
        "the daily peaks of the last two weeks. Needs two weeks of data. No date: the limit is not "
        "reached within a year.",
        {"name": "Limit"},
        [
            Column("Last day", rows(peaks), units.USED, FULL_STEPS),
            Column(f"In {_DAYS_AHEAD} days", rows(ahead), units.USED, FULL_STEPS),
            Column("Reached on", rows({k: reached(v) for k, v in peaks.items()}), units.DATE),
        ],
        order=(f"In {_DAYS_AHEAD} days", "Last day"),
        empty="no data of Tempo in this time range",
    )
