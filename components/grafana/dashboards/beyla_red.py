"""Rate, errors and duration of HTTP routes and RPC methods, as Beyla sees them in the kernel."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders

from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label, RequestLabel, RequestMetric, ScrapedLabel
from ...telemetry.promql import GRAPH, ONCE, RANKED, highest, rate, ratio
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, dashboard, line, section
from ..links import Link, dashboard_url, row
from ..panels import DURATION_STEPS, ERROR_STEPS, Legend
from ..tables import Column, Order, table_panel
from ..uids import Uid
from ..variables import filter_by
from .scraped import graph

_SOURCE = (
    "Beyla measures it from outside the process, for services without an SDK; those that have one "
    "report themselves and are on the other dashboards."
)
_UNSEEN = "Beyla saw none in this time range."
#: gRPC's codes that are the server's fault (OpenTelemetry's conventions for RPC).
_RPC_FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"


@dataclass(frozen=True, kw_only=True)
class _Requests:
    """A kind of request: its series, what tells one from another, and which have failed."""

    what: str
    count: RequestMetric
    buckets: RequestMetric
    by: str
    by_title: str
    failed: str


_HTTP_IN = _Requests(
    what="HTTP requests",
    count=RequestMetric.HTTP_SERVER_COUNT,
    buckets=RequestMetric.HTTP_SERVER_BUCKET,
    by=Label.HTTP_ROUTE,
    by_title="Route",
    failed=f'{RequestLabel.HTTP_STATUS}=~"5.."',
)
_HTTP_OUT = _Requests(
    what="HTTP calls",
    count=RequestMetric.HTTP_CLIENT_COUNT,
    buckets=RequestMetric.HTTP_CLIENT_BUCKET,
    by=Label.HTTP_ROUTE,
    by_title="Route",
    failed=f'{RequestLabel.HTTP_STATUS}=~"[45].."',
)
_RPC_IN = _Requests(
    what="RPC requests",
    count=RequestMetric.RPC_SERVER_COUNT,
    buckets=RequestMetric.RPC_SERVER_BUCKET,
    by=RequestLabel.RPC_METHOD,
    by_title="Method",
    failed=f'{RequestLabel.RPC_STATUS}=~"{_RPC_FAULTS}"',
)
_RPC_OUT = _Requests(
    what="RPC calls",
    count=RequestMetric.RPC_CLIENT_COUNT,
    buckets=RequestMetric.RPC_CLIENT_BUCKET,
    by=RequestLabel.RPC_METHOD,
    by_title="Method",
    failed=f'{RequestLabel.RPC_STATUS}!~"OK|"',
)


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard; it is of use where Beyla runs and is scraped."""
    service = Link(title="Service", url=dashboard_url(Uid.SERVICE))
    return dashboard(
        Uid.BEYLA,
        "Requests that Beyla sees",
        "Rate, errors and duration by HTTP route and RPC method, of services without an SDK.",
        section(
            "HTTP, served", _graphs(context, _HTTP_IN), line(_table(context, _HTTP_IN), height=9)
        ),
        section(
            "HTTP, called", _graphs(context, _HTTP_OUT), line(_table(context, _HTTP_OUT), height=9)
        ),
        # Not every system speaks RPC: what is collapsed asks nothing.
        section(
            "RPC, served",
            _graphs(context, _RPC_IN),
            line(_table(context, _RPC_IN), height=9),
            collapsed=True,
        ),
        section(
            "RPC, called",
            _graphs(context, _RPC_OUT),
            line(_table(context, _RPC_OUT), height=9),
            collapsed=True,
        ),
        variables=_filters(context),
        links=[service, Link(title="Beyla", url=dashboard_url(Uid.COLLECTORS, keep=[]))],
    )


