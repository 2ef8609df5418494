"""The one writer of PromQL, TraceQL and LogQL, for dashboards, alerts and SLOs.

Every sum names the labels that it keeps, so that two metrics-generators of a rollout, which differ
in `__metrics_gen_instance`, never count twice.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .metrics import (
    APDEX_SATISFIED,
    APDEX_TOLERATING,
    STATUS_ERROR,
    TEMPO_SOURCE,
    Label,
    RemoteWriteMetric,
    ServiceGraphMetric,
    SpanKind,
    SpanMetric,
    latency_bound,
)

#: Windows that Grafana fills in: of graphs, and of single values.
GRAPH, ONCE = "$__rate_interval", "$__range"
#: Window of a ranking within a graph: the whole time range, evaluated once at its end.
RANKED = "ranked"
#: Value of a filter that is set to all: a pattern, so that series without the label match too.
ALL = ".*"

#: Spans that a service answers; its calls to others and its internal spans are not its requests.
ANSWERED = f'{Label.SPAN_KIND}=~"{SpanKind.SERVER}|{SpanKind.CONSUMER}"'
#: The same in TraceQL.
REQUEST_SPANS = "(kind = server || kind = consumer)"
#: Calls of a service to others.
CALLED = f'{Label.SPAN_KIND}=~"{SpanKind.CLIENT}|{SpanKind.PRODUCER}"'
FAILED, SUCCEEDED = (f'{Label.STATUS_CODE}{op}"{STATUS_ERROR}"' for op in ("=", "!="))
FROM_TEMPO = f'{Label.SOURCE}="{TEMPO_SOURCE}"'
#: Variables of dashboards that filter by a label.
FILTERS = {Label.CLUSTER: "cluster", Label.NAMESPACE: "namespace", Label.SERVICE: "service"}
#: Labels by which an operator's Prometheus tells its replicas apart.
_REPLICA = ("prometheus", "prometheus_replica")


def quoted(text: str) -> str:
    """Return a string literal of PromQL."""
    # JSON quotes as PromQL does, but for characters that it would write in two parts.
    return json.dumps(text, ensure_ascii=False)


def select(metric: str, *matchers: str) -> str:
    """Return a selector of series."""
    return f"{metric}{{{','.join(matchers)}}}"


def filtered(*labels: Label) -> list[str]:
    """Return matchers of the values that the filters of these labels are set to."""
    return [f'{label}=~"${FILTERS[label]}"' for label in labels]


#: Spans under the filters of a dashboard.
CHOSEN = (FROM_TEMPO, *filtered(*FILTERS))


def within(window: str) -> str:
    """Return a window as a range selector."""
    return f"[{ONCE}] @ end()" if window == RANKED else f"[{window}]"


def total(expr: str, by: Sequence[str] = (), *, how: str = "sum") -> str:
    """Return a sum, or another aggregation, that keeps labels."""
    return f"{how} by ({', '.join(by)}) ({expr})" if by else f"{how}({expr})"


def rate(selected: str, *, by: Sequence[str] = (), window: str = GRAPH) -> str:
    """Return a counter's events per second, summed by labels."""
    return total(f"rate({selected}{within(window)})", by)


