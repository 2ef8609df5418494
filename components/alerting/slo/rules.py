"""Rule groups of SLOs, as they stand in a Prometheus rule file.

Each SLO reads the raw series in two rules only, over five minutes. All longer windows are made of
these results, by a few rules for all SLOs together; windows over six hours are made of hourly sums,
so that no query reads a month of samples a minute apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...telemetry.metrics import Label, SloMetric
from . import sli
from .alerts import HOURS_INTERVAL_SECONDS, INTERVAL_SECONDS, alerts
from .burn import budget
from .settings import SloDefaultsSettings, SloSettings
from .sli import Indicator, selector

Rule = dict[str, Any]
Group = dict[str, Any]

#: How often the whole window is summed up, in seconds. Queries look five minutes back for a sample:
#: one that is late must not leave a gap.
_WINDOW_INTERVAL_SECONDS = 120
#: Windows made of the five minutes' rates, and those made of hourly sums.
_FROM_RATES = {
    "30m": SloMetric.RATIO_30M,
    "1h": SloMetric.RATIO_1H,
    "2h": SloMetric.RATIO_2H,
    "6h": SloMetric.RATIO_6H,
}
_FROM_HOURS = {"1d": SloMetric.RATIO_1D, "3d": SloMetric.RATIO_3D}
#: Labels of the objective's series that the settings own; `labels` of an SLO may not be one.
RESERVED_LABELS = frozenset(
    {
        Label.SLO,
        Label.TEMPO_CLUSTER,
        Label.TEMPLATE,
        Label.SERVICE,
        Label.NAMESPACE,
        Label.CLUSTER,
        Label.OPERATION,
        Label.OWNER,
        Label.WINDOW,
        Label.KIND,
        "severity",
        "alertname",
    }
)


def groups(
    slos: Sequence[SloSettings],
    defaults: SloDefaultsSettings,
    *,
    cluster: str,
    runbook_base_url: str | None,
    alert_labels: Mapping[str, str],
) -> list[Group]:
    """Return all rule groups of SLOs; none without an SLO.

    Args:
        slos: the SLOs, which the rules across settings have passed.
        defaults: objectives for every service.
        cluster: name of the stack's cluster; all series of these rules have it as label
            ``cluster``, so that several stacks can share a metrics backend.
        runbook_base_url: where the runbooks can be read.
        alert_labels: labels of every alert.
    """
    # Their names begin otherwise than those of the shared groups, whatever the name of an SLO.
    found = [
        _group(
            f"slo-{slo.name}",
            INTERVAL_SECONDS,
            [
                *_configured(slo, cluster),
                *alerts(slo, cluster, runbook_base_url=runbook_base_url, labels=alert_labels),
            ],
        )
        for slo in slos
    ]
    for template in _templates(defaults):
        found.append(
            _group(
                f"slos-every-service-{template.name}",
                INTERVAL_SECONDS,
                [
                    *_every_service(template, defaults, cluster),
                    *alerts(
                        template,
                        cluster,
                        runbook_base_url=runbook_base_url,
                        labels=alert_labels,
                        template=template.name,
                    ),
                ],
            )
        )
    if not found:
        return []
    days = {slo.window_days for slo in slos}
    if defaults.enabled:
        days.add(defaults.window_days)
    return [*found, *_shared(sorted(days), cluster)]


def _configured(slo: SloSettings, cluster: str) -> Iterator[Rule]:
    """Yield what an SLO needs of its own: its events, its bad events, its objective."""
    own: dict[str, str] = {Label.SLO: slo.name, Label.TEMPO_CLUSTER: cluster}
    yield from _recorded(sli.indicator(slo, cluster), own)
    about: dict[str, str] = {
        **own,
        Label.WINDOW: f"{slo.window_days}d",
        Label.KIND: sli.kind_of(slo),
    }
    about[Label.OWNER] = slo.owner
    its = slo.availability or slo.latency
    if its:
        about |= {Label.SERVICE: its.service, Label.NAMESPACE: its.namespace}
        about |= {Label.CLUSTER: its.cluster} if its.cluster else {}
        about |= {Label.OPERATION: its.operation} if its.operation else {}
    yield _record(SloMetric.OBJECTIVE, f"vector({_share(slo.objective)})", {**slo.labels, **about})


def _templates(defaults: SloDefaultsSettings) -> list[SloSettings]:
    """Return the templates of every service as SLOs without a service."""
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
    template: SloSettings, defaults: SloDefaultsSettings, cluster: str
) -> Iterator[Rule]:
    """Yield the events of every service that has no such SLO of its own, and their objective."""
    by = f"by ({Label.NAMESPACE},{Label.SERVICE})"
    labels = sli.origin(cluster)
    made = (
        sli.availability(labels, by)
        if template.name == "availability"
        else sli.latency(labels, defaults.latency_threshold_seconds, by)
    )
    whole: dict[str, str] = {Label.TEMPLATE: "", Label.OPERATION: "", Label.CLUSTER: ""}
    replaced = selector(
        SloMetric.OBJECTIVE,
        {Label.TEMPO_CLUSTER: cluster, Label.KIND: template.name, **whole},
    )

    def named(expr: str) -> str:
        left = f"({expr}) unless on ({Label.NAMESPACE},{Label.SERVICE}) {replaced}"
        joined = f'label_join({left}, "{Label.SLO}", "/", "{Label.NAMESPACE}", "{Label.SERVICE}")'
        name = f"$1/{template.name}"
        return f'label_replace({joined}, "{Label.SLO}", "{name}", "{Label.SLO}", "(.*)")'

    own: dict[str, str] = {Label.TEMPO_CLUSTER: cluster, Label.TEMPLATE: template.name}
    yield from _recorded(Indicator(events=named(made.events), errors=named(made.errors)), own)
    # A day, so that a service with few requests does not lose its objective between them.
    seen = f"last_over_time({selector(SloMetric.EVENTS, own)}[1d])"
    about: dict[str, str] = {
        **own,
        Label.WINDOW: f"{defaults.window_days}d",
        Label.KIND: template.name,
    }
    yield _record(SloMetric.OBJECTIVE, f"0 * {seen} + {_share(template.objective)}", about)


def _recorded(indicator: Indicator, labels: Mapping[str, str]) -> Iterator[Rule]:
    yield _record(SloMetric.EVENTS, indicator.events, labels)
    yield _record(SloMetric.ERRORS, indicator.errors, labels)


def _shared(window_days: Sequence[int], cluster: str) -> Iterator[Group]:
    """Yield the windows of all SLOs together."""
    ours: dict[str, str] = {Label.TEMPO_CLUSTER: cluster}
    errors, events = selector(SloMetric.ERRORS, ours), selector(SloMetric.EVENTS, ours)
    errors_hour = selector(SloMetric.ERRORS_HOUR, ours)
    events_hour = selector(SloMetric.EVENTS_HOUR, ours)
    yield _group(
        "slos-windows",
        INTERVAL_SECONDS,
        [
            _record(SloMetric.RATIO_5M, f"{errors} / ({events} > 0)"),
            *(
                _record(name, _share_of_bad(errors, events, span))
                for span, name in _FROM_RATES.items()
            ),
            *(
                _record(name, _share_of_bad(errors_hour, events_hour, span))
                for span, name in _FROM_HOURS.items()
            ),
        ],
    )
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
        objective = selector(SloMetric.OBJECTIVE, {**ours, **window})
        ratio = f"{_share_of_bad(errors_hour, events_hour, span)} and on ({Label.SLO}) {objective}"
        whole = selector(SloMetric.RATIO_WINDOW, {**ours, **window})
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
    """Return the share of bad events over a window; there is none where nothing happened."""
    return f"sum_over_time({errors}[{span}]) / (sum_over_time({events}[{span}]) > 0)"


def _share(objective: float) -> str:
    return f"{1 - budget(objective):.10g}"


def _record(name: str, expr: str, labels: Mapping[str, str] | None = None) -> Rule:
    rule: Rule = {"record": str(name), "expr": expr}
    if labels:
        rule["labels"] = {str(label): value for label, value in labels.items()}
    return rule


def _group(name: str, seconds: int, rules: Sequence[Rule]) -> Group:
    interval = f"{seconds // 60}m"
    return {"name": name, "interval": interval, "rules": list(rules)}
