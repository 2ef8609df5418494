"""Sampling that contradicts itself or the load is refused, with the numbers."""

from typing import Any

import pytest

from components.checks.validate import validate
from components.checks.warnings import warnings
from components.load import capacity
from tests.checks.test_rules import METRICS, settings, stack_file
from tests.sweep import sweep

BACKENDS = {"metrics": METRICS}
LOAD = {"spansPerSecond": 2000}


def refused(load: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    """Return the problems of a stack file with sampling, each as a line."""
    sampling = changes.pop("sampling", {})
    groups = {
        "backends": BACKENDS,
        **({"load": load} if load else {}),
        **changes,
        "alloy": {"sampling": {"mode": "on", **sampling}, **changes.pop("alloy", {})},
    }
    _, problems = validate(stack_file(**groups))
    return [f"{p.key}: {p.value} {p.message}".replace(":  ", ": ") for p in problems]


RULE = {"name": "checkout", "service": "checkout"}

#: What a stack file has, and the whole message.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "more traces in flight than numTraces": (
        {"load": LOAD, "sampling": {"numTraces": 1000}},
        "alloy.sampling.numTraces: 1000 is less than the traces in flight, so that the oldest are "
        "dropped undecided: 4,000 spans/s at the peak / 2 samplers * 30 s / 10 spans a trace = "
        "6,000. Remove this key, or set 6000 or more",
    ),
    "too little memory for the load": (
        {"load": LOAD, "sampling": {"workload": {"memoryLimitMib": 512}}},
        "alloy.sampling.workload.memoryLimitMib: 512 is too small: 129 MiB of spans (4,000 spans/s "
        "at the peak / 2 samplers * 30 s * 500 bytes * 3 in memory * 1.5) + 12 MiB of decisions + "
        "192 MiB of queue + 200 MiB of Alloy itself = 533 MiB, and a sampler uses 65% of its "
        "limit. Set 820 or more, or a shorter decisionWaitSeconds",
    ),
    "too little memory for numTraces": (
        {"sampling": {"numTraces": 500_000}},
        "alloy.sampling.numTraces: 500000 needs more memory than the 2,048 MiB of a sampler: 7,153 "
        "MiB of spans (500,000 traces * 10 spans * 500 bytes * 3 in memory) + 573 MiB of decisions "
        "+ 192 MiB of queue + 200 MiB of Alloy itself = 8,118 MiB, and a sampler uses 65% of its "
        "limit. Set load.spansPerSecond, or alloy.sampling.workload.memoryLimitMib: 12490",
    ),
    "a decision before a slow trace ends": (
        {"sampling": {"slowerThanMs": 8000, "decisionWaitSeconds": 10}},
        "alloy.sampling.decisionWaitSeconds: 10 is too short, so that traces are decided on before "
        "they are complete: 5 s in which an SDK collects spans + 1 s in the gateway + 2 s on the "
        "way + 8 s of a slow trace (slowerThanMs) = 16 s. Set 16 or more",
    ),
    "a decision before Beyla sends": (
        {"sampling": {"decisionWaitSeconds": 10}, "beyla": {"namespaces": ["shop"]}},
        "alloy.sampling.decisionWaitSeconds: 10 is too short, so that traces are decided on before "
        "they are complete: 15 s in which Beyla collects spans + 1 s in the gateway + 2 s on the "
        "way + 1 s of a slow trace (slowerThanMs) = 19 s. Set 19 or more",
    ),
    "slack below the delay": (
        {"tempo": {"slackMinutes": 12}},
        "tempo.slackMinutes: 12 is shorter than a span may take to Tempo: 10 minutes of retries in "
        "the gateway + 30 s until the decision + 10 minutes of retries in the sampler. Remove this "
        "key, which then is 22, or set 22 or more",
    ),
    "a rule behind one that covers it": (
        {
            "sampling": {
                "rules": [
                    {"name": "shop", "namespace": "shop-*", "keepPercent": 1},
                    {**RULE, "namespace": "shop-eu", "always": True},
                ]
            }
        },
        'alloy.sampling.rules[1]: "checkout" never decides, because the rule shop in front of it '
        "matches all of its spans (namespace: shop-*): move this rule in front of it, or remove "
        "one of the two",
    ),
    "a rule for everything": (
        {"sampling": {"rules": [{"name": "all", "service": "*", "never": True}]}},
        'alloy.sampling.rules[0]: "all" drops every trace, because service: * matches all: narrow '
        "it, for example service: checkout-*, or use keepPercent of alloy.sampling",
    ),
    "a rule for the stack's own namespace": (
        {"sampling": {"rules": [{"name": "own", "namespace": "tracing", "always": True}]}},
        'alloy.sampling.rules[0].namespace: "tracing" matches no trace, because Alloy drops the '
        "spans of the stack's own namespaces: remove this rule",
    ),
    "a rule for a health check": (
        {"sampling": {"rules": [{"name": "health", "route": "/healthz", "never": True}]}},
        'alloy.sampling.rules[0].route: "/healthz" matches no trace, because alloy.ignoredPaths '
        "drops its spans before: remove this rule, or the path there",
    ),
    "everything is kept": (
        {"sampling": {"keepPercent": 100}},
        "alloy.sampling.keepPercent: 100 keeps every trace, so that samplers would cost memory "
        "and drop nothing: lower it, for example 10, or set alloy.sampling.mode: off",
    ),
    "a policy keeps everything": (
        {"sampling": {"policies": [{"name": "all", "probabilistic": {"keepPercent": 100}}]}},
        'alloy.sampling.policies[0]: "all" keeps every trace, whatever the rules and the other '
        "policies say: lower its percent, or remove it",
    ),
    "nothing is kept": (
        {"sampling": {"errors": False, "slowerThanMs": 0, "keepPercent": 0}},
        "alloy.sampling: keeps no trace: errors is false, slowerThanMs and keepPercent are 0, and "
        "no rule or policy keeps anything. Set one of them, for example errors: true",
    ),
    "two rules of a name": (
        {
            "sampling": {
                "rules": [{**RULE, "always": True}],
                "policies": [{"name": "checkout", "latency": {"thresholdMs": 5}}],
            }
        },
        'alloy.sampling.policies[0].name: "checkout" is the name of alloy.sampling.rules[0]: '
        "choose another, for example checkout-2",
    ),
    "the name of a setting": (
        {"sampling": {"rules": [{**RULE, "name": "errors", "always": True}]}},
        'alloy.sampling.rules[0].name: "errors" is the name of alloy.sampling.errors: choose '
        "another, for example errors-2",
    ),
    "a rate below a trace": (
        {
            "load": {"spansPerSecond": 100, "spansPerTrace": 25},
            "sampling": {"rules": [{**RULE, "keepSpansPerSecond": 4}]},
        },
        "alloy.sampling.rules[0].keepSpansPerSecond: 4 keeps no trace of 25 spans "
        "(load.spansPerTrace): each of 2 samplers has 2 spans/s, and keeps up to 10 seconds of "
        "that at once. Set 6 or more",
    ),
    "a share of the ceiling below a trace": (
        {
            "load": {"spansPerSecond": 100, "spansPerTrace": 25},
            "sampling": {"maxSpansPerSecond": 10},
        },
        "alloy.sampling.maxSpansPerSecond: 10 leaves 1 spans/s to the policy slow in each of 2 "
        "samplers, and 10 seconds of that at once: a trace of 25 spans (load.spansPerTrace) never "
        "fits. Set a higher ceiling, or fewer rules",
    ),
    "a ceiling below the errors": (
        {"load": {**LOAD, "failedPercent": 5}, "sampling": {"maxSpansPerSecond": 300}},
        "alloy.sampling.maxSpansPerSecond: 300 is too low for the expected errors: 4,000 spans/s "
        "at the peak * 5 % (load.failedPercent) = 200 spans/s, and the share of errors is 150 of "
        "300. Set 400 or more",
    ),
    "a cap without a number": (
        {"sampling": {"preset": "costCapped"}},
        'alloy.sampling.preset: "costCapped" needs alloy.sampling.maxSpansPerSecond, which caps '
        "the cost: set it, for example 1000. Of 500 bytes a span, that is 43 GB a day before "
        "compression",
    ),
    "a rehearsal that nobody sees": (
        {"backends": {}, "sampling": {"mode": "rehearse"}},
        'alloy.sampling.mode: "rehearse" needs backends.metrics: the rehearsal writes what it '
        "would keep as metrics, and nothing else shows it. Set backends.metrics.url and "
        "backends.metrics.remoteWriteUrl",
    ),
    "two kinds of histograms": (
        {"tempo": {"spanMetrics": {"histograms": "both"}}},
        'tempo.spanMetrics.histograms: "both" can\'t be combined with alloy.sampling.mode: on: the '
        "samplers write one kind of histogram. Set classic or native",
    ),
    "a part at the gateway without samplers": (
        {"sampling": {"mode": "off", "headPercent": 10}},
        "alloy.sampling.headPercent: 10 needs alloy.sampling.mode: on, and the mode is off: "
        "Tempo stores what the gateway passes on, and its span metrics would show that part only. "
        "Remove this key, or set mode: on",
    ),
    "a rule without a condition": (
        {"sampling": {"rules": [{"name": "checkout", "always": True}]}},
        "alloy.sampling.rules[0]: "
        '{"name": "checkout", "always": true} matches no trace: add service, namespace, route or '
        "attribute, for example service: checkout",
    ),
    "a rule that says two things": (
        {"sampling": {"rules": [{**RULE, "always": True, "keepPercent": 5}]}},
        "alloy.sampling.rules[0]: "
        '{"name": "checkout", "service": "checkout", "always": true, "keepPercent": 5} has '
        "keepPercent and always: set exactly one of keepPercent, keepSpansPerSecond, always or "
        "never, for example keepPercent: 5",
    ),
    "a percentage above 100": (
        {"sampling": {"keepPercent": 150}},
        "alloy.sampling.keepPercent: 150 must be a number from 0 to 100",
    ),
    "a mode that doesn't exist": (
        {"sampling": {"mode": "dry-run"}},
        'alloy.sampling.mode: "dry-run" must be one of off, rehearse, on',
    ),
    "a request above the limit": (
        {"sampling": {"workload": {"cpuRequestMillicores": 3000}}},
        "alloy.sampling.workload.cpuRequestMillicores: 3000 must not be above cpuLimitMillicores, "
        "2000",
    ),
}


