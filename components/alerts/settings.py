"""Settings of alerts and of the delivery of rules."""

from enum import StrEnum

from pydantic import Field

from ..platform.base import Settings
from ..platform.settings import DNS_LABEL


class RuleDelivery(StrEnum):
    """How rules reach the Prometheus or Mimir that evaluates them."""

    NONE = "none"
    PROMETHEUS_RULE = "prometheusRule"
    CONFIG_MAP = "configMap"


class AlertSettings(Settings):
    """Alerts on the tracing system, and how these and the rules of SLOs are delivered."""

    delivery: RuleDelivery = RuleDelivery.NONE
    """`none`, `prometheusRule` (objects for the Prometheus operator, whose kinds must be
    installed) or `configMap` (rule files for a ruler's sidecar or for Prometheus)."""
    namespace: str | None = Field(default=None, max_length=63, pattern=DNS_LABEL)
    """Namespace of the objects, which must exist; by default `grafana.namespace`."""
    labels: dict[str, str] = Field(default={})
    """Labels of the objects, for whoever selects them, for example
    `release: kube-prometheus-stack`."""
    alert_labels: dict[str, str] = Field(default={})
    """Labels of every alert beside `severity`, for routing, for example `team: platform`."""
    series_labels: dict[str, str] = Field(default={})
    """Labels that this cluster's series have in a metrics backend that several clusters share,
    for example `cluster: prod`; without them, alerts look at all clusters' series together."""
    runbook_base_url: str | None = Field(default=None, pattern=r"^https?://[^\s{}]*[^\s{}/]$")
    """URL of docs/runbooks on your Git server, without a slash at the end, for example
    `https://git.example.com/platform/tracing/blob/main/docs/runbooks`. If unset, alerts have no
    link to their runbook."""
