"""Rule groups of SLOs, as they stand in a Prometheus rule file.

Each SLO reads the raw series in two rules only, over five minutes. A few rules for all SLOs
together compute the longer windows from the results. Windows over six hours use hourly sums, so
that no query reads a month of samples a minute apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...telemetry.context import StackContext
from ...telemetry.metrics import LABELS, Label, SloMetric
from ...telemetry.promql import ANSWERED, Requests, quoted, total
from ..delivery import RuleGroup
from .alerts import HOURS_INTERVAL_SECONDS, INTERVAL_SECONDS, alerts, budget, series
from .settings import (
    PLACEHOLDER,
    AvailabilitySettings,
    LatencySettings,
    SloDefaultsSettings,
    SloSettings,
)

Rule = dict[str, Any]

#: Window of the only rates that read the raw series; the longer windows are computed from these.
BASE_WINDOW = "5m"
#: How often the whole window is summed up, in seconds. Queries look five minutes back for a sample,
#: so a late one must not leave a gap.
_WINDOW_INTERVAL_SECONDS = 120
#: Windows computed from the five minutes' rates, and those from hourly sums.
_FROM_RATES = {
    "30m": SloMetric.RATIO_30M,
    "1h": SloMetric.RATIO_1H,
    "2h": SloMetric.RATIO_2H,
    "6h": SloMetric.RATIO_6H,
}
_FROM_HOURS = {"1d": SloMetric.RATIO_1D, "3d": SloMetric.RATIO_3D}
#: Labels of the objective's series that the settings own; `labels` of an SLO may not be one.
RESERVED_LABELS = LABELS[SloMetric] | {Label.SEVERITY, Label.ALERT_NAME}


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """Expressions for events and bad events per second."""

    events: str
    errors: str


def groups(
    slos: Sequence[SloSettings], defaults: SloDefaultsSettings, context: StackContext
) -> list[RuleGroup]:
    """Return all rule groups of SLOs that passed the checks; none without an SLO.

    All series have the cluster as label `cluster`, so that several stacks can share a backend.
    """
    # Their names begin differently from those of the shared groups, whatever the name of an SLO.
    found = [
        _group(
            f"slo-{slo.name}", INTERVAL_SECONDS, [*_configured(slo, context), *alerts(slo, context)]
        )
        for slo in slos
    ]
    found += [
        _group(
            f"slos-every-service-{template.name}",
            INTERVAL_SECONDS,
            [
                *_every_service(template, defaults, context),
                *alerts(template, context, template=template.name),
            ],
        )
        for template in _templates(defaults)
    ]
    if not found:
        return []
    days = {slo.window_days for slo in slos}
    if defaults.enabled:
        days.add(defaults.window_days)
    return [*found, *_shared(sorted(days), context.cluster)]


def _configured(slo: SloSettings, context: StackContext) -> Iterator[Rule]:
    """Yield the rules of one SLO: its events, its bad events, its objective."""
    own: dict[str, str] = {Label.SLO: slo.name, Label.TEMPO_CLUSTER: context.cluster}
    kind = "availability" if slo.availability else "latency" if slo.latency else "ratio"
    yield from _recorded(_indicator(slo, context), own)
    about: dict[str, str] = {
        **own,
        Label.WINDOW: f"{slo.window_days}d",
        Label.KIND: kind,
        Label.OWNER: slo.owner,
    }
    its = slo.availability or slo.latency
    if its:
        about |= {Label.SERVICE: its.service, Label.NAMESPACE: its.namespace}
        about |= {Label.CLUSTER: its.cluster} if its.cluster else {}
        about |= {Label.OPERATION: its.operation} if its.operation else {}
    yield _record(SloMetric.OBJECTIVE, f"vector({_share(slo.objective)})", {**slo.labels, **about})


def _indicator(slo: SloSettings, context: StackContext) -> Indicator:
    """Return the indicator of an SLO, as series without labels."""
    if slo.availability:
        return _availability(_matchers(slo.availability, context))
    if slo.latency:
        where = _matchers(slo.latency, context)
        return _latency(where, slo.latency.threshold_seconds, native=context.native)
    if ratio := slo.ratio:
        events = expression(ratio.total)
        counted = f"({expression(ratio.bad or ratio.good or '')} or 0 * {events})"
        errors = counted if ratio.bad else f"clamp_min({events} - {counted}, 0)"
        return Indicator(events=events, errors=errors)
    raise ValueError(f"{slo.name}: neither availability nor latency nor ratio")


def _matchers(its: AvailabilitySettings | LatencySettings, context: StackContext) -> list[str]:
    labels: dict[str, str] = {Label.NAMESPACE: its.namespace, Label.SERVICE: its.service}
    labels |= {Label.CLUSTER: its.cluster} if its.cluster else {}
    labels |= {Label.SPAN_NAME: its.operation} if its.operation else {}
    written = (f"{label}={quoted(value)}" for label, value in labels.items())
    return [*context.written_here, *written, ANSWERED]


def _availability(where: Sequence[str], by: Sequence[str] = ()) -> Indicator:
    """Return requests, and those that fail."""
    requests = Requests(where=tuple(where))
    events = requests.per_second(by, BASE_WINDOW)
    return Indicator(events=events, errors=f"{requests.failures(by, BASE_WINDOW)} or 0 * {events}")


def _latency(
    where: Sequence[str], seconds: float, by: Sequence[str] = (), *, native: bool
) -> Indicator:
    """Return requests, and those that take longer than a threshold."""
    requests = Requests(where=tuple(where), native=native)
    events, good = requests.timed(by, BASE_WINDOW), requests.faster(seconds, by, BASE_WINDOW)
    return Indicator(events=events, errors=f"clamp_min({events} - {good}, 0)")


def expression(text: str) -> str:
    """Return an expression of a ratio over the base window, summed up."""
    return total(text.strip().replace(PLACEHOLDER, f"[{BASE_WINDOW}]"))


def _templates(defaults: SloDefaultsSettings) -> list[SloSettings]:
    """Return the templates for every service, as SLOs without a service."""
    if not defaults.enabled:
        return []
    objectives = {
        "availability": defaults.availability_objective,
        "latency": defaults.latency_objective,
    }
    return [
        SloSettings(
            name=kind, owner="every service", objective=objective, window_days=defaults.window_days
        )
        for kind, objective in objectives.items()
    ]


def _every_service(
    template: SloSettings, defaults: SloDefaultsSettings, context: StackContext
) -> Iterator[Rule]:
    """Yield the events of every service without an SLO of that kind, and their objective."""
    by = (Label.NAMESPACE, Label.SERVICE)
    where = [*context.written_here, ANSWERED]
    made = (
        _availability(where, by)
        if template.name == "availability"
        else _latency(where, defaults.latency_threshold_seconds, by, native=context.native)
    )
    whole: dict[str, str] = {Label.TEMPLATE: "", Label.OPERATION: "", Label.CLUSTER: ""}
    ours: dict[str, str] = {Label.TEMPO_CLUSTER: context.cluster}
    replaced = series(SloMetric.OBJECTIVE, {**ours, Label.KIND: template.name, **whole})

    def named(expr: str) -> str:
        left = f"({expr}) unless on ({Label.NAMESPACE},{Label.SERVICE}) {replaced}"
        joined = f'label_join({left}, "{Label.SLO}", "/", "{Label.NAMESPACE}", "{Label.SERVICE}")'
        name = f"$1/{template.name}"
        return f'label_replace({joined}, "{Label.SLO}", "{name}", "{Label.SLO}", "(.*)")'

    own = {**ours, Label.TEMPLATE: template.name}
    yield from _recorded(Indicator(events=named(made.events), errors=named(made.errors)), own)
    # A day, so that a service with few requests keeps its objective between them.
    seen = f"last_over_time({series(SloMetric.EVENTS, own)}[1d])"
    about = {**own, Label.WINDOW: f"{defaults.window_days}d", Label.KIND: template.name}
    yield _record(SloMetric.OBJECTIVE, f"0 * {seen} + {_share(template.objective)}", about)


def _recorded(indicator: Indicator, labels: Mapping[str, str]) -> Iterator[Rule]:
    yield _record(SloMetric.EVENTS, indicator.events, labels)
    yield _record(SloMetric.ERRORS, indicator.errors, labels)


def _shared(window_days: Sequence[int], cluster: str) -> Iterator[RuleGroup]:
    """Yield the windows of all SLOs together."""
    ours: dict[str, str] = {Label.TEMPO_CLUSTER: cluster}
    errors, events = series(SloMetric.ERRORS, ours), series(SloMetric.EVENTS, ours)
    errors_hour = series(SloMetric.ERRORS_HOUR, ours)
    events_hour = series(SloMetric.EVENTS_HOUR, ours)
    rates = {name: _share_of_bad(errors, events, span) for span, name in _FROM_RATES.items()}
    hours = {
        name: _share_of_bad(errors_hour, events_hour, span) for span, name in _FROM_HOURS.items()
    }
    ratios = {SloMetric.RATIO_5M: f"{errors} / ({events} > 0)", **rates, **hours}
    windows = [_record(name, expr) for name, expr in ratios.items()]
    yield _group("slos-windows", INTERVAL_SECONDS, windows)
    yield _group(
        "slos-hours",
        HOURS_INTERVAL_SECONDS,
        [
            _record(SloMetric.EVENTS_HOUR, f"sum_over_time({events}[1h]) * {INTERVAL_SECONDS}"),
            _record(SloMetric.ERRORS_HOUR, f"sum_over_time({errors}[1h]) * {INTERVAL_SECONDS}"),
        ],
    )
    for days in window_days:
        span = f"{days}d"
        window: dict[str, str] = {Label.WINDOW: span}
        objective = series(SloMetric.OBJECTIVE, {**ours, **window})
        ratio = f"{_share_of_bad(errors_hour, events_hour, span)} and on ({Label.SLO}) {objective}"
        whole = series(SloMetric.RATIO_WINDOW, {**ours, **window})
        allowed = f"(1 - max by ({Label.SLO}) ({objective}))"
        left = f"1 - {whole} / on ({Label.SLO}) group_left () {allowed}"
        yield _group(
            f"slos-over-{span}",
            _WINDOW_INTERVAL_SECONDS,
            [
                _record(SloMetric.RATIO_WINDOW, ratio, window),
                _record(SloMetric.BUDGET_LEFT, left, window),
            ],
        )


def _share_of_bad(errors: str, events: str, span: str) -> str:
    """Return the share of bad events over a window; nothing if there were no events."""
    return f"sum_over_time({errors}[{span}]) / (sum_over_time({events}[{span}]) > 0)"


def _share(objective: float) -> str:
    return f"{1 - budget(objective):.10g}"


def _record(name: str, expr: str, labels: Mapping[str, str] | None = None) -> Rule:
    rule: Rule = {"record": str(name), "expr": expr}
    if labels:
        rule["labels"] = {str(label): value for label, value in labels.items()}
    return rule


def _group(name: str, seconds: int, rules: Sequence[Rule]) -> RuleGroup:
    return {"name": name, "interval": f"{seconds // 60}m", "rules": list(rules)}
