"""SLOs and traffic for the tests of their rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.alerting.delivery import RuleGroup
from components.alerting.slo.rules import groups
from components.alerting.slo.settings import SloDefaultsSettings, SloSettings
from components.telemetry.metrics import STATUS_ERROR, Label, SpanKind, SpanMetric
from components.tempo.settings import TempoMode
from tests.alerting.cases import context as stack

CLUSTER = "test"
SPAN = {"service": "cart", "namespace": "shop"}


def slo(name: str = "cart", objective: float = 99.9, **more: Any) -> SloSettings:
    """Return an SLO on the availability of the service cart, if not told otherwise."""
    kinds = {"availability", "latency", "ratio"}
    if not kinds & more.keys():
        more["availability"] = SPAN
    return SloSettings.model_validate(
        {"name": name, "owner": "shop-team", "objective": objective, **more}
    )


def built(
    *slos: SloSettings,
    defaults: SloDefaultsSettings | None = None,
    alert_labels: Mapping[str, str] | None = None,
    native: bool = False,
) -> list[RuleGroup]:
    """Return the rule groups of SLOs."""
    context = stack(
        TempoMode.MONOLITHIC,
        cluster=CLUSTER,
        runbook_base_url="https://git/runbooks",
        grafana_url="https://grafana",
        alert_labels=alert_labels or {},
        native=native,
    )
    return groups(slos, defaults or SloDefaultsSettings(), context)


def counter(*phases: tuple[int, float]) -> str:
    """Return the samples of a counter, a minute apart, for promtool.

    Args:
        phases: minutes, and events in each of them; less than zero restarts the counter at 0.
    """
    parts, value = ["0"], 0.0
    for minutes, each in phases:
        if each < 0:
            parts.append(f"0x{minutes - 1}")
            value = 0
            continue
        parts.append(f"{value + each:g}+{each:g}x{minutes - 1}")
        value += each * minutes
    return " ".join(parts)


def calls(
    good: str, bad: str = "", labels: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return the series of a service's calls."""
    own = {**origin(), **(labels or {})}
    series = [_series(SpanMetric.CALLS, {**own, Label.STATUS_CODE: "STATUS_CODE_UNSET"}, good)]
    if bad:
        series.append(_series(SpanMetric.CALLS, {**own, Label.STATUS_CODE: STATUS_ERROR}, bad))
    return series


def origin() -> dict[str, str]:
    """Return the labels of the spans in which cart answers."""
    return {
        Label.SOURCE: "tempo",
        Label.TEMPO_CLUSTER: CLUSTER,
        Label.NAMESPACE: "shop",
        Label.SERVICE: "cart",
        Label.SPAN_KIND: SpanKind.SERVER,
        "__metrics_gen_instance": "tempo-0",
    }


def latencies(
    total: str, below: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return the series of a latency histogram, by bound."""
    own = {**origin(), **(labels or {})}
    buckets = [
        _series(SpanMetric.LATENCY_BUCKET, {**own, Label.LE: bound}, values)
        for bound, values in below.items()
    ]
    return [_series(SpanMetric.LATENCY_COUNT, own, total), *buckets]


def plain(name: str, values: str, **labels: str) -> dict[str, str]:
    """Return a series of any name."""
    return _series(name, labels, values)


def _series(name: str, labels: Mapping[str, str], values: str) -> dict[str, str]:
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{inner}}}", "values": values}


def promtool_file(
    rules: str, series: Sequence[Mapping[str, str]], every: str, **tests: Any
) -> dict[str, Any]:
    """Return a file of tests for promtool, which evaluates the rules at an interval."""
    return {
        "rule_files": [rules],
        "evaluation_interval": every,
        "tests": [{"interval": "1m", "input_series": list(series), **tests}],
    }
