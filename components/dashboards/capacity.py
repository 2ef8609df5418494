"""Capacity: how much comes in, how much is kept, how far the limits are, and where it leads."""

from ..alerts.context import AlertContext
from ..signals import ClusterMetric, Label, SpanMetric, TempoMetric
from .context import DashboardContext
from .layout import Dashboard, Line, Section, dashboard, line, section
from .links import Link, dashboard_url
from .queries import ONCE, rate, spans
from .red import stat
from .scraped import FULL_STEPS, added, graph, programs
from .tables import Column, table_panel
from .uids import Uid
from .variables import filters

_MIB = 1024 * 1024
_DAY = 86_400
#: What a forecast looks back at and ahead to: a day evens out the hours, and a month is enough to
#: order disks and raise limits in.
_BACK, _AHEAD_DAYS = "1d", 30
#: A rate over the last minutes, each five of them of the day that a forecast looks back at.
_SAMPLED = f"[{_BACK}:5m]"


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard; what Tempo says of itself is there if it is scraped."""
    sections = [_services(context)]
    links = [Link(title="Service overview", url=dashboard_url(Uid.SERVICES))]
    if context.scraped:
        ours = programs(context)
        sections += [
            section("Bucket", _bucket(context, ours)),
            section("Distance to the limits", _limits(context, ours)),
            section(f"Forecast: in {_AHEAD_DAYS} days", _forecast(context, ours)),
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
    return section(
        "What services send",
        line(
            stat(
                context,
                "Spans per second",
                "Spans of all kinds, on average.",
                rate(SpanMetric.CALLS, every, window=ONCE),
                "cps",
            ),
            stat(
                context,
                "Bytes in a day",
                "What a day like this sends, before compression; the bucket takes less.",
                size,
                "bytes",
            ),
            stat(
                context,
                "Bytes of a span",
                "How large a span is on average. More than a few KiB: somebody sends whole bodies "
                "as attributes.",
                f"{rate(SpanMetric.SIZE, every, window=ONCE)}"
                f" / ({rate(SpanMetric.CALLS, every, window=ONCE)} > 0)",
                "bytes",
            ),
            height=4,
        ),
        line(
            graph(
                context,
                "Spans by service",
                "Spans per second that each service sends; together they are the load.",
                {"{{service}}": rate(SpanMetric.CALLS, every, by=[Label.SERVICE])},
                "cps",
                stacked=True,
            ),
            table_panel(
                context,
                "Who sends most",
                "Services by how much they send. Sampling or fewer spans pay most at the top.",
                {Label.SERVICE: "Service", Label.NAMESPACE: "Namespace", Label.CLUSTER: "Cluster"},
                [
                    Column(
                        title="Bytes in a day",
                        expr=f"{_DAY} * {rate(SpanMetric.SIZE, every, by=kept, window=ONCE)}",
                        unit="bytes",
                    ),
                    Column(
                        title="Spans per second",
                        expr=rate(SpanMetric.CALLS, every, by=kept, window=ONCE),
                        unit="cps",
                    ),
                ],
            ),
        ),
    )


def _bucket(context: DashboardContext, ours: AlertContext) -> Line:
    # Each part that reads the bucket keeps a list of its own; the tenants add up.
    by_status, by_tenant = "max by (status, tenant)", "max by (tenant)"
    stored = ours.tempo(TempoMetric.STORED_BYTES, status='="live"')
    traces = ours.tempo(TempoMetric.STORED_TRACES, status='="live"')
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
            "bytes",
            stacked=True,
        ),
        graph(
            context,
            "Growth in a day",
            "Bytes that the last six hours add to the bucket, as a day. Once the retention is "
            "reached it swings around 0.",
            {"growth": f"{_DAY} * sum({by_tenant} (deriv({stored}[6h])))"},
            "bytes",
        ),
        graph(
            context,
            "Blocks and traces",
            "Blocks in the bucket, and thousands of traces in them.",
            {
                "blocks": f"sum({by_tenant} ({ours.tempo(TempoMetric.BLOCKS)}))",
                "thousand traces": f"sum({by_tenant} ({traces})) / 1000",
            },
            "none",
        ),
    )


def _shares(context: DashboardContext, ours: AlertContext, window: str) -> dict[str, str]:
    """Return how much of each limit is in use, from 0 to 1; limits are per tenant."""
    received = added(ours.tempo(TempoMetric.BYTES_RECEIVED), by=["tenant"], window=window)
    traces = ours.tempo(TempoMetric.LIVE_TRACES)
    active = ours.tempo(TempoMetric.GENERATOR_SERIES)
    return {
        "ingestion rate": f"max({received}) / {context.limits.rate_limit_mib * _MIB}",
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
            "percentunit",
            steps=FULL_STEPS,
        ),
        graph(
            context,
            "Live traces and series",
            "Open traces in the fullest ingester, and series in the fullest metrics-generator.",
            {
                "live traces": f"max({ours.tempo(TempoMetric.LIVE_TRACES)})",
                "active series": f"max({ours.tempo(TempoMetric.GENERATOR_SERIES)})",
            },
            "none",
        ),
        graph(
            context,
            "Volumes in use",
            "How full the volumes of Tempo's namespace are (from the kubelets). A full one takes "
            "no spans.",
            {"{{persistentvolumeclaim}}": f"max by (persistentvolumeclaim) (1 - {free} / {space})"},
            "percentunit",
            steps=FULL_STEPS,
        ),
    )


def _forecast(context: DashboardContext, ours: AlertContext) -> Line:
    ahead = _AHEAD_DAYS * _DAY
    stored = ours.tempo(TempoMetric.STORED_BYTES, status='="live"')
    grown = f"sum(max by (tenant) (predict_linear({stored}[{_BACK}], {ahead})))"
    later = {
        name: f"clamp_min(predict_linear(({share}){_SAMPLED}, {ahead}), 0)"
        for name, share in _shares(context, ours, "5m").items()
    }
    note = f"If the next {_AHEAD_DAYS} days go on like the last one"
    return line(
        graph(
            context,
            "Limits by then",
            f"{note}: share of each limit that will be in use. Trust it after a day of data.",
            later,
            "percentunit",
            steps=FULL_STEPS,
        ),
        graph(
            context,
            "Bytes in the bucket by then",
            f"{note}: size of the bucket. Retention cuts it; before it is reached the forecast is "
            "right, afterwards it is too high.",
            {"forecast": f"clamp_min({grown}, 0)"},
            "bytes",
        ),
    )
