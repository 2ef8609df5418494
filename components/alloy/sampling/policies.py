"""What the samplers keep: rules and policies as those of `otelcol.processor.tail_sampling`.

The processor evaluates policies that drop first, then the others in order, and the first that keeps
a trace ends the search (`sample_on_first_match`). A condition looks at all spans of a trace and is
met by one of them, and in a conjunction only conditions on a string attribute can be negated. So
that the first matching rule decides, spans are marked with the first rule that they match
(attribute `sampling.rule`), and the policy of a rule excludes traces with the mark of an earlier
one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.base import Settings
from ..ottl import equals, quoted, whole_pattern
from .settings import (
    BooleanAttributeSettings,
    BytesLimitingSettings,
    NumericAttributeSettings,
    OttlSettings,
    PolicySettings,
    ProbabilisticSettings,
    RateLimitingSettings,
    RuleSettings,
    SamplingPreset,
    SamplingSettings,
    SpanCountSettings,
    StatusCode,
    StatusCodeSettings,
    StringAttributeSettings,
    TraceLatencySettings,
    TraceStateSettings,
)

#: Attribute of a span with the first rule that it matches.
MARK = "sampling.rule"
#: Names of the policies that settings other than rules make.
ERRORS, SLOW, REST = "errors", "slow", "rest"
#: Seconds of its share of `maxSpansPerSecond` that a policy may keep at once. A trace with more
#: spans than that is never kept by it.
BURST_SECONDS = 10
#: Weights of the shares of `maxSpansPerSecond`: an incident must not crowd out the comparison with
#: healthy traces, nor the other way round.
_WEIGHTS: Mapping[str, int] = {ERRORS: 4, SLOW: 2, REST: 2}

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept in general: the preset with the values that a stack file sets."""

    errors: bool
    slower_than_ms: int
    keep_percent: float
    max_spans_per_second: int | None


PRESETS: Mapping[SamplingPreset, Kept] = {
    SamplingPreset.ERRORS_AND_SLOW: Kept(
        errors=True, slower_than_ms=1000, keep_percent=0, max_spans_per_second=None
    ),
    SamplingPreset.BALANCED: Kept(
        errors=True, slower_than_ms=1000, keep_percent=10, max_spans_per_second=None
    ),
    SamplingPreset.COST_CAPPED: Kept(
        errors=True, slower_than_ms=2000, keep_percent=5, max_spans_per_second=None
    ),
}


def kept(settings: SamplingSettings) -> Kept:
    """Return what is kept in general."""
    preset = PRESETS[settings.preset]
    most = settings.max_spans_per_second
    return Kept(
        errors=preset.errors if settings.errors is None else settings.errors,
        slower_than_ms=preset.slower_than_ms
        if settings.slower_than_ms is None
        else settings.slower_than_ms,
        keep_percent=preset.keep_percent
        if settings.keep_percent is None
        else settings.keep_percent,
        max_spans_per_second=preset.max_spans_per_second if most is None else most,
    )


def marks(settings: SamplingSettings) -> list[str]:
    """Return statements of OTTL that mark each span with the first rule that it matches."""
    unmarked = f'span.attributes["{MARK}"] == nil'
    return [
        f'set(span.attributes["{MARK}"], {quoted(rule.name)}) where {unmarked} and {_matches(rule)}'
        for rule in settings.rules
    ]


def _matches(rule: RuleSettings) -> str:
    """Return the condition of OTTL under which a span matches a rule."""
    found: list[str] = []
    if rule.service is not None:
        found.append(equals('resource.attributes["service.name"]', rule.service))
    if rule.namespace is not None:
        found.append(equals('resource.attributes["k8s.namespace.name"]', rule.namespace))
    if rule.route is not None:
        # A server that knows no routes has the path only.
        route, path = 'span.attributes["http.route"]', 'span.attributes["url.path"]'
        either = equals(route, rule.route), equals(path, rule.route)
        found.append(f"({either[0]} or ({route} == nil and {either[1]}))")
    if rule.attribute is not None:
        # IsMatch compares numbers and booleans as strings, and nothing without an error.
        pattern = quoted(whole_pattern(rule.attribute.value))
        key = quoted(rule.attribute.key)
        found.append(
            f"(IsMatch(span.attributes[{key}], {pattern})"
            f" or IsMatch(resource.attributes[{key}], {pattern}))"
        )
    return " and ".join(found)


@dataclass(frozen=True)
class _Policy:
    """A policy before its share of the ceiling is known: conditions that must all be met."""

    name: str
    conditions: Sequence[Body]
    drops: bool = False


def policies(settings: SamplingSettings) -> list[Body]:
    """Return the blocks `policy`, in order."""
    found = list(_policies(settings))
    shares = ceilings(settings)
    return [_block(each, shares.get(each.name)) for each in found]


def names(settings: SamplingSettings) -> list[str]:
    """Return the names of the policies that keep traces, in order."""
    return [each.name for each in _policies(settings) if not each.drops]


def _policies(settings: SamplingSettings) -> Iterator[_Policy]:
    general, samplers = kept(settings), settings.replicas
    if general.errors:
        yield _Policy(ERRORS, [_status(StatusCode.ERROR)])
    if general.slower_than_ms:
        yield _Policy(SLOW, [_latency(general.slower_than_ms)])
    earlier: list[str] = []
    for rule in settings.rules:
        conditions = [_marked([rule.name]), *([_marked(earlier, invert=True)] if earlier else [])]
        if rule.keep_percent is not None:
            conditions.append(_probabilistic(rule.keep_percent))
        if rule.keep_spans_per_second is not None:
            conditions.append(_rate(_per_sampler(rule.keep_spans_per_second, samplers)))
        yield _Policy(rule.name, conditions, drops=rule.never)
        earlier.append(rule.name)
    for policy in settings.policies:
        conditions = [_condition(each, samplers) for each in policy.conditions]
        yield _Policy(policy.name, conditions, drops=policy.drop)
    if general.keep_percent:
        excluded = [_marked(earlier, invert=True)] if earlier else []
        yield _Policy(REST, [*excluded, _probabilistic(general.keep_percent)])


