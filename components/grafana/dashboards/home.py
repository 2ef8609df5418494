"""Home: where to go from here, whether spans arrive, and which services need a person."""

from grafana_foundation_sdk.builders import grafanapyroscope, loki
from grafana_foundation_sdk.models import dashboard as models

from ...alloy.endpoints import otlp_http_endpoint
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import (
    STATUS_ERROR,
    TEMPO_SOURCE,
    VIRTUAL_NODE,
    AlloyMetric,
    Label,
    ServiceGraphMetric,
    SloMetric,
    SpanMetric,
    TempoMetric,
)
from ...telemetry.promql import ONCE, ratio
from .. import units
from ..datasources import LOGS_TAGS
from ..layout import Dashboard, Line, PanelBuilder, dashboard, line, section
from ..links import PROFILE, Link, dashboard_url, logs_url, profiles_url, row
from ..panels import ERROR_STEPS, GOOD, Query, Steps, instant, stat_panel, text_panel
from ..tables import Column, Order, table_panel
from ..uids import Uid
from ..units import Unit
from ..variables import ANSWERED
from . import slo_overview
from .red import stat
from .scraped import LOSS_STEPS, added, per_hour, programs
from .slo_queries import recorded

#: Seconds without new span metrics after which ingestion or remote write has stopped.
_AGE_STEPS: Steps = {None: GOOD, 60: "orange", 120: "red"}
#: Share of an error budget below which it is at risk.
_AT_RISK = 0.25


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    return dashboard(
        Uid.HOME,
        "Observability home",
        f"Where to start in the environment {context.environment}, whether spans arrive, and "
        "which services need a person.",
        section("Where to go", line(*_cards(context), height=4)),
        section("From senders to the bucket", _pipeline(context)),
        section(
            "What to do",
            line(_services(context), _first_steps(context), height=10, shares=(13, 11)),
        ),
    )


def _spans(context: DashboardContext, *more: str) -> str:
    """Return the selector of what this stack's own Tempo writes; a backend may hold more."""
    own = [f'{Label.SOURCE}="{TEMPO_SOURCE}"', f'{Label.TEMPO_CLUSTER}="{context.cluster}"']
    return "{" + ", ".join([*own, *more]) + "}"


def _requests(context: DashboardContext, *more: str, by: str = "") -> str:
    kept = f" by ({by}) " if by else ""
    return f"sum{kept}(rate({SpanMetric.CALLS}{_spans(context, ANSWERED, *more)}[{ONCE}]))"


def _failed(context: DashboardContext, by: str = "") -> str:
    bad = _requests(context, f'{Label.STATUS_CODE}="{STATUS_ERROR}"', by=by)
    return ratio(bad, _requests(context, by=by))


