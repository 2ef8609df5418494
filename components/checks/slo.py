"""Rules about service level objectives."""

import re
from collections import Counter
from collections.abc import Iterator

from ..alerting.slo.rules import RESERVED_LABELS, expression
from ..alerting.slo.settings import PLACEHOLDER, RatioSettings
from ..core.problem import Problem, problem
from ..settings import TracingSettings
from ..telemetry.metrics import LATENCY_BUCKETS

#: Syntax of a label's name in Prometheus.
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KINDS = "availability, latency, ratio"


def slos(settings: TracingSettings) -> Iterator[Problem]:
    """Each objective has a name of its own, one kind, and what its kind needs."""
    taken = Counter(slo.name for slo in settings.slos)
    for index, slo in enumerate(settings.slos):
        key = f"slos[{index}]"
        if taken[slo.name] > 1:
            yield problem(f"{key}.name", slo.name, "is the name of another SLO too")
        given = [k for k in ("availability", "latency", "ratio") if getattr(slo, k) is not None]
        if not given:
            yield problem(key, slo.name, f"needs one of {_KINDS}")
        elif len(given) > 1:
            yield problem(key, slo.name, f"has {' and '.join(given)}; takes one of {_KINDS}")
        if slo.latency:
            yield from _threshold(f"{key}.latency.thresholdSeconds", slo.latency.threshold_seconds)
        if (slo.latency or slo.availability) and not settings.backends.metrics:
            yield problem(key, slo.name, "needs span metrics: set backends.metrics")
        if slo.ratio:
            yield from _ratio(f"{key}.ratio", slo.ratio)
        yield from _labels(f"{key}.labels", slo.labels)


def slo_defaults(settings: TracingSettings) -> Iterator[Problem]:
    """Objectives for every service have span metrics to be measured by."""
    its = settings.slo_defaults
    if its.enabled and not settings.backends.metrics:
        yield problem("sloDefaults.enabled", True, "needs span metrics: set backends.metrics")
    yield from _threshold("sloDefaults.latencyThresholdSeconds", its.latency_threshold_seconds)


def _threshold(key: str, seconds: float) -> Iterator[Problem]:
    """A histogram counts what is below its bounds, and nothing in between."""
    if seconds in LATENCY_BUCKETS:
        return
    below = [bound for bound in LATENCY_BUCKETS if bound < seconds][-1:]
    above = [bound for bound in LATENCY_BUCKETS if bound > seconds][:1]
    nearest = " or ".join(f"{bound:g}" for bound in [*below, *above])
    known = ", ".join(f"{bound:g}" for bound in LATENCY_BUCKETS)
    yield problem(
        key,
        seconds,
        f"is no bound of the latency histogram; take {nearest} (all bounds: {known})",
    )


def _ratio(key: str, ratio: RatioSettings) -> Iterator[Problem]:
    if (ratio.good is None) == (ratio.bad is None):
        yield problem(key, ratio.total, "needs one of good and bad, beside total")
    for name in ("total", "good", "bad"):
        text: str | None = getattr(ratio, name)
        if text is None:
            continue
        if PLACEHOLDER not in text:
            yield problem(
                f"{key}.{name}",
                text,
                f"must have {PLACEHOLDER} where the window goes: rate(jobs_total{PLACEHOLDER})",
            )
        elif why := _syntax_error(expression(text)):
            yield problem(f"{key}.{name}", text, f"is no PromQL: {why}")


def _syntax_error(expr: str) -> str | None:
    """Return what is wrong with an expression.

    One that does not parse would make Prometheus refuse the whole file of rules.
    """
    # Loaded only for those who have such expressions.
    import promql_parser

    try:
        promql_parser.parse(expr)
    except ValueError as error:
        return str(error)
    return None


def _labels(key: str, labels: dict[str, str]) -> Iterator[Problem]:
    for name, value in labels.items():
        if name in RESERVED_LABELS:
            yield problem(f"{key}.{name}", value, "is a label that the rules set themselves")
        elif not _LABEL.fullmatch(name) or name.startswith("__"):
            yield problem(key, name, "is not the name of a label in Prometheus")
