"""Rules about alerts: labels of objects, of series and of alerts."""

import re
from collections.abc import Iterator

from ..alerting.settings import RuleDelivery, RuleEvaluator
from ..backends.settings import MetricsType
from ..core.problem import Problem, problem
from ..settings import TracingSettings
from .grafana import kubernetes_labels

#: Syntax of a label's name in Prometheus, without those that it keeps for itself.
_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
#: Labels of alerts that are made here or by Prometheus.
_TAKEN = frozenset(
    {
        "alertname",
        "alertstate",
        "severity",
        "k8s_cluster_name",
        "deployment_environment_name",
    }
)
#: Labels that every alert selects its series by.
_SELECTED = frozenset({"namespace", "job", "pod"})


def labels(settings: TracingSettings) -> Iterator[Problem]:
    """Labels are such as Kubernetes and Prometheus take, and not those that are set here."""
    its = settings.alerts
    yield from kubernetes_labels("alerts.labels", its.labels)
    yield from kubernetes_labels("alerts.sloRules.labels", its.slo_rules.labels or {})
    for where, names, taken in (
        ("alerts.alertLabels", its.alert_labels, _TAKEN),
        ("alerts.seriesLabels", its.series_labels, _SELECTED),
    ):
        for name in names:
            if not _NAME.fullmatch(name):
                yield problem(where, name, "is not the name of a Prometheus label")
            elif name in taken:
                yield problem(where, name, "is set by the alerts themselves")


def notices(settings: TracingSettings) -> Iterator[str]:
    """Yield what a reviewer should know of alerts; said at every preview.

    Whether the cluster has the Prometheus operator's kinds is
    not known before `pulumi up`, so it is said where they are asked for.
    """
    delivery = settings.alerts.delivery
    if settings.has_slos:
        yield from _slo_rules(settings)
    if RuleDelivery.PROMETHEUS_RULE in (delivery, settings.has_slos and settings.slo_delivery):
        yield (
            "alerts.delivery prometheusRule: the cluster must have the Prometheus operator's kind "
            "PrometheusRule; without it `pulumi up` fails at these objects."
        )
    if delivery is RuleDelivery.NONE:
        return
    if not settings.alerts.labels:
        yield (
            f"alerts.labels is empty: with delivery {delivery.value}, whoever evaluates the rules "
            "must take objects without a label of its own."
        )
    if not settings.grafana.service_monitor.enabled:
        yield (
            "grafana.serviceMonitor is off: the alerts read what a scrape of Tempo, Alloy and "
            "Beyla gives; without one AlloyDown and TempoDown fire."
        )
    if settings.alerts.evaluator is RuleEvaluator.METRICS_BACKEND:
        if settings.backends.metrics is None:
            yield (
                "alerts.evaluator metricsBackend: backends.metrics is not set, so that no ruler "
                "evaluates the alerts."
            )
        elif not settings.alerts.series_labels:
            yield (
                "alerts.evaluator metricsBackend: without alerts.seriesLabels, alerts also read "
                "series without a label `cluster`, of every cluster that writes to "
                "backends.metrics."
            )


def _slo_rules(settings: TracingSettings) -> Iterator[str]:
    """Yield why the rules of SLOs may have no series, where that can be told."""
    its, metrics = settings.alerts.slo_rules, settings.backends.metrics
    if settings.slo_delivery is RuleDelivery.NONE:
        yield "alerts.sloRules.delivery is none: the rules of SLOs are not delivered."
    elif metrics is None or metrics.type is not MetricsType.MIMIR:
        return
    elif its.evaluator is RuleEvaluator.SCRAPER:
        yield (
            "alerts.sloRules.evaluator scraper: Tempo writes span metrics to Mimir, where the "
            "Prometheus that scrapes this cluster does not find them. Every SLO is without data."
        )
    elif its.delivery is None and settings.alerts.evaluator is RuleEvaluator.SCRAPER:
        yield (
            "alerts.sloRules.delivery is not set: the rules of SLOs go where the alerts go, to the "
            "Prometheus that scrapes this cluster. Tempo writes span metrics to Mimir: deliver "
            "the rules to its ruler."
        )
