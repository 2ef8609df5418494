"""Home: the entry page with the state of the pipeline and the services that need a person."""

from dataclasses import replace

from grafana_foundation_sdk.builders import grafanapyroscope, loki
from grafana_foundation_sdk.models import dashboard as models

from ...alloy.endpoints import otlp_http_endpoint
from ...telemetry.context import StackContext
from ...telemetry.metrics import (
    VIRTUAL_NODE,
    AlloyMetric,
    Label,
    ServiceGraphMetric,
    SloMetric,
    SpanMetric,
    TempoMetric,
)
from ...telemetry.promql import (
    ANSWERED,
    ONCE,
    Requests,
    added,
    per_hour,
    rate,
    select,
    total,
)
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import (
    PROFILE,
    PYROSCOPE,
    SERVICE_COLUMNS,
    Link,
    Uid,
    dashboard_url,
    logs_url,
    profiles_url,
    row_link,
)
from ..panels import (
    ANY_STEPS,
    ERROR_STEPS,
    GOOD,
    LOSS_STEPS,
    NEUTRAL,
    Column,
    Panels,
    Query,
    Steps,
    request_columns,
    text_panel,
)
from ..units import Unit
from .slos import AT_RISK, recorded

#: Seconds without new span metrics after which ingestion or remote write has stopped.
_AGE_STEPS: Steps = {None: GOOD, 60: "orange", 120: "red"}


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    # Without filters, so of what this stack's Tempo writes: a backend may hold more.
    requests = Requests(where=(*show.stack.written_here, ANSWERED), native=show.stack.native)
    return dashboard(
        Uid.HOME,
        f"Where to start in the environment {show.stack.environment}, whether spans arrive, and "
        "which services need a person.",
        Section("Start here", Line(*_cards(show, requests), height=4)),
        Section("From senders to the bucket", _pipeline(show)),
        Section(
            "Next steps",
            Line(_services(show, requests), _first_steps(show), height=10, shares=(13, 11)),
        ),
    )


def _to(uid: str) -> str:
    return dashboard_url(uid, keep=[])


def _cards(show: Panels, requests: Requests) -> list[PanelBuilder]:
    """Return a card for each kind of signal with a backend; a click opens it."""
    stack = show.stack

    def card(
        title: str, sentence: str, query: Query, unit: Unit | None, url: str, steps: Steps = NEUTRAL
    ) -> PanelBuilder:
        description = f"{sentence} Click the card to open it."
        links = (Link(f"Open {title}", url),)
        return show.stat(title, description, query, unit, steps, named=True, links=links)

    outside = (f'{Label.CONNECTION_TYPE}="{VIRTUAL_NODE}"', f'{Label.CLIENT}="user"')
    entered = select(ServiceGraphMetric.REQUESTS, *stack.written_here, *outside)
    cards = [
        card(
            "Traces",
            "What happened to one request, from service to service. The number counts requests "
            "from outside; each begins a trace.",
            show.instant(f"60 * ({rate(entered, window=ONCE)} or vector(0))", "begin now"),
            units.TRACES_PER_MINUTE,
            _to(Uid.TRACES),
        ),
        card(
            "Metrics",
            "Requests, errors and durations of services over time. The number is the share of all "
            "requests that fail. 1 % is orange, 5 % is red.",
            show.instant(requests.failed_share(window=ONCE), "of requests fail"),
            units.FAILED,
            _to(Uid.SERVICES),
            ERROR_STEPS,
        ),
    ]
    if stack.logs_uid:
        everything = f'{{{stack.logs_filter[1]}!=""}}'
        lines = loki.Dataquery().expr(f"60 * sum(rate({everything} [5m]))").instant(True)
        lines.datasource(models.DataSourceRef(type_val="loki", uid=stack.logs_uid))
        cards.append(
            card(
                "Logs",
                "Log lines of services, in Explore. A line of a request links to its trace, and "
                "the trace back.",
                lines.legend_format("are written"),
                units.LINES_PER_MINUTE,
                logs_url(stack, everything),
            )
        )
    if stack.profiles_uid:
        cpu = grafanapyroscope.Dataquery().query_type("metrics").profile_type_id(PROFILE)
        cpu.label_selector("{}").group_by([])
        cpu.datasource(models.DataSourceRef(type_val=PYROSCOPE, uid=stack.profiles_uid))
        cards.append(
            card(
                "Profiles",
                "Which code uses the CPU, in Explore. The number is the CPU time profiled.",
                cpu,
                None,
                profiles_url(stack, "{}"),
            )
        )
    if stack.slos:
        left = recorded(stack, SloMetric.BUDGET_LEFT)
        cards.append(
            card(
                "SLOs",
                "Objectives, whether they are kept, and how much may still fail. The number counts "
                f"SLOs with less than {AT_RISK:.0%} of their error budget left.",
                show.instant(f"count({left} < {AT_RISK}) or vector(0)", "budgets at risk"),
                units.COUNT,
                _to(Uid.SLOS),
                {None: GOOD, 1: "orange"},
            )
        )
    return cards


