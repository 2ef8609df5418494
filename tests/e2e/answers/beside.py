"""What is asked besides the panels: spans' menus, exemplars, rules, and the harness itself."""

import time
from typing import cast

from components.backends.settings import MetricsSettings
from components.telemetry.metrics import (
    KeptMetric,
    Label,
    ServiceGraphMetric,
    SpanKind,
    SpanMetric,
)
from tests.e2e.answers.asking import Backends, Outcome
from tests.e2e.answers.grafana import time_range
from tests.e2e.answers.planned import Planned
from tests.e2e.answers.questions import Language, Question, Setting
from tests.e2e.answers.report import Report

#: Queries whose outcome is known, so that a harness that sees nothing is seen.
_KNOWN = (
    (Language.PROMQL, "tempo_nobody_writes_this_total", Outcome.EMPTY),
    (Language.PROMQL, "sum(", Outcome.REFUSED),
    (Language.PROMQL, "0 / (up - up)", Outcome.EMPTY),
    (Language.TRACEQL, "{ resource.service.name = `nobody` }", Outcome.EMPTY),
    (Language.TRACEQL, "{ status = }", Outcome.REFUSED),
    (Language.SERVICE_GRAPH, '{client="nobody"}', Outcome.EMPTY),
    (Language.PROMQL, "beyla_nobody_writes_this_total", Outcome.ABSENT),
)
#: A span of the shop, as a span's menu would know it.
_SPAN = {"service.name": "checkout", "k8s.namespace.name": "orders"}
#: Least share of the one count in the other; an edge is counted some seconds after its spans.
_AGREEMENT = 0.7
#: Alerts that the shop deserves.
_DESERVED = "SloBudgetBurns"


def check_detection(backends: Backends, report: Report) -> None:
    """Ask queries that find nothing or are wrong, and see that this is noticed."""
    within = time_range("now-10m", time.time())
    for language, text, expected in _KNOWN:
        question = Question(
            dashboard="harness",
            panel="known",
            ref="A",
            language=language,
            texts=(text,),
            instant=False,
            exemplars=False,
            limit=1,
        )
        outcome = backends.answer(question, Setting.ALL, {}, within).outcome
        if outcome is not expected:
            report.problems.append(f"harness: {text} is {outcome}, should be {expected}")


def ask_span_menu(planned: Planned, backends: Backends, report: Report) -> None:
    """Ask what leads from a span of the shop to its metrics."""
    span = {**_SPAN, "k8s.cluster.name": planned.settings.cluster.name}
    labels = cast(MetricsSettings, planned.settings.backends.metrics).labels
    tags = ", ".join(f'{labels[name]}="{value}"' for name, value in span.items())
    queries = planned.span_queries()
    for name, query in queries:
        if not backends.prometheus.instant(query.replace("$__tags", tags), time.time()):
            report.problems.append(f"span menu, {name}: empty")
    report.notes.append(f"{len(queries)} queries of a span's menu asked")


def follow_exemplars(backends: Backends, report: Report) -> None:
    """See that exemplars lead to traces."""
    within = time_range("now-10m", time.time())
    # Tempo writes the first, samplers the second.
    traces = [
        exemplar["labels"][label]
        for metric, label in (
            (SpanMetric.LATENCY_BUCKET, "traceID"),
            (KeptMetric.LATENCY_BUCKET, "trace_id"),
        )
        for exemplar in backends.prometheus.exemplars(metric, within)[:5]
    ]
    found = sum(backends.tempo.trace(trace) for trace in traces)
    note = f"{found} of {len(traces)} exemplars lead to a trace"
    (report.notes if traces and found == len(traces) else report.problems).append(note)


def compare_counts(backends: Backends, report: Report) -> None:
    """See that the service graph counts the requests that span metrics count."""
    edges = f'{ServiceGraphMetric.REQUESTS}{{{Label.CLIENT}="front",{Label.SERVER}="checkout"}}'
    kind = f'{Label.SPAN_KIND}="{SpanKind.SERVER}"'
    calls = f'{SpanMetric.CALLS}{{{Label.SERVICE}="checkout",{kind}}}'
    counts = [
        float(series["value"][1])
        for name in (edges, calls)
        for series in backends.prometheus.instant(f"sum(increase({name}[1m]))", time.time())
    ]
    note = f"requests by the service graph and by span metrics: {counts}"
    agree = len(counts) == 2 and min(counts) >= _AGREEMENT * max(counts)
    (report.notes if agree else report.problems).append(note)


def look_at_rules(backends: Backends, report: Report) -> None:
    """See that Prometheus evaluates all rules, that recordings exist and no alert fires."""
    rules = backends.prometheus.rules()
    wrong = [rule for rule in rules if rule["health"] != "ok"]
    report.problems += [f"rule {rule['name']}: {rule.get('lastError')}" for rule in wrong]
    recorded = sorted({rule["name"] for rule in rules if rule["type"] == "recording"})
    empty = [name for name in recorded if not backends.prometheus.instant(name, time.time())]
    report.problems += [f"recording rule {name}: no series" for name in empty]
    report.notes.append(f"{len(rules)} rules evaluated; {len(recorded)} names recorded")
    firing = backends.prometheus.alerts("firing")
    report.problems += [f"{a} fires" for a in sorted(firing) if not a.startswith(_DESERVED)]
    pending = sorted(backends.prometheus.alerts("pending"))
    report.notes.append(f"alerts pending: {', '.join(pending) or 'none'}")
