"""What the rules say of alerts."""

from typing import Any

from components.checks.validate import validate
from components.checks.warnings import alert_notices as notices
from tests.checks.test_rules import settings, stack_file
from tests.sweep import sweep


@sweep(
    ("key", "alerts"),
    [
        ("alerts.labels.a b", {"labels": {"a b": "c"}}),
        ("alerts.labels.release", {"labels": {"release": "-"}}),
        ("alerts.alertLabels.a-b", {"alertLabels": {"a-b": "c"}}),
        ("alerts.alertLabels.__a", {"alertLabels": {"__a": "c"}}),
        ("alerts.alertLabels.severity", {"alertLabels": {"severity": "page"}}),
        ("alerts.seriesLabels.job", {"seriesLabels": {"job": "x"}}),
        ("alerts.seriesLabels.", {"seriesLabels": {"": "x"}}),
    ],
)
def test_a_label_that_cannot_be_is_refused(key: str, alerts: dict[str, Any]) -> None:
    _, problems = validate(stack_file(alerts=alerts))
    assert [problem.key for problem in problems] == [key]


def test_ordinary_labels_are_taken() -> None:
    alerts = {
        "labels": {"release": "kube-prometheus-stack", "example.com/x": ""},
        "alertLabels": {"team": "platform"},
        "seriesLabels": {"cluster": 'a"b'},
    }

    assert validate(stack_file(alerts=alerts))[1] == []


def test_nothing_is_said_where_nothing_is_delivered() -> None:
    assert list(notices(settings())) == []


def test_what_a_delivery_needs_is_said_where_it_is_asked_for() -> None:
    def said(**alerts: Any) -> str:
        return "\n".join(notices(settings(alerts=alerts)))

    assert "kind PrometheusRule" in said(delivery="prometheusRule")
    assert "kind PrometheusRule" not in said(delivery="configMap")
    assert "alerts.labels is empty" in said(delivery="configMap")
    assert "alerts.labels" not in said(delivery="configMap", labels={"a": "b"})
    assert "serviceMonitor is off" in said(delivery="configMap")


def test_with_all_that_it_needs_a_config_map_is_silent() -> None:
    complete = settings(
        alerts={"delivery": "configMap", "labels": {"a": "b"}},
        grafana={"serviceMonitor": {"enabled": True}},
    )

    assert list(notices(complete)) == []


def test_objectives_without_a_delivery_are_told() -> None:
    [said] = notices(settings(slo_defaults={"enabled": True}))

    assert "rules of SLOs" in said
