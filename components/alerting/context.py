"""What alerts must know of the stack that they watch."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from ..core.names import ALLOY_RELEASE, TEMPO_RELEASE
from ..load import capacity
from ..settings import TracingSettings
from ..telemetry.metrics import ClusterMetric, Label, ScrapedLabel
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
        series_matchers: labels that tell this cluster's series from others' in one backend, each
            with its operator and value.
        alert_labels: labels of every alert.
        runbook_base_url: URL of the runbooks, without a slash at the end; None for no links.
        queue_minutes: how long Alloy's queue lasts at the planned peak; None without a load.
    """

    cluster: str
    environment: str
    namespace: str
    beyla_namespace: str | None
    mode: TempoMode
    generator: bool
    metrics: bool
    logs: bool
    series_matchers: Mapping[str, str] = field(default_factory=dict[str, str])
    alert_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    runbook_base_url: str | None = None
    queue_minutes: float | None = None

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

    def tempo_count(self, metric: StrEnum, over: str, *, by: str = "", **matchers: str) -> str:
        """Sum what a histogram of Tempo's counts, whether it is scraped as a classic one or not.

        Args:
            metric: the classic histogram's series of counts.
            over: a function and a window: `rate 5m`.
            by: label to keep.
            matchers: further labels, each with its operator and value.
        """
        return _count(partial(self.tempo, **matchers), metric, over, by)

    def beyla_count(self, metric: StrEnum, over: str) -> str:
        """Sum what a histogram of Beyla's counts, whether it is scraped as a classic one or not."""
        return _count(self.beyla, metric, over, "")

    @property
    def queue_lasts(self) -> str:
        """How long an outage of Tempo may last before spans are refused, in a sentence."""
        if self.queue_minutes is None:
            return "Alloy's queue holds a few minutes of spans; set `load` to know how many."
        return f"At the planned peak, Alloy's queue lasts {self.queue_minutes:.1f} minutes."

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
        text = ",".join(f"{k}{v}" for k, v in {**self.series_matchers, **its_own}.items())
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
        generator=bool(config.processors(settings.tempo, settings.backends.metrics)),
        metrics=settings.backends.metrics is not None,
        logs=settings.backends.logs is not None,
        series_matchers=series_matchers(its.series_labels, settings.cluster.name),
        alert_labels=its.alert_labels,
        runbook_base_url=its.runbook_base_url,
        queue_minutes=capacity.queue_minutes(settings),
    )


def series_matchers(labels: Mapping[str, str], cluster: str | None = None) -> dict[str, str]:
    """Return matchers that tell a cluster's scraped series from those of other clusters.

    Args:
        labels: labels from the stack file; they replace the default.
        cluster: name of the cluster, the default: its series have it as label `cluster`, as a
            Prometheus adds it for a shared backend, or have no such label, as in the Prometheus of
            the cluster itself. None for no default.
    """
    if not labels and cluster is not None:
        return {str(Label.TEMPO_CLUSTER): f'=~"|{cluster}"'}
    # JSON quotes as PromQL does, but for characters that it would write in two parts.
    return {k: f"={json.dumps(v, ensure_ascii=False)}" for k, v in labels.items()}


def grown(counter: str, up: str, *, by: str = "") -> str:
    """Return how much counters grew in 5 minutes, those that begin with their first event too.

    A rate does not count from nothing, so a series counts as well that a pod did not have 5 minutes
    ago although it was scraped then.

    Args:
        counter: the counters.
        up: the series `up` of the same pods.
        by: label to keep.
    """
    kept = f" by ({by})" if by else ""
    begun = f"{counter} unless {counter} offset 5m and on (pod) ({up} offset 5m == 1)"
    return f"(sum{kept} (increase({counter}[5m])) > 0 or sum{kept} ({begun}) > 0)"


def _count(select: Callable[[StrEnum], str], metric: StrEnum, over: str, by: str) -> str:
    """Return the count of a classic histogram, or else that of the native one.

    A Prometheus that scrapes native histograms keeps no series of counts unless told to.
    """
    function, window = over.split()
    classic = select(metric)
    native = classic.replace("_count{", "{", 1)
    kept = f" by ({by})" if by else ""
    return (
        f"(sum{kept} ({function}({classic}[{window}]))"
        f" or sum{kept} (histogram_count({function}({native}[{window}]))))"
    )


def runbook(base_url: str | None, name: str) -> dict[str, str]:
    """Return the annotation that links an alert to its runbook; a relative link opens nowhere."""
    return {"runbook_url": f"{base_url}/{kebab(name)}.md"} if base_url else {}


def literal(text: str) -> str:
    """Return a text that the templates of alerts leave as it is."""
    return text.replace("{{", '{{ "{{" }}')


def kebab(name: str) -> str:
    """Return an alert's name as its runbook's file is named: AlloyDown, alloy-down."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
