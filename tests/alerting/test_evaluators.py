"""Rules go to an evaluator that has their series; where it can't have them, the plan says so."""

from typing import Any

import pytest

from components.alerting.settings import RuleDelivery
from components.checks.warnings import alert_notices as notices
from components.settings import TracingSettings
from components.stack import rule_args

MIMIR = {"type": "mimir", "url": "http://mimir", "remoteWriteUrl": "http://mimir/push"}
PROMETHEUS = {"url": "http://prometheus", "remoteWriteUrl": "http://prometheus/write"}
RULE, FILE = {"delivery": "prometheusRule"}, {"delivery": "configMap"}


def stack(alerts: dict[str, Any], metrics: dict[str, Any] | None = MIMIR) -> TracingSettings:
    grafana = {"serviceMonitor": {"enabled": True}, "namespace": "monitoring"}
    return TracingSettings.model_validate(
        {
            "environment": {"name": "dev"},
            "cluster": {"name": "c", "region": "eu-west-1", "accountId": "111111111111"},
            "grafana": grafana,
            "backends": {"metrics": metrics} if metrics else {},
            "alerts": {"labels": {"release": "x"}, **alerts},
            "sloDefaults": {"enabled": bool(metrics)},
        }
    )


def test_rules_of_slos_are_delivered_apart() -> None:
    slo_rules = {"delivery": "configMap", "namespace": "mimir", "labels": {"mimir_rules": "1"}}
    made = rule_args(stack({**RULE, "sloRules": slo_rules}))

    assert {role: args.delivery for role, args in made.items()} == {
        "alerts": RuleDelivery.PROMETHEUS_RULE,
        "slos": RuleDelivery.CONFIG_MAP,
    }
    assert (made["slos"].namespace, made["slos"].labels) == ("mimir", {"mimir_rules": "1"})
    assert (made["alerts"].namespace, made["alerts"].labels) == ("monitoring", {"release": "x"})


def test_by_default_rules_of_slos_go_where_alerts_go() -> None:
    made = rule_args(stack({**FILE}))

    assert {args.delivery for args in made.values()} == {RuleDelivery.CONFIG_MAP}
    assert {args.namespace for args in made.values()} == {"monitoring"}
    assert set(rule_args(stack({"sloRules": FILE}))) == {"slos"}
    assert set(rule_args(stack({**RULE, "sloRules": {"delivery": "none"}}))) == {"alerts"}


@pytest.mark.parametrize(
    ("alerts", "metrics", "warned"),
    [
        (RULE, MIMIR, "alerts.sloRules.delivery is not set"),
        ({**RULE, "sloRules": {**RULE, "evaluator": "scraper"}}, MIMIR, "evaluator scraper"),
        ({**RULE, "sloRules": {"delivery": "none"}}, MIMIR, "delivery is none"),
        ({**FILE, "evaluator": "metricsBackend"}, MIMIR, "without alerts.seriesLabels"),
        ({**RULE, "evaluator": "metricsBackend"}, None, "backends.metrics is not set"),
    ],
)
def test_an_evaluator_without_the_series_is_warned_of(
    alerts: dict[str, Any], metrics: dict[str, Any] | None, warned: str
) -> None:
    assert [n for n in notices(stack(alerts, metrics)) if warned in n]


@pytest.mark.parametrize(
    ("alerts", "metrics"),
    [
        (RULE, PROMETHEUS),
        ({**RULE, "sloRules": FILE}, MIMIR),
        (
            {**FILE, "evaluator": "metricsBackend", "seriesLabels": {"cluster": "c"}},
            MIMIR,
        ),
    ],
)
def test_an_evaluator_with_the_series_is_not(
    alerts: dict[str, Any], metrics: dict[str, Any]
) -> None:
    said = [n for n in notices(stack(alerts, metrics)) if "kind PrometheusRule" not in n]
    assert said == []