def _cards(context: DashboardContext) -> list[PanelBuilder]:
    """Return a card for each kind of signal whose backend is there; a click opens it."""
    outside = f'{Label.CONNECTION_TYPE}="{VIRTUAL_NODE}", {Label.CLIENT}="user"'
    traces = f"sum(rate({ServiceGraphMetric.REQUESTS}{_spans(context, outside)}[{ONCE}]))"
    cards = [
        _card(
            context,
            "Traces",
            "What happened to one request, from service to service. The number is how many "
            "requests come in from outside, each of which begins a trace.",
            instant(context, f"60 * ({traces} or vector(0))", "begin now"),
            units.TRACES_PER_MINUTE,
            _to(Uid.TRACES),
        ),
        _card(
            context,
            "Metrics",
            "How services do over time: requests, errors, durations. The number is the share of "
            "all requests that fail; 1 % is orange, 5 % is red.",
            instant(context, _failed(context), "of requests fail"),
            units.FAILED,
            _to(Uid.SERVICES),
            ERROR_STEPS,
        ),
    ]
    if context.logs_uid:
        everything = f'{{{LOGS_TAGS["service.name"]}!=""}}'
        lines = loki.Dataquery().expr(f"60 * sum(rate({everything} [5m]))").instant(True)
        lines.datasource(models.DataSourceRef(type_val="loki", uid=context.logs_uid))
        cards.append(
            _card(
                context,
                "Logs",
                "What services write, in Explore. From a line of a request on to its trace, and "
                "back.",
                lines.legend_format("are written"),
                units.LINES_PER_MINUTE,
                logs_url(context, everything),
            )
        )
    if context.profiles_uid:
        cpu = grafanapyroscope.Dataquery().query_type("metrics").profile_type_id(PROFILE)
        cpu.label_selector("{}").group_by([])
        cpu.datasource(
            models.DataSourceRef(type_val="grafana-pyroscope-datasource", uid=context.profiles_uid)
        )
        cards.append(
            _card(
                context,
                "Profiles",
                "Which code takes the time, in Explore. The number is how much CPU is profiled.",
                cpu,
                None,
                profiles_url(context, "{}"),
            )
        )
    if context.slos:
        left = recorded(context, SloMetric.BUDGET_LEFT, ())
        cards.append(
            _card(
                context,
                "SLOs",
                "What was promised, what was kept, and how much may still go wrong. The number is "
                f"how many SLOs have less than {_AT_RISK:.0%} of their error budget left.",
                instant(context, f"count({left} < {_AT_RISK}) or vector(0)", "budgets at risk"),
                units.COUNT,
                _to(slo_overview.UID),
                {None: GOOD, 1: "orange"},
            )
        )
    return cards


def _to(uid: str) -> str:
    return dashboard_url(uid, keep=[])


def _card(
    context: DashboardContext,
    title: str,
    sentence: str,
    query: Query,
    unit: Unit | None,
    url: str,
    steps: Steps | None = None,
) -> PanelBuilder:
    return stat_panel(
        context,
        title,
        f"{sentence} Click the card to open it.",
        query,
        unit=unit,
        steps=steps or {None: GOOD},
        named=True,
        links=(Link(title=f"Open {title}", url=url),),
    )


def _pipeline(context: DashboardContext) -> Line:
    """Return what passes each place between the senders and the bucket, and what is lost there."""
    spans = _spans(context)
    senders = (
        f"count(count by ({Label.CLUSTER}, {Label.NAMESPACE}, {Label.SERVICE}) "
        f"({SpanMetric.CALLS}{spans})) or vector(0)"
    )
    first = stat(
        context,
        "1. Services send",
        "Services whose spans arrive now. None: see «What to do first».",
        senders,
        units.COUNT,
        links=(Link(title="Services", url=_to(Uid.SERVICES)),),
    )
    age = stat(
        context,
        "Newest metrics",
        "Time since Tempo's newest span metrics. More than two minutes: ingestion or remote "
        "write has stopped.",
        f"time() - max(timestamp({SpanMetric.CALLS}{spans}))",
        units.SECONDS,
        _AGE_STEPS,
    )
    if not context.scraped:
        counted = stat(
            context,
            "2. Tempo counts",
            "Spans per second that became metrics.",
            f"sum(rate({SpanMetric.CALLS}{spans}[{ONCE}]))",
            units.SPANS,
        )
        return line(first, counted, age, height=4)
    ours = programs(context)
    accepted = added(ours.alloy(AlloyMetric.SPANS_ACCEPTED), window=ONCE)
    refused = added(ours.alloy(AlloyMetric.SPANS_REFUSED), window=ONCE, or_none=True)
    lost = added(ours.alloy(AlloyMetric.SPANS_LOST), window=ONCE, or_none=True)
    received = added(ours.tempo(TempoMetric.SPANS_RECEIVED), window=ONCE)
    discarded = added(ours.tempo(TempoMetric.SPANS_DISCARDED), window=ONCE, or_none=True)
    to_alloy = (Link(title="Alloy", url=_to(Uid.COLLECTORS)),)
    to_tempo = (Link(title="Tempo", url=_to(Uid.TEMPO)),)
    return line(
        first,
        stat(
            context,
            "2. Alloy accepts",
            "Spans per second that Alloy takes from services.",
            accepted,
            units.SPANS,
            links=to_alloy,
        ),
        stat(
            context,
            "Lost at Alloy",
            "Share of spans that Alloy refuses, for want of memory or room in its queue, or gives "
            "up because Tempo does not take them. Senders try refused ones again for a while.",
            f"({refused} + {lost}) / (({accepted} + {refused}) > 0)",
            units.FAILED,
            LOSS_STEPS,
            links=to_alloy,
        ),
        stat(
            context,
            "3. Tempo accepts",
            "Spans per second that Tempo takes from Alloy.",
            received,
            units.SPANS,
            links=to_tempo,
        ),
        stat(
            context,
            "Lost at Tempo",
            "Share of spans that Tempo discards because they are over a limit.",
            f"{discarded} / (({received} + {discarded}) > 0)",
            units.FAILED,
            LOSS_STEPS,
            links=to_tempo,
        ),
        stat(
            context,
            "4. Into the bucket",
            "Blocks of traces that Tempo wrote to the bucket in the last hour. An idle Tempo "
            "writes none.",
            per_hour(ours.tempo(TempoMetric.BLOCKS_FLUSHED)),
            units.BLOCKS_PER_HOUR,
            links=to_tempo,
        ),
        stat(
            context,
            "Not written",
            "Writes to the bucket that failed in the last hour. They are tried again; their spans "
            "wait on Tempo's disk.",
            per_hour(ours.tempo(TempoMetric.FAILED_FLUSHES)),
            units.ERRORS_PER_HOUR,
            {None: GOOD, 1: "red"},
            links=to_tempo,
        ),
        age,
        height=4,
    )