def _pipeline(show: Panels) -> Line:
    """Return what passes each place between the senders and the bucket, and what is lost there."""
    stack = show.stack
    calls = select(SpanMetric.CALLS, *stack.written_here)
    first = show.stat(
        "1. Senders",
        "Services whose spans arrive now. If there are none, see «What to do first».",
        f"count({total(calls, (Label.CLUSTER, Label.NAMESPACE, Label.SERVICE), how='count')})"
        " or vector(0)",
        units.COUNT,
        links=(Link("Services", _to(Uid.SERVICES)),),
    )
    age = show.stat(
        "Newest metrics",
        "Time since Tempo's newest span metrics. Above two minutes, ingestion or remote write has "
        "stopped.",
        f"time() - max(timestamp({calls}))",
        units.SECONDS,
        _AGE_STEPS,
    )
    if not stack.scraped:
        counted = show.stat(
            "2. Tempo counts",
            "Spans per second that became metrics.",
            rate(calls, window=ONCE),
            units.SPANS,
        )
        return Line(first, counted, age, height=4)
    accepted = added(stack.alloy(AlloyMetric.SPANS_ACCEPTED), window=ONCE)
    refused = added(stack.collectors(AlloyMetric.SPANS_REFUSED), window=ONCE, or_none=True)
    lost = added(stack.collectors(AlloyMetric.SPANS_LOST), window=ONCE, or_none=True)
    received = added(stack.tempo(TempoMetric.SPANS_RECEIVED), window=ONCE)
    discarded = added(stack.tempo_lost(), window=ONCE, or_none=True)
    to_alloy, to_tempo = (Link("Alloy", _to(Uid.COLLECTORS)),), (Link("Tempo", _to(Uid.TEMPO)),)
    return Line(
        first,
        show.stat(
            "2. Alloy",
            "Spans per second that Alloy accepts from services.",
            accepted,
            units.SPANS,
            links=to_alloy,
        ),
        show.stat(
            "Lost at Alloy",
            "Share of spans that Alloy refuses because its memory or queue is full, or drops "
            "because Tempo does not accept them. Senders retry refused spans for a while.",
            f"({refused} + {lost}) / (({accepted} + {refused}) > 0)",
            units.FAILED,
            LOSS_STEPS,
            links=to_alloy,
        ),
        show.stat(
            "3. Tempo",
            "Spans per second that Tempo accepts from Alloy.",
            received,
            units.SPANS,
            links=to_tempo,
        ),
        show.stat(
            "Lost at Tempo",
            "Share of spans that Tempo discards because they exceed a limit. Those above the rate "
            "limit are not counted: Alloy sends them again.",
            f"{discarded} / (({received} + {discarded}) > 0)",
            units.FAILED,
            LOSS_STEPS,
            links=to_tempo,
        ),
        show.stat(
            "4. Bucket",
            "Blocks of traces that Tempo wrote to the bucket in the last hour. An idle Tempo "
            "writes none.",
            per_hour(stack.tempo(TempoMetric.BLOCKS_FLUSHED)),
            units.BLOCKS_PER_HOUR,
            links=to_tempo,
        ),
        show.stat(
            "Not written",
            "Failed writes to the bucket in the last hour. Tempo retries them; their spans wait on "
            "its volume.",
            _not_written(stack),
            units.ERRORS_PER_HOUR,
            ANY_STEPS,
            links=to_tempo,
        ),
        age,
        height=4,
    )


def _services(show: Panels, requests: Requests) -> PanelBuilder:
    by = tuple(SERVICE_COLUMNS)
    rates, failed, p95 = request_columns(requests, by)
    worst = f"topk(10, {failed.expr})"

    def of_worst(column: Column) -> Column:
        return replace(column, expr=f"{column.expr} and on ({', '.join(by)}) {worst}")

    return show.table(
        "The ten services with most failures",
        "Click a service for its dashboard.",
        SERVICE_COLUMNS,
        [of_worst(rates), replace(failed, expr=worst), of_worst(p95)],
        order=("Failed", "p95"),
        links={"Service": [row_link("Service", Uid.SERVICE)]},
        empty="No service has sent a request in this time range: see «What to do first».",
    )


def _first_steps(show: Panels) -> PanelBuilder:
    stack = show.stack
    endpoint = otlp_http_endpoint(stack.namespace)
    beyla = (
        "list its namespace in the stack file under `beyla.namespaces`, or "
        if stack.beyla_namespace
        else ""
    )
    check = (
        f"Still none? [Alloy]({_to(Uid.COLLECTORS)}) shows whether it accepts spans, "
        f"[Tempo]({_to(Uid.TEMPO)}) whether they arrive."
        if stack.scraped
        else "Still none? The service's own log shows whether it could send."
    )
    sampled = (
        f" Tempo receives fewer spans than Alloy: [Sampling]({_to(Uid.SAMPLING)}) shows what is "
        "dropped."
        if stack.decides
        else ""
    )
    return text_panel(
        "What to do first",
        "How to get the first trace, and where to look next.",
        f"""**Nothing here yet?**

1. Choose one service: {beyla}set `OTEL_EXPORTER_OTLP_ENDPOINT` to `{endpoint}` in its pod.
2. Send it a request. Within a minute «Senders» counts it. {check}
3. Open [its traces]({_to(Uid.TRACES)}) and click one.

**Something is wrong?** Start with the coloured numbers. \
[Use cases]({_to(Uid.USE_CASES)}) lists which question is answered where. \
[Capacity]({_to(Uid.CAPACITY)}) shows which service sends how much.{sampled}""",
    )


def _not_written(stack: StackContext) -> str:
    """Return failed writes in the last hour; block builders count none, so S3's answers do."""
    if not stack.kafka:
        return per_hour(stack.tempo(TempoMetric.FAILED_FLUSHES))
    failed = {"operation": '="PUT"', "status_code": '=~"[45].."'}
    return per_hour(stack.tempo(TempoMetric.STORAGE_REQUESTS, **failed))
