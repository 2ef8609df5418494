"""Use cases: nine questions that traces answer, each with its query and how to read it."""

from collections.abc import Callable
from dataclasses import dataclass

from ...telemetry.metrics import APDEX_SATISFIED, VIRTUAL_NODE, Label
from ...telemetry.promql import (
    ANSWERED,
    CALLED,
    REQUEST_SPANS,
    edges,
    highest,
    ratio,
    service_map,
    spans,
    traceql,
)
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import TITLES, Link, Uid, cell, dashboard_url
from ..panels import ERROR_STEPS, NEUTRAL, Legend, Panels, Steps, request_columns, text_panel
from ..units import Unit
from ..variables import filters
from .requests import BY_SERVICE, bar_links, shortest_call

_SERVICE = [Label.SERVICE]
_VERSION = [Label.SERVICE, Label.SERVICE_VERSION]
_BY_VERSION = "{{service}} {{service_version}}"
#: Failed spans with no failed span below them: where an error begins.
_ORIGIN = f"{{ status = error }} !<< {traceql('status = error')}"


@dataclass(frozen=True)
class UseCase:
    """A use of traces.

    Attributes:
        leads_to: the dashboard with more.
        answers: one or two panels with the queries.
    """

    title: str
    question: str
    reading: str
    leads_to: Uid
    answers: tuple[PanelBuilder, ...]

    @property
    def link(self) -> str:
        """The dashboard with more, in Markdown."""
        return f"[{TITLES[self.leads_to]}]({dashboard_url(self.leads_to)})"

    def section(self) -> Section:
        """Return its row, which is collapsed at first."""
        how = text_panel(
            f"How to read: {self.title}",
            self.reading,
            f"**{self.question}** {self.reading} More: {self.link}.",
        )
        return Section(
            self.title, Line(how, height=3), Line(*self.answers, height=10), collapsed=True
        )


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    cases = _cases(show)
    rows = "\n".join(f"| {one.title} | {one.question} | {one.link} |" for one in cases)
    contents = text_panel(
        "Nine questions that traces answer",
        "Open the row of a use case below for its answer.",
        f"| Row below | Question | More in |\n|---|---|---|\n{rows}",
    )
    return dashboard(
        Uid.USE_CASES,
        "Nine questions that traces answer, each with its query and how to read it.",
        Section("Contents", Line(contents, height=11)),
        *(one.section() for one in cases),
        variables=filters(show.stack),
        links=bar_links(show),
    )


