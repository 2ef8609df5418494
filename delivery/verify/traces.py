"""Checks of the way of a trace: Alloy accepts it, Tempo has it, a search finds it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from components.alloy.system import ALLOY
from components.core.names import ALLOY_HTTP_PORT
from components.telemetry.metrics import AlloyMetric, TempoMetric
from delivery.preflight.api import items, name
from delivery.preflight.finding import Finding, error, ok
from delivery.verify import site as limits
from delivery.verify.site import Answer, Exposition, Site, ask, ask_until
from delivery.verify.telemetry import BACK, FRONT, SPANS, Sent

_QUERIES = "docs/runbooks/tempo-queries-failing.md"
_JSON = {"Content-Type": "application/json"}
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


@dataclass(kw_only=True)
class Run:
    """One verification.

    Attributes:
        site: the stack.
        sent: its trace and log.
        before: metrics of Alloy and of Tempo's distributors before the trace was sent.
        missing: uids of datasources that Grafana doesn't have.
    """

    site: Site
    sent: Sent = field(default_factory=Sent)
    before: tuple[Exposition, Exposition] = (Exposition(), Exposition())
    missing: set[str] = field(default_factory=set[str])

    def send(self, signal: str, body: bytes) -> Answer:
        """Return Alloy's answer to traces or logs."""
        receiver = self.site.service(self.site.plan.recording.outputs["otlpHttpEndpoint"])
        return ask(f"{receiver}/v1/{signal}", _JSON, body)


def _metrics(site: Site) -> tuple[Exposition, Exposition]:
    pods = [name(pod) for pod in site.pods_of(ALLOY)]
    of_alloy = site.metrics(ALLOY.namespace_name(site.settings), pods, ALLOY_HTTP_PORT)
    return of_alloy, site.tempo_metrics("distributor")


def accepted(run: Run) -> Iterator[Finding]:
    """Send the trace to Alloy."""
    run.before = _metrics(run.site)
    answer = run.send("traces", run.sent.traces())
    if answer.status == 200:
        yield ok(f"trace {run.sent.trace_id}, {SPANS} spans")
    else:
        yield error(f"Alloy refuses the trace: {answer}", "docs/runbooks/alloy-refuses-spans.md")


def by_id(run: Run) -> Iterator[Finding]:
    """Ask Tempo for the trace until it has all spans."""
    start, tempo = time.monotonic(), run.site.tempo
    resources, last = ask_until(
        lambda: tempo.get(f"/api/traces/{run.sent.trace_id}"), _complete, limits.WAIT_SECONDS
    )
    if resources is None:
        yield _lost(run, last)
        return
    settings = run.site.settings
    # Alloy sets these attributes.
    expected = {
        "k8s.cluster.name": settings.cluster.name,
        "deployment.environment.name": settings.environment.name,
    }
    wrong = [
        f"{key} is {found.get(key) or 'not set'}, not {value}"
        for found in [resources.get(FRONT, {})]
        for key, value in expected.items()
        if found.get(key) != value
    ]
    if wrong:
        yield error(
            f"another stack received the trace, or Alloy has old settings: {', '.join(wrong)}",
            "check tracing:cluster and tracing:environment, and run `make up`",
        )
    else:
        yield ok(f"{SPANS} spans after {time.monotonic() - start:.0f} s")


def _complete(trace: Any) -> dict[str, dict[str, str]] | None:  # noqa: ANN401
    """Return the string attributes of each service, once an answer has all spans."""
    count = 0
    resources: dict[str, dict[str, str]] = {}
    try:
        for batch in trace.get("batches") or trace.get("resourceSpans") or ():
            attributes = {
                each["key"]: str(each["value"].get("stringValue", ""))
                for each in batch["resource"].get("attributes", [])
            }
            resources[attributes.get("service.name", "")] = attributes
            scopes = batch.get("scopeSpans") or batch.get("instrumentationLibrarySpans") or ()
            count += sum(len(scope["spans"]) for scope in scopes)
    except (KeyError, TypeError, AttributeError):
        return None
    return resources if count >= SPANS else None


def _lost(run: Run, last: Answer) -> Finding:
    """Return where the trace got lost, by the metrics of Alloy and Tempo."""
    site = run.site
    (alloy0, tempo0), (alloy1, tempo1) = run.before, _metrics(site)

    def grown(metric: str, *, of_tempo: bool = False) -> float:
        before, after = (tempo0, tempo1) if of_tempo else (alloy0, alloy1)
        return after.total(metric) - before.total(metric)

    if discards := tempo1.grown(tempo0, TempoMetric.SPANS_DISCARDED, "reason"):
        reasons = ", ".join(reason for (reason,) in discards)
        return error(f"Tempo discards spans: {reasons}", "docs/runbooks/tempo-discards-spans.md")
    received = grown(TempoMetric.SPANS_RECEIVED, of_tempo=True)
    waiting = alloy1.total(AlloyMetric.QUEUE_SIZE, data_type="traces")
    failed = grown(AlloyMetric.SPANS_LOST)
    if received < SPANS and (waiting or failed or not grown(AlloyMetric.SPANS_SENT)):
        pods = [name(pod) for pod in site.pods_of(ALLOY)]
        said = site.last_line(
            ALLOY.namespace_name(site.settings), pods, r'xport.*\berr(?:or)?="((?:[^"\\]|\\.)*)"'
        )
        parts = ["Alloy can't deliver to Tempo", *([said] if said else []), *_policies(site)]
        return error("; ".join(parts), "docs/runbooks/tracing-ingestion-stopped.md")
    return error(
        f"Tempo has received {received:.0f} spans, but doesn't find trace {run.sent.trace_id} "
        f"within {limits.WAIT_SECONDS} s: {last}",
        _QUERIES,
    )


def _policies(site: Site) -> Iterator[str]:
    """Yield how the network policies differ from those of the plan."""
    namespace = site.settings.namespaces.tracing
    planned = {
        resource.inputs["metadata"]["name"]
        for resource in site.plan.recording.of_type(_POLICY)
        if resource.inputs["metadata"]["namespace"] == namespace
    }
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
    present = {name(item) for item in items(site.cluster, path)}
    if missing := sorted(planned - present):
        yield f"missing network policies in {namespace}: {', '.join(missing)}"
    if foreign := sorted(present - planned):
        yield f"network policies in {namespace} that the stack didn't create: {', '.join(foreign)}"


def searched(run: Run) -> Iterator[Finding]:
    """Search for the trace by its services and its error."""
    query = (
        f'{{ resource.service.name = "{FRONT}" && status = error }} '
        f'>> {{ resource.service.name = "{BACK}" }}'
    )
    seconds = run.sent.at // 1_000_000_000
    # Tempo leaves out leading zeros.
    wanted = run.sent.trace_id.lstrip("0")
    found, last = ask_until(
        lambda: run.site.tempo.get(
            "/api/search", q=query, start=seconds - 60, end=seconds + 120, limit=20
        ),
        lambda answer: any(
            each.get("traceID", "").lstrip("0") == wanted for each in answer.get("traces") or ()
        ),
        limits.WAIT_SECONDS,
    )
    if found:
        yield ok("by service, error and structure")
    else:
        yield error(f"a search doesn't find the trace: {last}", _QUERIES)