def _services(context: DashboardContext) -> PanelBuilder:
    kept = f"{Label.SERVICE}, {Label.NAMESPACE}, {Label.CLUSTER}"
    buckets = f"rate({SpanMetric.LATENCY_BUCKET}{_spans(context, ANSWERED)}[{ONCE}])"
    p95 = f"histogram_quantile(0.95, sum by ({Label.LE}, {kept}) ({buckets}))"
    worst = f"topk(10, {_failed(context, by=kept)})"
    return table_panel(
        context,
        "The ten services with most failures",
        "Click a service for its dashboard.",
        {Label.SERVICE: "Service", Label.NAMESPACE: "Namespace", Label.CLUSTER: "Cluster"},
        [
            Column(
                title="Requests",
                expr=f"{_requests(context, by=kept)} and on ({kept}) {worst}",
                unit=units.REQUESTS,
            ),
            Column(title="Failed", expr=worst, unit=units.FAILED, steps=ERROR_STEPS),
            Column(title="p95", expr=f"{p95} and on ({kept}) {worst}", unit=units.SECONDS),
        ],
        order=[Order(title="Failed"), Order(title="p95")],
        links={"Service": [Link(title="Service", url=dashboard_url(Uid.SERVICE, values=row()))]},
        empty="No service has sent a request in this time range: see «What to do first».",
    )


def _first_steps(context: DashboardContext) -> PanelBuilder:
    endpoint = otlp_http_endpoint(context.namespace)
    beyla = (
        "list its namespace in the stack file under `beyla.namespaces`, or "
        if context.beyla_namespace
        else ""
    )
    check = (
        f"Still none? [Alloy]({_to(Uid.COLLECTORS)}) shows whether it accepts spans, "
        f"[Tempo]({_to(Uid.TEMPO)}) whether they arrive."
        if context.scraped
        else "Still none? The service's own log says whether it could send."
    )
    return text_panel(
        "What to do first",
        "How the first trace gets here, and where to look next.",
        f"""**Nothing here yet?**

1. Choose one service: {beyla}set `OTEL_EXPORTER_OTLP_ENDPOINT` to `{endpoint}` in its pod.
2. Send it a request. Within a minute «Services send» counts it. {check}
3. Open [its traces]({_to(Uid.TRACES)}) and click one.

**Something is wrong?** Start with the red ones on the left. \
[Use cases]({_to(Uid.USE_CASES)}) shows which question is answered where; \
[Capacity]({_to(Uid.CAPACITY)}) shows who sends how much.""",
    )