def _filters(context: DashboardContext) -> list[builders.QueryVariable]:
    """Return the filters that other dashboards have, with the values that Beyla knows."""

    def values(label: str, *within: str) -> str:
        selector = ", ".join([_ours(context), *within])
        return f"label_values({RequestMetric.HTTP_SERVER_COUNT}{{{selector}}}, {label})"

    cluster = f'{Label.CLUSTER}=~"$cluster"'
    namespace = f'{Label.NAMESPACE}=~"$namespace"'
    return [
        filter_by(context, "cluster", "Cluster", values(Label.CLUSTER)),
        filter_by(context, "namespace", "Namespace", values(Label.NAMESPACE, cluster)),
        filter_by(context, "service", "Service", values(RequestLabel.SERVICE, cluster, namespace)),
    ]


def _ours(context: DashboardContext) -> str:
    return f'{ScrapedLabel.NAMESPACE}="{context.beyla_namespace}"'


def _selector(context: DashboardContext, *more: str) -> str:
    chosen = [
        f'{Label.CLUSTER}=~"$cluster"',
        f'{Label.NAMESPACE}=~"$namespace"',
        f'{RequestLabel.SERVICE}=~"$service"',
    ]
    return "{" + ", ".join([_ours(context), *chosen, *more]) + "}"


def _expressions(
    context: DashboardContext, of: _Requests, by: list[str], window: str
) -> tuple[str, str, str]:
    """Return the rate, the share of failed ones and p95 of a kind of request."""
    every = rate(of.count, _selector(context), by=by, window=window)
    failed = rate(of.count, _selector(context, of.failed), by=by, window=window)
    buckets = rate(of.buckets, _selector(context), by=[Label.LE, *by], window=window)
    return every, ratio(failed, every), f"histogram_quantile(0.95, {buckets})"


def _graphs(context: DashboardContext, of: _Requests) -> Line:
    by: list[str] = [RequestLabel.SERVICE]
    shown, ranked = (_expressions(context, of, by, window) for window in (GRAPH, RANKED))
    every, failed, p95 = (
        highest(its, rank, by=by) for its, rank in zip(shown, ranked, strict=True)
    )
    legend = f"{{{{{RequestLabel.SERVICE}}}}}"
    return line(
        graph(
            context,
            of.what,
            f"Per second, the ten highest services. {_SOURCE}",
            {legend: every},
            units.REQUESTS,
            legend=Legend.HIDDEN,
        ),
        graph(
            context,
            f"{of.what} that fail",
            "Share that failed, the ten highest services: status 5xx, or gRPC's codes that are the "
            "server's fault; as its caller sees it, also 4xx and any code but OK.",
            {legend: failed},
            units.FAILED,
            steps=ERROR_STEPS,
            legend=Legend.HIDDEN,
        ),
        graph(
            context,
            f"{of.what}: duration, p95",
            "95 of 100 are faster, the ten slowest services.",
            {legend: p95},
            units.SECONDS,
            legend=Legend.HIDDEN,
        ),
    )


def _table(context: DashboardContext, of: _Requests) -> PanelBuilder:
    kept = [of.by, RequestLabel.SERVICE, Label.NAMESPACE, Label.CLUSTER]
    every, failed, p95 = _expressions(context, of, kept, ONCE)
    url = dashboard_url(Uid.SERVICE, values=row())
    return table_panel(
        context,
        f"{of.what} by {of.by_title.lower()}, most failures first",
        "Most failures on top; ids in a path show as *. Click a service for its dashboard.",
        {
            of.by: of.by_title,
            RequestLabel.SERVICE: "Service",
            Label.NAMESPACE: "Namespace",
            Label.CLUSTER: "Cluster",
        },
        [
            Column(title="Requests", expr=every, unit=units.REQUESTS),
            Column(title="Failed", expr=failed, unit=units.FAILED, steps=ERROR_STEPS),
            Column(title="p95", expr=p95, unit=units.SECONDS, steps=DURATION_STEPS),
        ],
        order=[Order(title="Failed"), Order(title="p95")],
        links={"Service": [Link(title="Service", url=url)]},
        empty=_UNSEEN,
    )
