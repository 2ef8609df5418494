"""One alert, and how it is written into a rule file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.helm import MIN_TIMEOUT_SECONDS
from ..telemetry.metrics import Label
from .context import AlertContext, literal, runbook
from .delivery import RuleGroup
from .severity import Severity

#: Minutes that a rollout may take before Helm gives it up.
ROLLOUT_MINUTES = MIN_TIMEOUT_SECONDS // 60
#: `for` of a condition that a rollout causes, if the expression looks at this very moment.
AFTER_ROLLOUT = ROLLOUT_MINUTES + 5
#: `for` of a condition that a rollout causes, if the expression looks some minutes back.
AFTER_ROLLOUT_AND_WINDOW = ROLLOUT_MINUTES + 15
#: `for` of loss. A rollout loses nothing, so there is nothing to wait for.
AT_ONCE = 0
#: `for` of a gateway that is gone: longer than the scrape of a new pod takes.
AFTER_SCRAPES = 3
#: `for` of a part of Tempo that is gone: a single pod is back within this time, which includes the
#: replay of its write-ahead log.
AFTER_RESTART = 5
#: `for` of errors towards S3 that lose nothing within minutes.
AFTER_RETRIES = 10
#: How often rules are evaluated. Twice per scrape of a minute, so that loss pages within two.
INTERVAL = "30s"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert.

    Attributes:
        name: name in camel case; its runbook is the same in kebab case.
        severity: how much of a hurry it is in.
        minutes: how long it must be so before the alert fires.
        expr: PromQL that finds something when things are bad, and nothing otherwise.
        summary: one line for the notification, a template of Prometheus.
        description: what is the case, with the value; a template of Prometheus.
    """

    name: str
    severity: Severity
    minutes: int
    expr: str
    summary: str
    description: str


def rule_group(name: str, alerts: Sequence[Alert], context: AlertContext) -> RuleGroup:
    """Return alerts as a group of a Prometheus rule file."""
    return {
        "name": name,
        "interval": INTERVAL,
        "rules": [_rule(alert, context) for alert in alerts],
    }


def _rule(alert: Alert, context: AlertContext) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{alert.minutes}m",
        "labels": {
            str(Label.CLUSTER): context.cluster,
            str(Label.ENVIRONMENT): context.environment,
            **{label: literal(value) for label, value in context.alert_labels.items()},
            "severity": str(alert.severity),
        },
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            **runbook(context.runbook_base_url, alert.name),
        },
    }
