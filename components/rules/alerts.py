"""Rules about alerts: labels of objects, of series and of alerts."""

import re
from collections.abc import Iterator

from ..alerts.settings import RuleDelivery
from ..settings import TracingSettings
from .grafana import LABEL_KEY, LABEL_VALUE
from .problem import Problem, problem

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
    for key, value in its.labels.items():
        if not LABEL_KEY.fullmatch(key):
            yield problem("alerts.labels", key, "is not the key of a Kubernetes label")
        if not LABEL_VALUE.fullmatch(value):
            yield problem(f"alerts.labels.{key}", value, "is not the value of a Kubernetes label")
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
    if delivery is RuleDelivery.NONE:
        if settings.slos or settings.slo_defaults.enabled:
            yield "alerts.delivery is none: the rules of SLOs are in the plan, not in the cluster."
        return
    if delivery is RuleDelivery.PROMETHEUS_RULE:
        yield (
            "alerts.delivery prometheusRule: the cluster must have the Prometheus operator's kind "
            "PrometheusRule; without it `pulumi up` fails at these objects."
        )
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
