"""Requests that Beyla measures: rate, errors and duration of HTTP routes and RPC methods."""

from dataclasses import dataclass

from ...telemetry.metrics import Label, RequestLabel, RequestMetric
from ...telemetry.promql import Requests, filtered, highest, select
from .. import units
from ..layout import Dashboard, Line, Section, dashboard
from ..links import Link, Uid, dashboard_url, row_link
from ..panels import ERROR_STEPS, Legend, Panels, request_columns
from ..variables import filter_by, label_values

_SOURCE = (
    "Beyla measures it from outside the process. Services that send metrics by OTLP are missing; "
    "those that only send their own spans are here too."
)
#: gRPC codes that are the server's fault (OpenTelemetry's conventions for RPC).
_RPC_FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"


@dataclass(frozen=True)
class _Kind:
    """A kind of request: its series, the label of its operations, and the matcher of failures."""

    row: str
    what: str
    series: str
    by: str
    failed: str


_ROUTE, _METHOD = Label.HTTP_ROUTE.value, RequestLabel.RPC_METHOD.value
_HTTP, _RPC = RequestLabel.HTTP_STATUS, RequestLabel.RPC_STATUS
_KINDS = (
    _Kind("HTTP, served", "HTTP requests", "HTTP_SERVER", _ROUTE, f'{_HTTP}=~"5.."'),
    _Kind("HTTP, called", "HTTP calls", "HTTP_CLIENT", _ROUTE, f'{_HTTP}=~"[45].."'),
    _Kind("RPC, served", "RPC requests", "RPC_SERVER", _METHOD, f'{_RPC}=~"{_RPC_FAULTS}"'),
    _Kind("RPC, called", "RPC calls", "RPC_CLIENT", _METHOD, f'{_RPC}!~"OK|"'),
)


def build(show: Panels) -> Dashboard:
    """Return the dashboard, for stacks in which Beyla runs and is scraped."""
    ours, kinds = show.stack.beyla_matchers(), (Label.CLUSTER, Label.NAMESPACE)

    def values(label: str, *within: str) -> str:
        return label_values(select(RequestMetric.HTTP_SERVER_COUNT, *ours, *within), label)

    cluster, namespace = filtered(*kinds)
    return dashboard(
        Uid.BEYLA,
        "Rate, errors and duration by HTTP route and RPC method, as Beyla measures them.",
        *(_section(show, kind) for kind in _KINDS),
        # The filters of the other dashboards, with the values that Beyla reports.
        variables=[
            filter_by(show.stack, "cluster", "Cluster", values(Label.CLUSTER)),
            filter_by(show.stack, "namespace", "Namespace", values(Label.NAMESPACE, cluster)),
            filter_by(
                show.stack, "service", "Service", values(RequestLabel.SERVICE, cluster, namespace)
            ),
        ],
        links=[
            Link("Service overview", dashboard_url(Uid.SERVICES)),
            Link("Beyla", dashboard_url(Uid.COLLECTORS, keep=[])),
        ],
    )


def _section(show: Panels, kind: _Kind) -> Section:
    service = f'{RequestLabel.SERVICE}=~"$service"'
    chosen = (*filtered(Label.CLUSTER, Label.NAMESPACE), service)
    requests = Requests(
        where=(*show.stack.beyla_matchers(), *chosen),
        count=RequestMetric[f"{kind.series}_COUNT"],
        buckets=RequestMetric[f"{kind.series}_BUCKET"],
        failed=kind.failed,
    )
    title = "Route" if kind.by == _ROUTE else "Method"
    kept = {
        kind.by: title,
        RequestLabel.SERVICE: "Service",
        Label.NAMESPACE: "Namespace",
        Label.CLUSTER: "Cluster",
    }
    table = show.table(
        f"{kind.what} by {title.lower()}, most failures first",
        "Ids in a path show as *. Click a service for its dashboard.",
        kept,
        request_columns(requests, tuple(kept)),
        order=("Failed", "p95"),
        links={"Service": [row_link("Service", Uid.SERVICE)]},
        empty="Beyla measured none in this time range.",
    )
    # Not every system uses RPC, and a collapsed row queries nothing.
    return Section(
        kind.row, _graphs(show, kind, requests), Line(table, height=9), collapsed=kind.by != _ROUTE
    )


def _graphs(show: Panels, kind: _Kind, requests: Requests) -> Line:
    by, legend = [RequestLabel.SERVICE], f"{{{{{RequestLabel.SERVICE}}}}}"
    return Line(
        show.graph(
            kind.what,
            f"Per second, the ten highest services. {_SOURCE}",
            {legend: highest(lambda window: requests.per_second(by, window), by=by)},
            units.REQUESTS,
            legend=Legend.HIDDEN,
        ),
        show.graph(
            f"Failed {kind.what}",
            "Share that failed, the ten highest services. A server fails with status 5xx or a "
            "gRPC code that is its fault. A client fails with 4xx and any code but OK as well.",
            {legend: highest(lambda window: requests.failed_share(by, window), by=by)},
            units.FAILED,
            ERROR_STEPS,
            legend=Legend.HIDDEN,
        ),
        show.graph(
            f"{kind.what}: duration, p95",
            "95 of 100 are faster, the ten slowest services.",
            {legend: highest(lambda window: requests.quantile(0.95, by, window), by=by)},
            units.SECONDS,
            legend=Legend.HIDDEN,
        ),
    )