def ratio(part: str, whole: str) -> str:
    """Return part by whole; 0 where there is no part, nothing where the whole is 0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def highest(
    query: Callable[[str], str], *, by: Sequence[str], count: int = 10, lowest: bool = False
) -> str:
    """Return only the series of a graph that are highest over its whole time range.

    A ranking at each point of the graph would let series come and go. `query` gives the expression
    for a window.
    """
    pick = "bottomk" if lowest else "topk"
    return f"{query(GRAPH)} and on ({', '.join(by)}) {pick}({count}, {query(RANKED)})"


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Requests of one kind: the series that count and time them; by default span metrics.

    Attributes:
        failed: matcher of failed requests; empty if `failed_count` counts them alone.
        failed_count: counter of failed requests, if it is another one.
        native: durations are native histograms, which have one series without a suffix.
    """

    where: tuple[str, ...]
    count: str = SpanMetric.CALLS
    buckets: str = SpanMetric.LATENCY_BUCKET
    failed: str = FAILED
    failed_count: str = ""
    native: bool = False

    def per_second(self, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return requests per second."""
        return rate(select(self.count, *self.where), by=by, window=window)

    def failures(self, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return failed requests per second; nothing where none has failed."""
        where = (*self.where, self.failed) if self.failed else self.where
        return rate(select(self.failed_count or self.count, *where), by=by, window=window)

    def failed_share(self, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return the share of failed requests, from 0 to 1; 0 where none failed."""
        return ratio(self.failures(by, window), self.per_second(by, window))

    def quantile(self, value: float, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return a quantile of the duration in seconds; nothing where there were no requests."""
        # Of no requests it is NaN, which a legend shows and sorts to the top.
        return f"histogram_quantile({value}, {self.durations(by, window)}) >= 0"

    def mean(self, window: str = GRAPH) -> str:
        """Return the mean duration in seconds, of span metrics."""
        return f"{self.spent(window=window)} / ({self.timed(window=window)} > 0)"

    def spent(self, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return the seconds that the requests of a second take together, of span metrics."""
        if self.native:
            return f"histogram_sum({self.durations(by, window)})"
        return rate(select(SpanMetric.LATENCY_SUM, *self.where), by=by, window=window)

    def timed(self, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return requests per second whose duration is known, of span metrics."""
        if self.native:
            return f"histogram_count({self.durations(by, window)})"
        return rate(select(SpanMetric.LATENCY_COUNT, *self.where), by=by, window=window)

    def faster(
        self, seconds: float, by: Sequence[str] = (), window: str = GRAPH, *more: str
    ) -> str:
        """Return requests per second that take so long at most, of span metrics.

        Args:
            seconds: a bound of the classic histogram; any duration for a native one.
            by: labels to keep.
            window: window of the rate.
            more: further matchers.
        """
        bound = latency_bound(seconds)
        if self.native:
            durations = self.durations(by, window, *more)
            share, count = (
                f"histogram_fraction(0, {bound}, {durations})",
                f"histogram_count({durations})",
            )
            # Without requests, the share is not a number.
            return f"({share} * ({count} > 0) or 0 * {count})"
        selected = select(SpanMetric.LATENCY_BUCKET, *self.where, *more, f'{Label.LE}="{bound}"')
        return rate(selected, by=by, window=window)

    def fast(self, seconds: float, by: Sequence[str] = (), window: str = GRAPH) -> str:
        """Return requests per second that succeed within so many seconds; see `faster`."""
        return self.faster(seconds, by, window, SUCCEEDED)

    def apdex(self, window: str = GRAPH) -> str:
        """Return Apdex: satisfied requests, and half of the tolerable ones, as a share of all.

        A failed request satisfies nobody, however fast it was.
        """
        satisfied, tolerable = (
            self.fast(bound, window=window) for bound in (APDEX_SATISFIED, APDEX_TOLERATING)
        )
        return f"({satisfied} + {tolerable}) / 2 / ({self.timed(window=window)} > 0)"

    def durations(self, by: Sequence[str] = (), window: str = GRAPH, *more: str) -> str:
        """Return the durations as a histogram over a window."""
        where = (*self.where, *more)
        if self.native:
            return rate(select(self.buckets.removesuffix("_bucket"), *where), by=by, window=window)
        return rate(select(self.buckets, *where), by=[Label.LE, *by], window=window)


def spans(*more: str, native: bool) -> Requests:
    """Return spans under the filters of a dashboard, with further matchers.

    Args:
        more: further matchers.
        native: durations are native histograms.
    """
    return Requests(where=(*CHOSEN, *more), native=native)


def edges(
    side: Label, *more: str, native: bool, buckets: str = ServiceGraphMetric.SERVER_BUCKET
) -> Requests:
    """Return requests along edges whose client or server is one of the chosen services.

    The filter of namespaces does not apply: an edge has one namespace, that of whichever of its two
    spans came last. Durations are as the server or the client measures them.
    """
    return Requests(
        where=(FROM_TEMPO, *filtered(Label.CLUSTER), f'{side}=~"$service"', *more),
        count=ServiceGraphMetric.REQUESTS,
        buckets=buckets,
        failed="",
        failed_count=ServiceGraphMetric.FAILED,
        native=native,
    )


def once(expr: str) -> str:
    """Return series without the copies that a pair of Prometheus replicas writes of each."""
    return f"max without ({', '.join(_REPLICA)}) ({expr})"


def added(
    selected: str, *, by: Sequence[str] = (), window: str = GRAPH, or_none: bool = False
) -> str:
    """Return the events per second of a scraped counter, summed by labels.

    With `or_none`, 0 while the program has not counted any; some begin only then.
    """
    summed = total(once(f"rate({selected}{within(window)})"), by)
    return f"({summed} or vector(0))" if or_none else summed


def per_hour(selected: str) -> str:
    """Return how many events a scraped counter counted in the last hour.

    For events that happen a few times an hour: a rate of the last minute would be a spike or
    nothing. 0 while the program has not counted any.
    """
    return f"({total(once(f'increase({selected}[1h])'))} or vector(0))"


def quantile_of(value: float, buckets: str, *, by: Sequence[str] = ()) -> str:
    """Return a quantile over time of what scraped buckets count."""
    return f"histogram_quantile({value}, {added(buckets, by=['le', *by])})"


def grown(counter: str, up: str, *, by: Sequence[str] = ()) -> str:
    """Return how much counters grew in 5 minutes, also those that begin with their first event.

    A rate does not count from nothing. So a series also counts if its pod was scraped 5 minutes ago
    and did not have it then. `up` is the series of the same pods.
    """
    begun = f"{counter} unless {counter} offset 5m and on (pod) ({up} offset 5m == 1)"
    return f"({total(f'increase({counter}[5m])', by)} > 0 or {total(begun, by)} > 0)"


def write_lag(selected: Callable[[StrEnum], str]) -> str:
    """Return the seconds by which a program's remote write lags behind, by pod."""
    newest, sent = RemoteWriteMetric.HIGHEST, RemoteWriteMetric.HIGHEST_SENT
    lag = f"max by (pod) ({selected(newest)}) - max by (pod) ({selected(sent)})"
    return f"clamp_min({lag}, 0)"


def counted(selected: str, over: str, *, by: Sequence[str] = (), without: str = "") -> str:
    """Return the sum of a histogram's count, whether it is scraped as a classic or a native one.

    A Prometheus that scrapes native histograms keeps no series of counts by default. `selected` has
    the classic count, `over` a function and a window: `rate 5m`. `without` is what series must not
    have in common with others: labels in parentheses, and those others.
    """
    function, window = over.split()
    native = selected.replace("_count{", "{", 1)
    left_out = f" unless on {without}" if without else ""
    classic = total(f"{function}({selected}[{window}]){left_out}", by)
    other = total(f"histogram_count({function}({native}[{window}])){left_out}", by)
    return f"({classic} or {other})"


def traceql(*more: str, escaped: bool = True) -> str:
    """Return the TraceQL query of the newest traces with a span under the filters.

    `All` includes spans without a Kubernetes namespace, from senders that are not pods. They match
    no pattern and need a condition of their own. Strings are in backticks because `:regex` escapes
    with backslashes. In a link values are patterns, not `escaped`, because backslashes would break
    the JSON in its address.
    """
    form = "regex" if escaped else "pipe"
    name, chosen = "resource.k8s.namespace.name", f"`${{namespace:{form}}}`"
    conditions = [
        f"resource.k8s.cluster.name =~ `${{cluster:{form}}}`",
        f"({name} =~ {chosen} || ({name} = nil && {chosen} = `{ALL}`))",
        f"resource.service.name =~ `${{service:{form}}}`",
        *more,
    ]
    return f"{{ {' && '.join(conditions)} }} with (most_recent=true)"


def logql(chosen: Label, label: str) -> str:
    """Return the LogQL query of the chosen services' or namespaces' lines, for links.

    Args:
        chosen: the label of the filter.
        label: the label of the lines.
    """
    # Loki refuses a selector that may match the empty string.
    return f'{{{label}=~`${{{FILTERS[chosen]}:pipe}}`, {label}!=""}}'


def service_map(side: Label | None = None) -> str:
    """Return a selector of edges for Grafana's service graph.

    `side` names the chosen service; without it, edges of the chosen namespaces. Grafana fills in
    variables there as in a file's pattern, unless they name a format.
    """
    chosen = (
        f"{side}=~`${{service:regex}}`" if side else f"{Label.NAMESPACE}=~`${{namespace:regex}}`"
    )
    return select("", FROM_TEMPO, f"{Label.CLUSTER}=~`${{cluster:regex}}`", chosen)
