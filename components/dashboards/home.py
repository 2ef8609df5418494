"""Home: where to go from here, and how the tracing system itself is."""

from ..grafana.datasources import LOGS_TAGS
from ..signals import (
    STATUS_ERROR,
    TEMPO_SOURCE,
    AlloyMetric,
    Label,
    ScrapedLabel,
    SpanMetric,
    TempoMetric,
)
from . import slo_overview
from .context import DashboardContext
from .kit import ERROR_STEPS, Steps, text_panel
from .layout import Dashboard, Line, PanelBuilder, dashboard, line, section
from .links import (
    dashboard_url,
    logs_url,
    metrics_url,
    profiles_url,
    traces_url,
)
from .queries import ONCE, ratio
from .red import stat
from .uids import Uid


def _ours(context: DashboardContext) -> str:
    """Return the matchers of what this stack's own Tempo writes; a backend may hold more."""
    return f'{Label.SOURCE}="{TEMPO_SOURCE}", {Label.TEMPO_CLUSTER}="{context.cluster}"'


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    lines = [_spans(context)]
    if context.scraped:
        lines.append(_pipeline(context))
    return dashboard(
        Uid.HOME,
        "Observability home",
        f"Where to start in the environment {context.environment}, and how its tracing system is.",
        section("Where to go", line(*_cards(context), height=6)),
        section("State of the tracing system", *lines),
    )


def _cards(context: DashboardContext) -> list[PanelBuilder]:
    """Return a card for each kind of signal whose backend is there."""
    services = _to(Uid.SERVICES)
    cards = [
        _card(
            "Traces",
            "What happened to one request, from service to service.",
            {
                "Recent, slow and failing traces": _to(Uid.TRACES),
                "Search in Explore": traces_url(context, "{ } with (most_recent=true)"),
            },
        ),
        _card(
            "Metrics",
            "How services do over time: requests, errors, durations.",
            {
                "Service overview": services,
                "One service": _to(Uid.SERVICE),
                "Query in Explore": metrics_url(context, f"{SpanMetric.CALLS}{{{_ours(context)}}}"),
            },
        ),
    ]
    if context.logs_uid:
        url = logs_url(context, f'{{{LOGS_TAGS["service.name"]}!=""}}')
        cards.append(
            _card(
                "Logs",
                "What services say. From a line of a request on to its trace, and back.",
                {"Search in Explore": url},
            )
        )
    if context.profiles_uid:
        url = profiles_url(context, "{}")
        cards.append(
            _card("Profiles", "Which code takes the time.", {"Search in Explore": url}),
        )
    if context.slos:
        cards.append(
            _card(
                "SLOs",
                "What was promised, what was kept, and how much may still go wrong.",
                {"All SLOs": _to(slo_overview.UID)},
            )
        )
    return cards


def _to(uid: str) -> str:
    return dashboard_url(uid, keep=[])


def _card(title: str, sentence: str, links: dict[str, str]) -> PanelBuilder:
    # Without the slash in front, Grafana's base address stays before it.
    listed = "\n".join(f"- [{name}]({url.removeprefix('/')})" for name, url in links.items())
    return text_panel(title, sentence, f"{sentence}\n\n{listed}")


def _spans(context: DashboardContext) -> Line:
    """Return what the spans themselves say, whatever is scraped."""
    ours = _ours(context)
    every = f"sum(rate({SpanMetric.CALLS}{{{ours}}}[{ONCE}]))"
    failed = (
        f'sum(rate({SpanMetric.CALLS}{{{ours}, {Label.STATUS_CODE}="{STATUS_ERROR}"}}[{ONCE}]))'
    )
    services = (
        f"count(count by ({Label.CLUSTER}, {Label.NAMESPACE}, {Label.SERVICE}) "
        f"({SpanMetric.CALLS}{{{ours}}}))"
    )
    age = f"time() - max(timestamp({SpanMetric.CALLS}{{{ours}}}))"
    return line(
        stat(context, "Spans", "Spans per second that became metrics.", every, "cps"),
        stat(context, "Services", "Services that send spans now.", services, "none"),
        stat(
            context,
            "Failed spans",
            "Share of spans with the status error, of all kinds; 5 % is red.",
            ratio(failed, every),
            "percentunit",
            ERROR_STEPS,
        ),
        stat(
            context,
            "Age of metrics",
            "Time since Tempo's newest span metrics. More than two minutes: ingestion or remote "
            "write has stopped.",
            age,
            "s",
            {None: "green", 60: "orange", 120: "red"},
        ),
        height=4,
    )


def _pipeline(context: DashboardContext) -> Line:
    """Return what Tempo and Alloy say of themselves; they must be scraped."""
    ours = f'{ScrapedLabel.NAMESPACE}="{context.namespace}"'

    def total(metric: str, *matchers: str) -> str:
        return f"sum(rate({metric}{{{', '.join([ours, *matchers])}}}[{ONCE}]))"

    received = total(TempoMetric.SPANS_RECEIVED)
    accepted = total(AlloyMetric.SPANS_ACCEPTED)
    refused = total(AlloyMetric.SPANS_REFUSED)
    queue = f"max({AlloyMetric.QUEUE_SIZE}{{{ours}}} / {AlloyMetric.QUEUE_CAPACITY}{{{ours}}})"
    lost: Steps = {None: "green", 0.0001: "red"}
    return line(
        stat(context, "Received", "Spans per second that Tempo takes in.", received, "cps"),
        stat(
            context,
            "Discarded by Tempo",
            "Spans per second over a limit; they are lost.",
            f"({total(TempoMetric.SPANS_DISCARDED)} or 0 * {received})",
            "cps",
            lost,
        ),
        stat(
            context,
            "Refused by Alloy",
            "Share of spans that Alloy sent back, for want of memory or room in its queue; senders "
            "try again for a while.",
            ratio(refused, f"({accepted} + ({refused} or 0 * {accepted}))"),
            "percentunit",
            {None: "green", 0.001: "orange", 0.01: "red"},
        ),
        stat(
            context,
            "Alloy's queue",
            "How full the fullest queue towards a backend is. A full one refuses data.",
            queue,
            "percentunit",
            {None: "green", 0.5: "orange", 0.8: "red"},
        ),
        height=4,
    )
