"""Capacity: how much comes in, how much is kept, how far the limits are, and where it leads."""

from ...alerting.context import AlertContext
from ...core.units import MIB
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import ClusterMetric, Label, ScrapedLabel, SpanMetric, TempoMetric
from ...telemetry.promql import ONCE, RANKED, highest, rate, spans
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard, line, section
from ..links import Link, dashboard_url, row
from ..panels import Legend
from ..tables import Column, Order, table_panel
from ..uids import Uid
from ..variables import filters
from .red import stat
from .scraped import FULL_STEPS, added, graph, programs

_DAY = 86_400
#: A forecast looks back at whole weeks, in which every weekday counts the same, and at one value a
#: day, so that the difference between day and night is no trend.
_DAYS_BACK, _DAYS_AHEAD = f"[2w:{_DAY}s]", 30
_YEAR = 365 * _DAY


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard; what Tempo says of itself is there if it is scraped."""
    sections = [_services(context)]
    links = [Link(title="Service overview", url=dashboard_url(Uid.SERVICES))]
    if context.scraped:
        ours = programs(context)
        sections += [
            section("Distance to the limits", _forecast(context, ours), _limits(context, ours)),
            section("Bucket", _bucket(context, ours)),
        ]
        links.append(Link(title="Tempo", url=dashboard_url(Uid.TEMPO, keep=[])))
    return dashboard(
        Uid.CAPACITY,
        "Capacity",
        "How many spans come in and from whom, how much is kept, how far the limits are.",
        *sections,
        variables=filters(context),
        links=links,
        time_from="now-24h",
        refresh="5m",
    )


def _services(context: DashboardContext) -> Section:
    every, size = spans(), f"{_DAY} * {rate(SpanMetric.SIZE, spans(), window=ONCE)}"
    kept = [Label.SERVICE, Label.NAMESPACE, Label.CLUSTER]
    by = [Label.SERVICE]
    shown, ranked = (
        rate(SpanMetric.CALLS, every, by=by, window=window)
        for window in ("$__rate_interval", RANKED)
    )
    return section(
        "What services send",
        line(
            stat(
                context,
                "Spans",
                "Spans of all kinds per second, on average.",
                rate(SpanMetric.CALLS, every, window=ONCE),
                units.SPANS,
            ),
            stat(
                context,
                "Bytes in a day",
                "What a day like this sends, before compression; the bucket takes less.",
                size,
                units.BYTES,
            ),
            stat(
                context,
                "Bytes of a span",
                "How large a span is on average. More than a few KiB: somebody sends whole bodies "
                "as attributes.",
                f"{rate(SpanMetric.SIZE, every, window=ONCE)}"
                f" / ({rate(SpanMetric.CALLS, every, window=ONCE)} > 0)",
                units.BYTES,
            ),
            height=4,
        ),
        line(
            graph(
                context,
                "Spans by service",
                "Spans per second of the ten services that send most, on top of each other.",
                {"{{service}}": highest(shown, ranked, by=by)},
                units.SPANS,
                stacked=True,
                legend=Legend.HIDDEN,
            ),
            table_panel(
                context,
                "Who sends most",
                "Services by how much they send. Sampling or fewer spans pay most at the top.",
                {
                    Label.SERVICE: "Service",
                    Label.NAMESPACE: "Namespace",
                    Label.CLUSTER: "Cluster",
                },
                [
                    Column(
                        title="Spans",
                        expr=rate(SpanMetric.CALLS, every, by=kept, window=ONCE),
                        unit=units.SPANS,
                    ),
                    Column(
                        title="Bytes in a day",
                        expr=f"{_DAY} * {rate(SpanMetric.SIZE, every, by=kept, window=ONCE)}",
                        unit=units.BYTES,
                    ),
                ],
                order=[Order(title="Bytes in a day")],
                links={
                    "Service": [Link(title="Service", url=dashboard_url(Uid.SERVICE, values=row()))]
                },
            ),
            shares=(11, 13),
        ),
    )


def _stored(ours: AlertContext) -> str:
    # Each part that reads the bucket keeps a list of its own; the tenants add up.
    live = ours.tempo(TempoMetric.STORED_BYTES, status='="live"')
    return f"sum(max by (tenant) ({live}))"


def _bucket(context: DashboardContext, ours: AlertContext) -> Line:
    by_status, by_tenant = "max by (status, tenant)", "max by (tenant)"
    traces = ours.tempo(TempoMetric.STORED_TRACES, status='="live"')
    stored = ours.tempo(TempoMetric.STORED_BYTES, status='="live"')
    return line(
        graph(
            context,
            "Bytes in the bucket",
            "Compressed, as Tempo's list of blocks has it: live blocks, and compacted ones that "
            "are about to be deleted.",
            {
                "{{status}}": "sum by (status) "
                f"({by_status} ({ours.tempo(TempoMetric.STORED_BYTES)}))"
            },
            units.BYTES,
            stacked=True,
        ),
        graph(
            context,
            "Growth in a day",
            "Bytes that the last day added to the bucket. Once the retention is reached it swings "
            "around 0.",
            {"growth": f"sum({by_tenant} (delta({stored}[1d])))"},
            units.BYTES,
        ),
        graph(
            context,
            "Blocks in the bucket",
            "Blocks in Tempo's list. Compaction joins small ones.",
            {"blocks": f"sum({by_tenant} ({ours.tempo(TempoMetric.BLOCKS)}))"},
            units.MANY,
        ),
        graph(
            context,
            "Traces in the bucket",
            "Traces in the live blocks; one that was long open counts in each of its blocks.",
            {"traces": f"sum({by_tenant} ({traces}))"},
            units.MANY,
        ),
    )


def _shares(context: DashboardContext, ours: AlertContext, window: str) -> dict[str, str]:
    """Return how much of each limit is in use, from 0 to 1; limits are per tenant."""
    received = added(ours.tempo(TempoMetric.BYTES_RECEIVED), by=["tenant"], window=window)
    traces = ours.tempo(TempoMetric.LIVE_TRACES)
    active = ours.tempo(TempoMetric.GENERATOR_SERIES)
    return {
        "ingestion rate": f"max({received}) / {context.limits.rate_limit_mib * MIB}",
        "live traces": f"max({traces}) / {context.limits.max_live_traces}",
        "active series": f"max({active}) / {context.limits.max_active_series}",
    }


def _limits(context: DashboardContext, ours: AlertContext) -> Line:
    limits = context.limits
    allowed = (
        f"{limits.rate_limit_mib} MiB/s, {limits.max_live_traces:,} traces in an ingester, "
        f"{limits.max_active_series:,} series in a metrics-generator"
    )
    free = ours.volumes(ClusterMetric.VOLUME_AVAILABLE)
    space = ours.volumes(ClusterMetric.VOLUME_CAPACITY)
    return line(
        graph(
            context,
            "Use of the limits",
            f"Share of what Tempo lets in: {allowed}. At 100 % spans are refused, or series are "
            "left out; the sizes in the stack file raise the limits.",
            _shares(context, ours, "$__rate_interval"),
            units.USED,
            steps=FULL_STEPS,
        ),
        graph(
            context,
            "Volumes in use",
            "How full the volumes of Tempo's namespace are (from the kubelets). A full one takes "
            "no spans.",
            {"{{persistentvolumeclaim}}": f"max by (persistentvolumeclaim) (1 - {free} / {space})"},
            units.USED,
            steps=FULL_STEPS,
        ),
    )


def _forecast(context: DashboardContext, ours: AlertContext) -> Line:
    """Return each limit's share today, in a month, and the day on which it is reached."""
    peaks = {
        name: f"max_over_time(({share})[1d:5m])"
        for name, share in _shares(context, ours, "5m").items()
    }
    stored = f"clamp_min(predict_linear(({_stored(ours)}){_DAYS_BACK}, {_DAYS_AHEAD * _DAY}), 0)"
    return line(
        _distances(context, peaks),
        stat(
            context,
            f"Bucket in {_DAYS_AHEAD} days",
            f"Size of the bucket in {_DAYS_AHEAD} days, as a straight line through one value a day "
            "of the last two weeks. Retention cuts it: until it is reached the forecast is right, "
            "afterwards it is too high.",
            stored,
            units.BYTES,
        ),
        height=6,
        shares=(18, 6),
    )


