"""PromQL on span metrics and TraceQL, under the filters of a dashboard.

Every sum names the labels that it keeps, so that two generators of a rollout, told apart by
``__metrics_gen_instance``, never count twice.
"""

from collections.abc import Sequence

from ..grafana.datasources import LOGS_TAGS
from ..grafana.variables import ALL, ANSWERED, matchers
from .metrics import (
    APDEX_SATISFIED,
    APDEX_TOLERATING,
    STATUS_ERROR,
    TEMPO_SOURCE,
    Label,
    ServiceGraphMetric,
    SpanMetric,
    latency_bound,
)

#: Window of graphs and of values that are asked for once.
GRAPH, ONCE = "$__rate_interval", "$__range"
#: Window of a ranking within a graph: the time range, looked at once from its end.
RANKED = "ranked"
#: Requests of a service: the spans that it answers.
REQUESTS = ANSWERED
#: The same in TraceQL.
REQUEST_SPANS = "(kind = server || kind = consumer)"
#: The operation that is chosen; being one value, Grafana escapes its quotes and no more.
OPERATION = f'{Label.SPAN_NAME}="$operation", {REQUESTS}'
#: Requests that did not fail.
SUCCEEDED = f'{Label.STATUS_CODE}!="{STATUS_ERROR}"'
_FILTERS = (Label.CLUSTER, Label.NAMESPACE, Label.SERVICE)


def spans(*more: str) -> str:
    """Return the selector of spans under the filters.

    Args:
        more: further matchers.
    """
    return _selector(*matchers(*_FILTERS), *more)


def edges(side: Label, *more: str) -> str:
    """Return the selector of edges whose client or server is one of the chosen services.

    An edge has one namespace, of whichever of its two spans came last, so it is not filtered by.

    Args:
        side: the label that names the chosen service.
        more: further matchers.
    """
    return _selector(*matchers(Label.CLUSTER), f'{side}=~"$service"', *more)


def rate(metric: str, selector: str, *, by: Sequence[str] = (), window: str = GRAPH) -> str:
    """Return a counter's events per second, summed by labels."""
    return f"{_sum(by)}(rate({metric}{selector}{within(window)}))"


def within(window: str) -> str:
    """Return a window as a range selector has it."""
    return f"[{ONCE}] @ end()" if window == RANKED else f"[{window}]"


def highest(expr: str, ranked: str, *, by: Sequence[str], count: int = 10) -> str:
    """Return only the series of a graph that are highest over its whole time range.

    Args:
        expr: the expression.
        ranked: the same with the window ``RANKED``; a ranking at each point of the graph would
            let series come and go.
        by: labels of both.
        count: series at most.
    """
    return f"{expr} and on ({', '.join(by)}) topk({count}, {ranked})"


def error_ratio(
    *more: str,
    by: Sequence[str] = (),
    window: str = GRAPH,
) -> str:
    """Return the share of failed requests, from 0 to 1; 0 where none failed.

    Args:
        more: further matchers of the requests.
        by: labels to keep.
        window: window of the rates.
    """
    every = rate(SpanMetric.CALLS, spans(*more), by=by, window=window)
    failed_only = spans(*more, f'{Label.STATUS_CODE}="{STATUS_ERROR}"')
    failed = rate(SpanMetric.CALLS, failed_only, by=by, window=window)
    return ratio(failed, every)


def ratio(part: str, whole: str) -> str:
    """Return part by whole; 0 where there is no part, nothing where the whole is 0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(
    value: float,
    *more: str,
    by: Sequence[str] = (),
    window: str = GRAPH,
) -> str:
    """Return a quantile of the duration of requests in seconds."""
    buckets = rate(SpanMetric.LATENCY_BUCKET, spans(*more), by=[Label.LE, *by], window=window)
    return f"histogram_quantile({value}, {buckets})"


def mean(*more: str, window: str = GRAPH) -> str:
    """Return the mean duration of requests in seconds."""
    total = rate(SpanMetric.LATENCY_SUM, spans(*more), window=window)
    return f"{total} / ({rate(SpanMetric.LATENCY_COUNT, spans(*more), window=window)} > 0)"


def apdex(*more: str, window: str = GRAPH) -> str:
    """Return Apdex: satisfied requests, and tolerable ones by half, as a share of all.

    A request that failed satisfies nobody, however fast it was.
    """
    satisfied, tolerable = (
        rate(
            SpanMetric.LATENCY_BUCKET,
            spans(*more, SUCCEEDED, f'{Label.LE}="{latency_bound(bound)}"'),
            window=window,
        )
        for bound in (APDEX_SATISFIED, APDEX_TOLERATING)
    )
    every = rate(SpanMetric.LATENCY_COUNT, spans(*more), window=window)
    return f"({satisfied} + {tolerable}) / 2 / ({every} > 0)"


def edge_error_ratio(selector: str, *, by: Sequence[str], window: str = ONCE) -> str:
    """Return the share of failed requests of edges, from 0 to 1."""
    return ratio(
        rate(ServiceGraphMetric.FAILED, selector, by=by, window=window),
        rate(ServiceGraphMetric.REQUESTS, selector, by=by, window=window),
    )


def edge_quantile(
    value: float, metric: ServiceGraphMetric, selector: str, *, by: Sequence[str]
) -> str:
    """Return a quantile of the duration of edges in seconds, over the whole time range."""
    return f"histogram_quantile({value}, {rate(metric, selector, by=[Label.LE, *by], window=ONCE)})"


def traceql(*more: str, escaped: bool = True) -> str:
    """Return the TraceQL query of traces with a span under the filters, the newest of them.

    ``All`` stands for spans without a Kubernetes namespace too, from senders that are no pods:
    they match no pattern, so they are asked for by themselves. Strings are in backticks because
    ``:regex`` escapes with backslashes.

    Args:
        more: further conditions on the span.
        escaped: take values literally. In a link they are patterns instead, for backslashes
            would break the JSON in its address.
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


def logql() -> str:
    """Return the LogQL query of the chosen services' lines, for links."""
    # Loki refuses a selector that may match the empty text.
    name = LOGS_TAGS["service.name"]
    return f'{{{name}=~`${{service:pipe}}`, {name}!=""}}'


def service_map(side: Label | None = None) -> str:
    """Return a selector of edges for Grafana's service graph.

    Grafana fills variables in there as in a file's pattern, unless they say how.

    Args:
        side: the label that names the chosen service; None takes the edges of the chosen
            namespaces.
    """
    chosen = (
        f"{side}=~`${{service:regex}}`" if side else f"{Label.NAMESPACE}=~`${{namespace:regex}}`"
    )
    return _selector(f"{Label.CLUSTER}=~`${{cluster:regex}}`", chosen)


def _selector(*matcher: str) -> str:
    return "{" + ", ".join([f'{Label.SOURCE}="{TEMPO_SOURCE}"', *matcher]) + "}"


def _sum(by: Sequence[str]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
