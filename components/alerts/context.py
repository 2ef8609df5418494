"""What alerts must know of the stack that they watch."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..platform.names import ALLOY_RELEASE, TEMPO_RELEASE
from ..settings import TracingSettings
from ..signals import ClusterMetric, ScrapedLabel
from ..tempo import config
from ..tempo.settings import TempoMode

#: Parts of a distributed Tempo, as the chart's ServiceMonitors name their jobs.
_PARTS = ("distributor", "ingester", "querier", "query-frontend", "compactor")
_GENERATOR = "metrics-generator"


@dataclass(frozen=True, kw_only=True)
class AlertContext:
    """The stack as its alerts see it.

    Attributes:
        cluster: name of the cluster, for the alerts' labels.
        environment: name of the environment, for the alerts' labels.
        namespace: namespace of Tempo and Alloy.
        beyla_namespace: namespace of Beyla; None where it does not run.
        mode: how Tempo is deployed.
        generator: whether Tempo's metrics-generator runs.
        metrics: whether there is a metrics backend that Tempo and Alloy write to.
        logs: whether Alloy sends logs.
        series_labels: labels that tell this cluster's series from others' in one backend.
        alert_labels: labels of every alert.
        runbook_base_url: where the runbooks are, without a slash at the end.
    """

    cluster: str
    environment: str
    namespace: str
    beyla_namespace: str | None
    mode: TempoMode
    generator: bool
    metrics: bool
    logs: bool
    series_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    alert_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    runbook_base_url: str = "docs/runbooks"

    @property
    def tempo_jobs(self) -> list[str]:
        """Values of the label `job` of Tempo's parts, as the charts' ServiceMonitors make them."""
        if self.mode is TempoMode.MONOLITHIC:
            return [TEMPO_RELEASE]
        parts = [*_PARTS, *([_GENERATOR] if self.generator else [])]
        return [f"{self.namespace}/{part}" for part in parts]

    def tempo(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Tempo's pods expose.

        Args:
            metric: name of the series.
            matchers: further labels, each with its operator and value: `status_code='=~"5.."'`.
        """
        jobs = self.tempo_jobs
        # Names of jobs hold nothing that means something in a regular expression.
        job = f'="{jobs[0]}"' if len(jobs) == 1 else f'=~"{"|".join(jobs)}"'
        return self._select(metric, self.namespace, job=job, **matchers)

    def alloy(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Alloy's pods expose."""
        return self._select(metric, self.namespace, job=f'="{ALLOY_RELEASE}"', **matchers)

    def beyla(self, metric: StrEnum, **matchers: str) -> str:
        """Select a metric that Beyla's pods expose.

        No job among the labels: Beyla sets that label itself on what it says of services.

        Raises:
            ValueError: Beyla does not run.
        """
        if self.beyla_namespace is None:
            raise ValueError("Beyla does not run")
        return self._select(metric, self.beyla_namespace, **matchers)

    def volumes(self, metric: ClusterMetric) -> str:
        """Select what the kubelets say of the volumes in Tempo's namespace."""
        return self._select(metric, self.namespace)

    def _select(self, metric: StrEnum, namespace: str, **matchers: str) -> str:
        its_own = {str(ScrapedLabel.NAMESPACE): f'="{namespace}"', **matchers}
        # JSON quotes as PromQL does, but for characters that it would write in two parts.
        shared = {
            label: f"={json.dumps(value, ensure_ascii=False)}"
            for label, value in self.series_labels.items()
            if label not in its_own
        }
        text = ",".join(f"{label}{rest}" for label, rest in {**its_own, **shared}.items())
        return f"{metric}{{{text}}}"


def alert_context(settings: TracingSettings) -> AlertContext:
    """Return what alerts must know of a stack."""
    its = settings.alerts
    return AlertContext(
        cluster=settings.cluster.name,
        environment=settings.environment.name,
        namespace=settings.namespaces.tracing,
        beyla_namespace=settings.namespaces.beyla if settings.beyla_runs else None,
        mode=settings.tempo.mode,
        generator=bool(config.processors(settings.tempo, settings.grafana.metrics)),
        metrics=settings.grafana.metrics is not None,
        logs=settings.grafana.logs is not None,
        series_labels=its.series_labels,
        alert_labels=its.alert_labels,
        runbook_base_url=its.runbook_base_url,
    )


def kebab(name: str) -> str:
    """Return an alert's name as its runbook's file is named: AlloyDown, alloy-down."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