@sweep(("changes", "message"), REFUSED.values(), ids=list(REFUSED))
def test_sampling_that_does_not_work_is_refused(changes: dict[str, Any], message: str) -> None:
    assert refused(**changes) == [message]


@pytest.mark.parametrize(
    "sampling",
    [
        {},
        {"preset": "errorsAndSlow"},
        {"preset": "costCapped", "maxSpansPerSecond": 1000},
        {"mode": "rehearse", "keepPercent": 100},
        {"keepPercent": 100, "rules": [{**RULE, "never": True}]},
        {
            "rules": [
                {**RULE, "always": True},
                {"name": "shop", "namespace": "s*", "keepPercent": 1},
            ]
        },
        {"mode": "off", "rules": [{"name": "own", "namespace": "tracing", "always": True}]},
    ],
)
def test_what_works_is_accepted(sampling: dict[str, Any]) -> None:
    assert refused(sampling=sampling) == []


def test_on_and_off_need_no_quotes_in_yaml() -> None:
    """YAML 1.1, which Python reads, has these words as booleans."""
    assert settings(alloy={"sampling": {"mode": True}}).alloy.sampling.decides
    assert not settings(alloy={"sampling": {"mode": False}}).alloy.sampling.runs


def test_tempo_accepts_spans_as_old_as_samplers_send_them() -> None:
    waiting = {"mode": "on", "decisionWaitSeconds": 90}
    assert settings(alloy={"sampling": waiting}).slack_minutes == 23
    assert settings(alloy={"sampling": waiting}, tempo={"slackMinutes": 60}).slack_minutes == 60
    assert settings(alloy={"sampling": {"mode": "rehearse"}}).slack_minutes == 11
    # The gateway retries for longer.
    assert settings(alloy={"sampling": waiting, "surviveMinutes": 30}).slack_minutes == 63


