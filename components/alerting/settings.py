"""Settings of alerts and of the delivery of rules."""

from enum import StrEnum

from pydantic import Field

from ..core.base import Settings
from ..core.texts import AlertLabel, LabelKey, LabelValue, NamespaceName, RunbookUrl, SeriesLabel


class RuleDelivery(StrEnum):
    """How rules reach the Prometheus or Mimir that evaluates them."""

    NONE = "none"
    PROMETHEUS_RULE = "prometheusRule"
    CONFIG_MAP = "configMap"


class RuleEvaluator(StrEnum):
    """Which program evaluates rules, and so which series they can read."""

    SCRAPER = "scraper"
    """The Prometheus that scrapes this cluster."""
    METRICS_BACKEND = "metricsBackend"
    """The ruler of `backends.metrics`, which Tempo writes span metrics to."""


class SloRuleSettings(Settings):
    """Delivery of the rules of SLOs, which read series that Tempo writes to `backends.metrics`."""

    delivery: RuleDelivery | None = None
    """How the rules reach their evaluator; by default `alerts.delivery`."""
    evaluator: RuleEvaluator = RuleEvaluator.METRICS_BACKEND
    """Who evaluates the rules: `metricsBackend`, or `scraper` if `backends.metrics` is the
    Prometheus that scrapes this cluster. Another one has no span metrics: no SLO has data."""
    namespace: NamespaceName | None = None
    """Namespace of the objects, which must exist; by default `alerts.namespace`."""
    labels: dict[LabelKey, LabelValue] | None = None
    """Labels of the objects; by default `alerts.labels`."""


class AlertSettings(Settings):
    """Alerts on the tracing system, which read scraped series, and delivery of all rules."""

    delivery: RuleDelivery = RuleDelivery.NONE
    """`none`, `prometheusRule` (objects for the Prometheus operator, whose kinds must be
    installed) or `configMap` (rule files for a ruler's sidecar or for Prometheus)."""
    evaluator: RuleEvaluator = RuleEvaluator.SCRAPER
    """Who evaluates the alerts: `scraper`, or `metricsBackend` if the Prometheus that scrapes this
    cluster writes everything there. Another one has no series of Tempo and Alloy."""
    slo_rules: SloRuleSettings = SloRuleSettings()
    """Delivery of the rules of SLOs, if it differs from that of alerts."""
    namespace: NamespaceName | None = None
    """Namespace of the objects, which must exist; by default `grafana.namespace`."""
    labels: dict[LabelKey, LabelValue] = Field(default={})
    """Labels of the objects, for the program that selects them, for example
    `release: kube-prometheus-stack`."""
    alert_labels: dict[AlertLabel, str] = Field(default={})
    """Labels of every alert besides `severity`, for routing, for example `team: platform`."""
    series_labels: dict[SeriesLabel, str] = Field(default={})
    """Labels that this cluster's series have in a metrics backend that several clusters share,
    for example `cluster: prod`. By default alerts and dashboards read series whose label `cluster`
    is `cluster.name`, or that have no such label."""
    runbook_base_url: RunbookUrl | None = None
    """URL of docs/runbooks on your Git server, without a slash at the end, for example
    `https://git.example.com/platform/tracing/blob/main/docs/runbooks`. If unset, alerts have no
    link to their runbook."""
