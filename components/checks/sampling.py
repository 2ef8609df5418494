"""Rules on sampling: settings that contradict each other, the load, or what they are for.

Messages have the arithmetic, so that the numbers can be checked and changed.
"""

import math
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from ..alloy.sampling import sizes
from ..alloy.sampling.policies import (
    BURST_SECONDS,
    ERRORS,
    REST,
    SLOW,
    ceilings,
    kept,
    percent_kept,
)
from ..alloy.sampling.settings import (
    RateLimitingSettings,
    RuleSettings,
    SamplingMode,
    SamplingPreset,
    SamplingSettings,
)
from ..alloy.sizes import MEMORY_FACTOR, USABLE_SHARE
from ..core.names import OTLP_RETRY_MINUTES
from ..core.problem import Problem, problem
from ..settings import TracingSettings
from ..tempo.settings import Histograms

Found = Iterator[Problem]
_KEY = "alloy.sampling"


def sampling(settings: TracingSettings) -> Found:
    """Yield a problem for each setting of sampling that can't work as it is meant."""
    its = settings.alloy.sampling
    yield from _names(its)
    if its.head_percent < 100 and not its.decides:
        yield problem(
            f"{_KEY}.headPercent",
            its.head_percent,
            f"needs alloy.sampling.mode: on, and the mode is {its.mode}: Tempo stores what the "
            "gateway passes on, and its span metrics would show that part only. Remove this key, "
            "or set mode: on",
        )
    if not its.runs:
        return
    yield from _backend(settings)
    yield from _purpose(its)
    for index, rule in enumerate(its.rules):
        yield from _rule(settings, index, rule)
    yield from _rates(settings)
    yield from _wait(settings)
    yield from _memory(settings)


def _names(its: SamplingSettings) -> Found:
    taken = {
        ERRORS: "alloy.sampling.errors",
        SLOW: "alloy.sampling.slowerThanMs",
        REST: "alloy.sampling.keepPercent",
    }
    for group, entries in (("rules", its.rules), ("policies", its.policies)):
        for index, entry in enumerate(entries):
            key = f"{_KEY}.{group}[{index}]"
            if entry.name in taken:
                yield problem(
                    f"{key}.name",
                    entry.name,
                    f"is the name of {taken[entry.name]}: choose another, for example "
                    f"{entry.name}-2",
                )
            taken.setdefault(entry.name, key)


def _backend(settings: TracingSettings) -> Found:
    its = settings.alloy.sampling
    if its.mode is SamplingMode.REHEARSE and settings.backends.metrics is None:
        yield problem(
            f"{_KEY}.mode",
            its.mode,
            "needs backends.metrics: the rehearsal writes what it would keep as metrics, and "
            "nothing else shows it. Set backends.metrics.url and backends.metrics.remoteWriteUrl",
        )
    histograms = settings.tempo.span_metrics.histograms
    if its.decides and histograms is Histograms.BOTH:
        yield problem(
            "tempo.spanMetrics.histograms",
            histograms,
            "can't be combined with alloy.sampling.mode: on: the samplers write one kind of "
            "histogram. Set classic or native",
        )


def _purpose(its: SamplingSettings) -> Found:
    """Refuse what keeps everything, or nothing."""
    general = kept(its)
    if its.preset is SamplingPreset.COST_CAPPED and general.max_spans_per_second is None:
        yield problem(
            f"{_KEY}.preset",
            its.preset,
            "needs alloy.sampling.maxSpansPerSecond, which caps the cost: set it, for example "
            "1000. Of 500 bytes a span, that is 43 GB a day before compression",
        )
    drops = any(rule.never for rule in its.rules) or any(each.drop for each in its.policies)
    fewer = any(rule.keep_percent is not None or rule.keep_spans_per_second for rule in its.rules)
    keepers = [each for each in its.policies if percent_kept(each) == 100]
    bounded = general.max_spans_per_second is not None or its.head_percent < 100
    for index, policy in enumerate(its.policies):
        if policy in keepers and not drops and not bounded:
            yield problem(
                f"{_KEY}.policies[{index}]",
                policy.name,
                "keeps every trace, whatever the rules and the other policies say: lower its "
                "percent, or remove it",
            )
    if general.keep_percent == 100 and not drops and not fewer and not bounded and its.decides:
        yield problem(
            f"{_KEY}.keepPercent",
            general.keep_percent,
            "keeps every trace, so that samplers would cost memory and drop nothing: lower it, for "
            "example 10, or set alloy.sampling.mode: off",
        )
    keeps = (
        *(general.errors, bool(general.slower_than_ms), bool(general.keep_percent)),
        any(not rule.never and rule.keep_percent != 0 for rule in its.rules),
        any(not each.drop for each in its.policies),
    )
    if not any(keeps):
        yield Problem(
            key=_KEY,
            message="keeps no trace: errors is false, slowerThanMs and keepPercent are 0, and no "
            "rule or policy keeps anything. Set one of them, for example errors: true",
        )