def _cases(show: Panels) -> list[UseCase]:
    native = show.stack.native
    requests = spans(ANSWERED, native=native)

    def ranked(
        title: str,
        description: str,
        query: Callable[[str], str],
        unit: Unit,
        steps: Steps = NEUTRAL,
        *,
        by: list[Label] = _SERVICE,
        worst_is_low: bool = False,
        exemplars: bool = False,
    ) -> PanelBuilder:
        legend = BY_SERVICE if by == _SERVICE else _BY_VERSION
        return show.graph(
            title,
            description,
            {legend: highest(query, by=by, lowest=worst_is_low)},
            unit,
            steps,
            near_one=worst_is_low,
            legend=Legend.TABLE,
            exemplars=legend if exemplars else "",
        )

    def calls_per_request(window: str) -> str:
        return ratio(
            spans(CALLED, native=native).per_second(_SERVICE, window),
            requests.per_second(_SERVICE, window),
        )

    def fast(window: str) -> str:
        within = requests.fast(APDEX_SATISFIED, _SERVICE, window)
        return f"({within} / ({requests.timed(_SERVICE, window)} > 0))"

    # Callers without traces, such as «user», cannot be the cause.
    failing = edges(Label.SERVER, f'{Label.CONNECTION_TYPE}!="{VIRTUAL_NODE}"', native=native)
    caller = dashboard_url(Uid.SERVICE, keep=["cluster"], values={"service": cell("Caller")})
    routes = spans(ANSWERED, f'{Label.HTTP_ROUTE}!=""', native=native)
    route_service = dashboard_url(Uid.SERVICE, values={"service": cell("Service")})
    return [
        UseCase(
            "Debugging latency",
            "Which requests were slow, and where did the time go?",
            "Open the slowest trace and follow the longest bar down to the span without a child: "
            "that span took the time itself.",
            Uid.SERVICES,
            (
                ranked(
                    "Duration of the ten slowest services, p95",
                    "95 of 100 requests are faster. A dot is a single request: click it for its "
                    "trace.",
                    lambda window: requests.quantile(0.95, _SERVICE, window),
                    units.SECONDS,
                    exemplars=True,
                ),
                show.traces(
                    "Slow requests",
                    "The newest requests above half a second, slowest first. Empty is good.",
                    traceql(REQUEST_SPANS, "duration > 500ms"),
                    sort_by="Duration",
                ),
            ),
        ),
        UseCase(
            "End-to-end visibility",
            "Which services take part in a request?",
            "Each circle is a service and each arrow a call. A service that is missing sends no "
            "spans, or its caller does not propagate the trace context.",
            Uid.TRACES,
            (
                show.service_map(
                    "Who calls whom",
                    "Calls between the services of the chosen namespaces, with the failed share in "
                    "red.",
                    service_map(),
                ),
            ),
        ),
        UseCase(
            "Errors and failures",
            "Since when do requests fail, and which?",
            "The graph shows when failures began. The traces show which requests failed and what "
            "the failing span reports.",
            Uid.TRACES,
            (
                ranked(
                    "Failed requests of the ten worst services",
                    "Share of each service's requests that failed. The lines are 1 % and 5 %.",
                    lambda window: requests.failed_share(_SERVICE, window),
                    units.FAILED,
                    ERROR_STEPS,
                ),
                show.traces(
                    "Failing requests",
                    "The newest requests that failed. Empty is good.",
                    traceql(REQUEST_SPANS, "status = error"),
                ),
            ),
        ),
        UseCase(
            "Capacity planning",
            "How many requests does a service work on at a time?",
            "Add replicas where the line approaches what they can do at once.",
            Uid.CAPACITY,
            (
                ranked(
                    "Requests in work at a time",
                    "Requests per second times their mean duration, the ten highest services.",
                    lambda window: requests.spent(_SERVICE, window),
                    units.FACTOR,
                ),
                ranked(
                    "Requests per second",
                    "Requests of each service, the ten highest.",
                    lambda window: requests.per_second(_SERVICE, window),
                    units.REQUESTS,
                ),
            ),
        ),
        UseCase(
            "Root cause analysis",
            "Where did an error begin?",
            "These spans failed although nothing that they called did: the error began there, and "
            "everything above only passed it on.",
            Uid.SERVICES,
            (
                show.table(
                    "Calls that fail",
                    "Share of failed calls from service to service. The last service of a red "
                    "chain is the one to look at. Click a caller for its dashboard. "
                    f"{shortest_call(show)}",
                    {Label.CLIENT: "Caller", Label.SERVER: "Called"},
                    request_columns(failing, (Label.CLIENT, Label.SERVER)),
                    order=("Failed", "Requests"),
                    links={"Caller": [Link("Service", caller)]},
                ),
                show.traces(
                    "Where errors begin",
                    "The newest traces with a failed span that has no failed one below it. Empty "
                    "is good.",
                    _ORIGIN,
                ),
            ),
        ),
        UseCase(
            "Performance tuning new features",
            "Is the new release faster than the old one?",
            "Each version of a service is a line. While both run, compare them. After a rollout, "
            "compare the new line with the end of the old one.",
            Uid.OPERATION,
            (
                ranked(
                    "Duration by version, p95",
                    "95 of 100 requests are faster, by service.version; the ten slowest.",
                    lambda window: requests.quantile(0.95, _VERSION, window),
                    units.SECONDS,
                    by=_VERSION,
                ),
                ranked(
                    "Failed requests by version",
                    "Share of requests that failed, by service.version; the ten worst.",
                    lambda window: requests.failed_share(_VERSION, window),
                    units.FAILED,
                    ERROR_STEPS,
                    by=_VERSION,
                ),
            ),
        ),
        UseCase(
            "Validating SLAs",
            "Was the promise kept?",
            "It was kept if the line stays above the promised share. Set the time range to that of "
            "the promise, not to an hour.",
            Uid.SERVICES,
            (
                ranked(
                    "Requests that succeed",
                    "Share of requests that did not fail, the ten worst services.",
                    lambda window: f"(1 - {requests.failed_share(_SERVICE, window)})",
                    units.KEPT,
                    worst_is_low=True,
                ),
                ranked(
                    f"Requests that succeed within {APDEX_SATISFIED} s",
                    "Share of requests that succeeded in time, the ten worst services.",
                    fast,
                    units.KEPT,
                    worst_is_low=True,
                ),
            ),
        ),
        UseCase(
            "Exposing misconfigurations",
            "Which service calls too much, or calls in vain?",
            "A service that suddenly makes more calls per request has lost a cache or retries. A "
            "call that only fails at the caller went to a wrong name or port.",
            Uid.SERVICES,
            (
                ranked(
                    "Calls per request",
                    "Calls to other services and databases per request, the ten highest services.",
                    calls_per_request,
                    units.FACTOR,
                ),
                show.traces(
                    "Failed calls",
                    "The newest traces with a failed call to another service. Empty is good.",
                    traceql("(kind = client || kind = producer)", "status = error"),
                ),
            ),
        ),
        UseCase(
            "Understanding user behaviour",
            "What do users do most?",
            "The routes at the top are what users do. Routes without requests may be removable.",
            Uid.SERVICES,
            (
                show.table(
                    "Most used routes",
                    "Requests by HTTP route, over the whole time range.",
                    {Label.HTTP_ROUTE: "Route", Label.SERVICE: "Service"},
                    request_columns(routes, (Label.HTTP_ROUTE, Label.SERVICE)),
                    order=("Requests",),
                    links={"Service": [Link("Service", route_service)]},
                ),
            ),
        ),
    ]