def ceilings(settings: SamplingSettings) -> dict[str, int]:
    """Return the share of `maxSpansPerSecond` of each policy in one sampler; none without it."""
    most = kept(settings).max_spans_per_second
    if most is None:
        return {}
    weights = {name: _WEIGHTS.get(name, 1) for name in names(settings)}
    whole = sum(weights.values())
    return {
        name: max(1, most * weight // whole // settings.replicas)
        for name, weight in weights.items()
    }


def _per_sampler(amount: int, samplers: int) -> int:
    return max(1, amount // samplers)


def _block(policy: _Policy, ceiling: int | None) -> Body:
    conditions = [*policy.conditions, *([_rate(ceiling)] if ceiling and not policy.drops else [])]
    kind = "drop" if policy.drops else "and"
    if kind == "and" and len(conditions) == 1:
        return {"name": policy.name, **conditions[0]}
    below = [{"name": f"{policy.name}-{n}", **each} for n, each in enumerate(conditions, 1)]
    return {"name": policy.name, "type": kind, kind: {f"{kind}_sub_policy": below}}


def _of_type(kind: str, body: Body) -> Body:
    return {"type": kind, kind: body}


def _marked(rules: Sequence[str], *, invert: bool = False) -> Body:
    """Return the condition that a span has the mark of one of some rules, or that none has."""
    inverted = {"invert_match": True} if invert else {}
    return _of_type("string_attribute", {"key": MARK, "values": list(rules), **inverted})


def _probabilistic(percent: float) -> Body:
    return _of_type("probabilistic", {"sampling_percentage": percent})


def _rate(spans_per_second: int) -> Body:
    return _of_type(
        "rate_limiting",
        {
            "spans_per_second": spans_per_second,
            "burst_capacity": spans_per_second * BURST_SECONDS,
        },
    )


def _status(*codes: StatusCode) -> Body:
    return _of_type("status_code", {"status_codes": [str(code) for code in codes]})


def _latency(threshold_ms: int) -> Body:
    return _of_type("latency", {"threshold_ms": threshold_ms})


def _condition(given: Mapping[str, Settings], samplers: int) -> Body:
    """Return the one condition of an entry of `policies`."""
    [its] = given.values()
    return _CONDITIONS[type(its)](its, samplers)


def _string(its: StringAttributeSettings) -> Body:
    body: Body = {"key": its.key, "values": list(its.values)}
    if its.regex:
        body["enabled_regex_matching"] = True
    if its.invert:
        body["invert_match"] = True
    return _of_type("string_attribute", body)


def _span_count(its: SpanCountSettings) -> Body:
    most = {} if its.max_spans is None else {"max_spans": its.max_spans}
    return _of_type("span_count", {"min_spans": its.min_spans, **most})


def _bytes(its: BytesLimitingSettings, samplers: int) -> Body:
    each = _per_sampler(its.bytes_per_second, samplers)
    return _of_type(
        "bytes_limiting", {"bytes_per_second": each, "burst_capacity": each * BURST_SECONDS}
    )


def _ottl(its: OttlSettings) -> Body:
    # A condition that can't be evaluated for a span, for example of a string that is a number in
    # one service, must not fail the policy for the whole trace.
    conditions = {"span": its.span, "spanevent": its.span_event}
    given = {key: list(value) for key, value in conditions.items() if value}
    return _of_type("ottl_condition", {"error_mode": "ignore", **given})


#: Builders of the conditions, by their settings.
_CONDITIONS: Mapping[type[Settings], Callable[[Any, int], Body]] = {
    TraceLatencySettings: lambda its, _: _latency(its.threshold_ms),
    StringAttributeSettings: lambda its, _: _string(its),
    NumericAttributeSettings: lambda its, _: _of_type(
        "numeric_attribute",
        {"key": its.key, "min_value": its.min_value, "max_value": its.max_value},
    ),
    BooleanAttributeSettings: lambda its, _: _of_type(
        "boolean_attribute", {"key": its.key, "value": its.value}
    ),
    ProbabilisticSettings: lambda its, _: _probabilistic(its.keep_percent),
    RateLimitingSettings: lambda its, samplers: _rate(_per_sampler(its.spans_per_second, samplers)),
    BytesLimitingSettings: _bytes,
    SpanCountSettings: lambda its, _: _span_count(its),
    StatusCodeSettings: lambda its, _: _status(*its.status_codes),
    TraceStateSettings: lambda its, _: _of_type(
        "trace_state", {"key": its.key, "values": list(its.values)}
    ),
    OttlSettings: lambda its, _: _ottl(its),
}
"""Each condition that an entry of `policies` may have."""


def percent_kept(policy: PolicySettings) -> float | None:
    """Return the percent of all traces that a policy keeps; None if that depends on the traces."""
    kinds = [its for each in policy.conditions for its in each.values()]
    shares = [its.keep_percent for its in kinds if isinstance(its, ProbabilisticSettings)]
    if policy.drop or len(shares) < len(kinds):
        return None
    return min((100.0, *shares))