def _rule(settings: TracingSettings, index: int, rule: RuleSettings) -> Found:
    its, key = settings.alloy.sampling, f"{_KEY}.rules[{index}]"
    everything = all(set(value) == {"*"} for value in rule.conditions.values())
    if everything and "route" not in rule.conditions and rule.attribute is None:
        what = "drops" if rule.never else "decides on"
        yield problem(
            key,
            rule.name,
            f"{what} every trace, because {_shown(rule)} matches all: narrow it, for example "
            "service: checkout-*, or use keepPercent of alloy.sampling",
        )
    for earlier in its.rules[:index]:
        if _covers(earlier, rule):
            yield problem(
                key,
                rule.name,
                f"never decides, because the rule {earlier.name} in front of it matches all of its "
                f"spans ({_shown(earlier)}): move this rule in front of it, or remove one of the "
                "two",
            )
            break
    if rule.namespace in settings.own_namespaces:
        yield problem(
            f"{key}.namespace",
            rule.namespace,
            "matches no trace, because Alloy drops the spans of the stack's own namespaces: remove "
            "this rule",
        )
    if rule.route in settings.alloy.ignored_paths:
        yield problem(
            f"{key}.route",
            rule.route,
            "matches no trace, because alloy.ignoredPaths drops its spans before: remove this "
            "rule, or the path there",
        )


def _covers(earlier: RuleSettings, later: RuleSettings) -> bool:
    """Return whether a rule matches every span that a later one matches."""
    wide, narrow = earlier.conditions, later.conditions
    return all(key in narrow and fnmatchcase(narrow[key], wide[key]) for key in wide)


def _shown(rule: RuleSettings) -> str:
    return ", ".join(f"{key}: {value}" for key, value in rule.conditions.items())


def _rates(settings: TracingSettings) -> Found:
    """Refuse rates and shares of the ceiling that are too small for a trace, or for the errors."""
    its, load = settings.alloy.sampling, settings.load
    limits = [
        *(
            (f"{_KEY}.rules[{index}].keepSpansPerSecond", rule.keep_spans_per_second)
            for index, rule in enumerate(its.rules)
        ),
        *(
            (f"{_KEY}.policies[{index}].rateLimiting.spansPerSecond", limit.spans_per_second)
            for index, policy in enumerate(its.policies)
            if isinstance(limit := policy.rate_limiting, RateLimitingSettings)
        ),
    ]
    least = math.ceil(load.spans_per_trace / BURST_SECONDS) * its.replicas
    for key, amount in limits:
        if amount is not None and amount // its.replicas * BURST_SECONDS < load.spans_per_trace:
            yield problem(
                key,
                amount,
                f"keeps no trace of {load.spans_per_trace:g} spans (load.spansPerTrace): each of "
                f"{its.replicas} samplers has {amount // its.replicas} spans/s, and keeps up to "
                f"{BURST_SECONDS} seconds of that at once. Set {least} or more",
            )
    yield from _ceiling(settings)


def _ceiling(settings: TracingSettings) -> Found:
    its, load = settings.alloy.sampling, settings.load
    most, key = its.max_spans_per_second, f"{_KEY}.maxSpansPerSecond"
    shares = ceilings(its)
    if most is None or not shares:
        return
    name, least = min(shares.items(), key=lambda item: item[1])
    if least * BURST_SECONDS < load.spans_per_trace:
        yield problem(
            key,
            most,
            f"leaves {least} spans/s to the policy {name} in each of {its.replicas} samplers, and "
            f"{BURST_SECONDS} seconds of that at once: a trace of {load.spans_per_trace:g} spans "
            "(load.spansPerTrace) never fits. Set a higher ceiling, or fewer rules",
        )
    if load.sent is None or load.failed_percent is None or ERRORS not in shares:
        return
    peak = load.sent * load.peak_factor
    failed = peak * load.failed_percent / 100
    share = shares[ERRORS] * its.replicas
    if failed > share:
        yield problem(
            key,
            most,
            f"is too low for the expected errors: {peak:,.0f} spans/s at the peak * "
            f"{load.failed_percent:g} % (load.failedPercent) = {failed:,.0f} spans/s, and the "
            f"share of errors is {share:,} of {most:,}. Set {math.ceil(most * failed / share)} or "
            "more",
        )