def _distances(context: DashboardContext, peaks: dict[str, str]) -> PanelBuilder:
    def later(peak: str, days: int) -> str:
        return f"clamp_min(predict_linear(({peak}){_DAYS_BACK}, {days * _DAY}), 0)"

    def reached(peak: str) -> str:
        rise = f"(deriv(({peak}){_DAYS_BACK}) > 0)"
        left = f"clamp_min(1 - {later(peak, 0)}, 0) / {rise}"
        return f"1000 * (time() + ({left} < {_YEAR}))"

    def rows(of: dict[str, str]) -> str:
        named = [
            f'label_replace({expr}, "{ScrapedLabel.NAME}", "{name}", "", "")'
            for name, expr in of.items()
        ]
        return " or ".join(named)

    return table_panel(
        context,
        "Which limit is reached first, and when",
        "The highest use of each limit in a day: in the last day, and as a straight line through "
        "the daily peaks of the last two weeks. Trust it after two weeks of data. No date: it is "
        "not reached within a year.",
        {ScrapedLabel.NAME: "Limit"},
        [
            Column(title="Last day", expr=rows(peaks), unit=units.USED, steps=FULL_STEPS),
            Column(
                title=f"In {_DAYS_AHEAD} days",
                expr=rows({name: later(peak, _DAYS_AHEAD) for name, peak in peaks.items()}),
                unit=units.USED,
                steps=FULL_STEPS,
            ),
            Column(
                title="Reached on",
                expr=rows({name: reached(peak) for name, peak in peaks.items()}),
                unit=units.DATE,
            ),
        ],
        order=[Order(title=f"In {_DAYS_AHEAD} days"), Order(title="Last day")],
        empty="no data of Tempo in this time range",
    )
