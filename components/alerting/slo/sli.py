"""What counts as an event and what as a bad one, in PromQL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...telemetry.metrics import (
    STATUS_ERROR,
    TEMPO_SOURCE,
    Label,
    SpanKind,
    SpanMetric,
    latency_bound,
)
from .settings import (
    PLACEHOLDER,
    AvailabilitySettings,
    LatencySettings,
    RatioSettings,
    SloSettings,
)

#: Window of the only rates that read the raw series; longer windows are made of these.
BASE_WINDOW = "5m"
#: Spans in which a service answers: one for each request or message that it takes.
_ANSWERS = f"{SpanKind.SERVER}|{SpanKind.CONSUMER}"


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """Expressions for events and bad events per second."""

    events: str
    errors: str


def selector(metric: str, labels: Mapping[str, str], *, answers: bool = False) -> str:
    """Return a selector of series.

    Args:
        metric: name of the series.
        labels: labels with the values that they must have; empty for no such label.
        answers: take spans in which a service answers alone.
    """
    matchers = [f"{label}={quoted(value)}" for label, value in labels.items()]
    if answers:
        matchers.append(f'{Label.SPAN_KIND}=~"{_ANSWERS}"')
    return f"{metric}{{{','.join(matchers)}}}"


def quoted(text: str) -> str:
    """Return a text as a string of PromQL."""
    return json.dumps(text, ensure_ascii=False)


def kind_of(slo: SloSettings) -> str:
    """Return the kind of an SLO: `availability`, `latency` or `ratio`."""
    return "availability" if slo.availability else "latency" if slo.latency else "ratio"


def indicator(slo: SloSettings, cluster: str) -> Indicator:
    """Return the indicator of an SLO, as series without labels.

    Args:
        slo: the SLO; exactly one of its kinds is set.
        cluster: name of the stack's cluster, whose Tempo writes the span metrics.

    Raises:
        ValueError: the SLO is of no kind, or its threshold is no bound of the histogram.
    """
    if slo.availability:
        return availability(_labels(slo.availability, cluster))
    if slo.latency:
        return latency(_labels(slo.latency, cluster), slo.latency.threshold_seconds)
    if slo.ratio:
        return _ratio(slo.ratio)
    raise ValueError(f"{slo.name}: neither availability nor latency nor ratio")


def origin(cluster: str) -> dict[str, str]:
    """Return the labels of all span metrics that a cluster's Tempo writes."""
    return {Label.SOURCE: TEMPO_SOURCE, Label.TEMPO_CLUSTER: cluster}


def availability(labels: Mapping[str, str], by: str = "") -> Indicator:
    """Return requests, and those that fail.

    Args:
        labels: labels of the spans.
        by: clause of the sums, for example ``by (service)``.
    """
    events = _rate(SpanMetric.CALLS, labels, by)
    failed = _rate(SpanMetric.CALLS, {**labels, Label.STATUS_CODE: STATUS_ERROR}, by)
    return Indicator(events=events, errors=f"{failed} or 0 * {events}")


def latency(labels: Mapping[str, str], threshold_seconds: float, by: str = "") -> Indicator:
    """Return requests, and those that take longer than a threshold.

    Args:
        labels: labels of the spans.
        threshold_seconds: a bound of the latency histogram.
        by: clause of the sums.

    Raises:
        ValueError: the histogram has no such bound.
    """
    bound: dict[str, str] = {Label.LE: latency_bound(threshold_seconds)}
    events = _rate(SpanMetric.LATENCY_COUNT, labels, by)
    good = _rate(SpanMetric.LATENCY_BUCKET, {**labels, **bound}, by)
    return Indicator(events=events, errors=f"clamp_min({events} - {good}, 0)")


def expression(text: str) -> str:
    """Return an expression of a ratio over the base window, summed up."""
    return f"sum({text.strip().replace(PLACEHOLDER, f'[{BASE_WINDOW}]')})"


def _ratio(ratio: RatioSettings) -> Indicator:
    events = expression(ratio.total)
    counted = f"({expression(ratio.bad or ratio.good or '')} or 0 * {events})"
    errors = counted if ratio.bad else f"clamp_min({events} - {counted}, 0)"
    return Indicator(events=events, errors=errors)


def _rate(metric: SpanMetric, labels: Mapping[str, str], by: str) -> str:
    clause = f"sum {by} " if by else "sum"
    return f"{clause}(rate({selector(metric, labels, answers=True)}[{BASE_WINDOW}]))"


def _labels(its: AvailabilitySettings | LatencySettings, cluster: str) -> dict[str, str]:
    labels: dict[str, str] = {
        **origin(cluster),
        Label.NAMESPACE: its.namespace,
        Label.SERVICE: its.service,
    }
    if its.cluster:
        labels[Label.CLUSTER] = its.cluster
    if its.operation:
        labels[Label.SPAN_NAME] = its.operation
    return labels