def _wait(settings: TracingSettings) -> Found:
    its, general = settings.alloy.sampling, kept(settings.alloy.sampling)
    least = sizes.least_wait_seconds(its, beyla=settings.beyla_runs)
    if its.decision_wait_seconds < least:
        sender, seconds = (
            ("Beyla", sizes.BEYLA_SECONDS) if settings.beyla_runs else ("an SDK", sizes.SDK_SECONDS)
        )
        parts = [
            f"{seconds} s in which {sender} collects spans",
            f"{sizes.GATEWAY_SECONDS} s in the gateway",
            f"{sizes.MARGIN_SECONDS} s on the way",
            *(
                [f"{general.slower_than_ms / 1000:g} s of a slow trace (slowerThanMs)"]
                if general.slower_than_ms
                else []
            ),
        ]
        yield problem(
            f"{_KEY}.decisionWaitSeconds",
            its.decision_wait_seconds,
            f"is too short, so that traces are decided on before they are complete: "
            f"{' + '.join(parts)} = {least} s. Set {least} or more",
        )
    tempo = settings.tempo
    retry = settings.alloy.retry_minutes
    need = its.slack_minutes(retry)
    if its.decides and "slack_minutes" in tempo.model_fields_set and tempo.slack_minutes < need:
        yield problem(
            "tempo.slackMinutes",
            tempo.slack_minutes,
            f"is shorter than a span may take to Tempo: {retry} minutes of retries in "
            f"the gateway + {its.decision_wait_seconds} s until the decision + "
            f"{OTLP_RETRY_MINUTES} minutes of retries in the sampler. Remove this key, which then "
            f"is {need}, or set {need} or more",
        )


def _memory(settings: TracingSettings) -> Found:
    its, load = settings.alloy.sampling, settings.load
    flight = sizes.flight(its, load)
    if flight and its.num_traces is not None and its.num_traces < flight.traces:
        yield problem(
            f"{_KEY}.numTraces",
            its.num_traces,
            f"is less than the traces in flight, so that the oldest are dropped undecided: "
            f"{_flight(settings, flight.spans_per_second)} / {load.spans_per_trace:g} spans a "
            f"trace = {flight.traces:,}. Remove this key, or set {flight.traces} or more",
        )
    minutes = settings.alloy.survive_minutes
    limit = sizes.workload(its, load, minutes).memory_limit_mib
    need = sizes.memory(its, load, minutes)
    if limit >= need.limit:
        return
    held = (
        f"{_flight(settings, flight.spans_per_second)} * {load.bytes_per_span} bytes * "
        f"{MEMORY_FACTOR} in memory * {sizes.HEADROOM:g}"
        if flight
        else f"{sizes.num_traces(its, load):,} traces * {load.spans_per_trace:g} spans * "
        f"{load.bytes_per_span} bytes * {MEMORY_FACTOR} in memory"
    )
    parts = [
        f"{need.spans:,} MiB of spans ({held})",
        f"{need.decisions} MiB of decisions",
        *([f"{need.queue} MiB of queue"] if need.queue else []),
        f"{sizes.BASE_MIB} MiB of Alloy itself",
    ]
    whole = need.spans + need.decisions + need.queue + sizes.BASE_MIB
    why = f"{' + '.join(parts)} = {whole:,} MiB, and a sampler uses {USABLE_SHARE:.0%} of its limit"
    # The value that the author wrote, if it is one of these.
    if its.workload.memory_limit_mib is None:
        yield problem(
            f"{_KEY}.numTraces",
            its.num_traces,
            f"needs more memory than the {limit:,} MiB of a sampler: {why}. Set "
            f"load.spansPerSecond, or alloy.sampling.workload.memoryLimitMib: {need.limit}",
        )
        return
    yield problem(
        f"{_KEY}.workload.memoryLimitMib",
        limit,
        f"is too small: {why}. Set {need.limit} or more, or a shorter decisionWaitSeconds",
    )


def _flight(settings: TracingSettings, spans_per_second: float) -> str:
    its = settings.alloy.sampling
    return (
        f"{spans_per_second:,.0f} spans/s at the peak / {its.replicas} samplers * "
        f"{its.decision_wait_seconds} s"
    )


def notices(settings: TracingSettings) -> Iterator[str]:
    """Yield what sampling costs or risks, though it is valid."""
    its = settings.alloy.sampling
    if not its.runs:
        return
    if its.decides:
        yield (
            "alloy.sampling.mode on: traces that the rules do not keep are lost for good, and "
            "TraceQL metrics count stored traces only."
        )
    if its.decides and settings.backends.metrics is None:
        yield (
            "alloy.sampling.mode on: backends.metrics is not set, so that nothing counts the "
            "requests whose traces are dropped."
        )
    if its.head_percent < 100:
        yield (
            f"alloy.sampling.headPercent {its.head_percent:g}: "
            f"{100 - its.head_percent:g} percent of failed and slow traces are lost too, and the "
            "service graph counts what is passed on."
        )
    if its.replicas == 1:
        yield (
            "alloy.sampling.replicas 1: while the sampler restarts, all spans wait in Alloy's "
            "queue."
        )
    for key, percent in _percents(its):
        if 0 < percent < 1:
            yield (
                f"{key} {percent:g} is less than one percent: one trace in "
                f"{round(100 / percent):,}. A share of {percent:g} is {percent * 100:g}."
            )


def _percents(its: SamplingSettings) -> Sequence[tuple[str, float]]:
    return [
        (f"{_KEY}.keepPercent", kept(its).keep_percent),
        *(
            (f"{_KEY}.rules[{index}].keepPercent", rule.keep_percent or 0)
            for index, rule in enumerate(its.rules)
        ),
    ]