@pytest.mark.parametrize(
    ("sampling", "warning"),
    [
        (
            {"mode": "on"},
            "alloy.sampling.mode on: traces that the rules do not keep are lost for good, and "
            "TraceQL metrics count stored traces only.",
        ),
        (
            {"mode": "on"},
            "alloy.sampling.mode on: backends.metrics is not set, so that nothing counts the "
            "requests whose traces are dropped.",
        ),
        (
            {"mode": "on", "headPercent": 20},
            "alloy.sampling.headPercent 20: 80 percent of failed and slow traces are lost too, and "
            "the service graph counts what is passed on.",
        ),
        (
            {"mode": "rehearse", "replicas": 1},
            "alloy.sampling.replicas 1: while the sampler restarts, all spans wait in Alloy's "
            "queue.",
        ),
        (
            {"mode": "on", "keepPercent": 0.1},
            "alloy.sampling.keepPercent 0.1 is less than one percent: one trace in 1,000. A share "
            "of 0.1 is 10.",
        ),
    ],
)
def test_risks_are_warnings(sampling: dict[str, Any], warning: str) -> None:
    assert warning in list(warnings(settings(alloy={"sampling": sampling})))
    assert warning not in list(warnings(settings()))


def test_samplers_are_sized_for_the_load() -> None:
    def checks(**sampling: Any) -> dict[str, capacity.Check]:
        its = settings(
            backends=BACKENDS,
            load={"spansPerSecond": 10_000, "sentSpansPerSecond": 50_000},
            alloy={"sampling": {"mode": "on", **sampling}},
        )
        return {check.what: check for check in capacity.checks(its)}

    cpu, traces = "spans/s that the samplers carry", "traces in flight in a sampler"
    sized = checks()
    # What is sent passes the samplers, and what is stored follows from spansPerSecond.
    assert sized[cpu].asked == sized["spans/s that Alloy carries"].asked == 100_000
    assert sized[cpu].fits
    assert sized[traces].asked == 150_000
    assert sized[traces].fits
    assert not checks(workload={"cpuRequestMillicores": 500})[cpu].fits
    assert not checks(numTraces=100_000)[traces].fits


def test_each_sampler_writes_all_series() -> None:
    load = {**LOAD, "operations": 100}
    on = settings(backends=BACKENDS, load=load, alloy={"sampling": {"mode": "on", "replicas": 3}})

    assert (capacity.metric_writers(on), capacity.generators(on)) == (3, 1)
    assert "series of a metrics-generator" not in {c.what for c in capacity.checks(on)}
