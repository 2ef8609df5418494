"""The form of an alert, and how it is written into a rule file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from ..core.helm import MIN_TIMEOUT_SECONDS
from ..grafana.links import Uid
from ..telemetry.context import StackContext
from ..telemetry.metrics import Label, RemoteWriteMetric, Severity
from .delivery import RuleGroup

#: Minutes that a rollout may take before Helm gives up.
ROLLOUT_MINUTES = MIN_TIMEOUT_SECONDS // 60
#: `for` of a condition that a rollout causes, if the expression reads the present.
AFTER_ROLLOUT = ROLLOUT_MINUTES + 5
#: `for` of a condition that a rollout causes, if the expression reads the last minutes.
AFTER_ROLLOUT_AND_WINDOW = ROLLOUT_MINUTES + 15
#: `for` of loss. A rollout loses nothing, so there is no reason to wait.
AT_ONCE = 0
#: `for` of a gateway that is gone: longer than the first scrape of a new pod takes.
AFTER_SCRAPES = 3
#: `for` of a part of Tempo that is gone: a single pod is back within this time, including the
#: replay of its write-ahead log.
AFTER_RESTART = 5
#: `for` of errors towards S3 that lose nothing within minutes.
AFTER_RETRIES = 10
#: How often rules are evaluated: twice per scrape of a minute, so that loss pages within two.
INTERVAL = "30s"
#: Seconds that written metrics may lag behind. Dashboards and SLOs then lag by as much.
_BEHIND_SECONDS = 600


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        name: name in camel case; its runbook has the same name in kebab case.
        minutes: how long the condition must hold before the alert fires.
        expr: PromQL that returns something if there is trouble, and nothing otherwise.
        summary: one line for the notification, a template of Prometheus.
        description: the condition with its value, a template of Prometheus.
    """

    severity: Severity
    name: str
    minutes: int
    expr: str
    summary: str
    description: str


critical, warning = partial(Alert, Severity.CRITICAL), partial(Alert, Severity.WARNING)


def not_written(program: str, select: Callable[[StrEnum], str], consequence: str) -> Alert:
    """Return the alert on a program's metrics that do not reach the metrics backend."""
    lag = f"{select(RemoteWriteMetric.HIGHEST)} - {select(RemoteWriteMetric.HIGHEST_SENT)}"
    return warning(
        f"{program}MetricsNotWritten",
        AFTER_ROLLOUT,
        f"max by (url) ({lag}) > {_BEHIND_SECONDS}",
        f"{program} cannot write metrics",
        f"{program}'s metrics for {{{{ $labels.url }}}} lag {{{{ $value | humanizeDuration }}}} "
        f"behind. {consequence}",
    )


def rule_group(name: str, alerts: Sequence[Alert], context: StackContext, uid: Uid) -> RuleGroup:
    """Return alerts as a group of a Prometheus rule file, with links to a dashboard."""
    shown = dashboard_link(context, uid) if context.scraped else {}
    rules = [_rule(alert, context, shown) for alert in alerts]
    return {"name": name, "interval": INTERVAL, "rules": rules}


def _rule(alert: Alert, context: StackContext, shown: Mapping[str, str]) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{alert.minutes}m",
        "labels": {
            str(Label.CLUSTER): context.cluster,
            str(Label.ENVIRONMENT): context.environment,
            **{label: literal(value) for label, value in context.alert_labels.items()},
            str(Label.SEVERITY): str(alert.severity),
        },
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            **runbook(context.runbook_base_url, alert.name),
            **shown,
        },
    }


def runbook(base_url: str | None, name: str) -> dict[str, str]:
    """Return the annotation that links an alert to its runbook; a relative link opens nowhere."""
    return {"runbook_url": f"{base_url}/{kebab(name)}.md"} if base_url else {}


def dashboard_link(context: StackContext, uid: Uid, query: str = "") -> dict[str, str]:
    """Return the annotation that links an alert to a dashboard, if Grafana's address is known."""
    if context.grafana_url is None:
        return {}
    base = context.grafana_url.rstrip("/")
    return {"dashboard_url": f"{base}/d/{uid}?orgId={context.org_id}{query}"}


def literal(text: str) -> str:
    """Return a string that the templates of alerts leave as it is."""
    return text.replace("{{", '{{ "{{" }}')


def kebab(name: str) -> str:
    """Return the name of an alert's runbook: AlloyDown, alloy-down."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
