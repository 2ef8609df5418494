"""Helm charts and releases: pinned, with a timeout that follows from their workloads."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm import v3 as helm

from .settings import ChartSettings, ChartsSettings

#: Shortest timeout of a release in seconds: a few pods, on nodes that may have to be added first.
MIN_TIMEOUT_SECONDS = 600
#: Seconds to schedule a pod, attach its volume, pull its image and start its process.
_START_SECONDS = 60
#: Timeout in minutes of the job that deploys a stack (.github/workflows/deploy-stack.yml).
DEPLOY_MINUTES = 120
#: Revisions of a release that Helm keeps; by default it keeps all of them.
MAX_HISTORY = 10


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart at an exact version."""

    name: str
    """Name of the chart in its repository."""
    repository: str
    """HTTP(S) chart repository, or `oci://` registry path with the chart."""
    version: str
    """Exact version."""

    @property
    def key(self) -> str:
        """Key of its own settings in `charts`, as an attribute."""
        return self.name.replace("-", "_")

    def own_settings(self, charts: ChartsSettings) -> ChartSettings:
        """Return its own settings."""
        return getattr(charts, self.key)

    def from_settings(self, charts: ChartsSettings) -> "Chart":
        """Return the chart that the stack file selects: its own settings, then the mirror."""
        own = self.own_settings(charts)
        return Chart(
            name=self.name,
            repository=own.repository or charts.repository or self.repository,
            version=own.version or self.version,
        )


# renovate: datasource=helm depName=tempo registryUrl=https://grafana-community.github.io/helm-charts
TEMPO = Chart(
    name="tempo",
    repository="https://grafana-community.github.io/helm-charts",
    version="2.2.4",
)
# Tempo 3 in mode monolithic (tempo.version: 3), which needs no Kafka.
# renovate: datasource=helm depName=tempo registryUrl=https://grafana-community.github.io/helm-charts
TEMPO_3 = Chart(
    name="tempo",
    repository="https://grafana-community.github.io/helm-charts",
    version="3.0.0",
)
# 2.26.2 is the last version that needs no Kafka: never a range, and no 3.x without a migration.
# renovate: datasource=helm depName=tempo-distributed registryUrl=https://grafana-community.github.io/helm-charts
TEMPO_DISTRIBUTED = Chart(
    name="tempo-distributed",
    repository="https://grafana-community.github.io/helm-charts",
    version="2.26.2",
)
# Tempo 3 in mode distributed (tempo.kafka). The block builders and live stores need Kafka.
# renovate: datasource=helm depName=tempo-distributed registryUrl=https://grafana-community.github.io/helm-charts
TEMPO_DISTRIBUTED_3 = Chart(
    name="tempo-distributed",
    repository="https://grafana-community.github.io/helm-charts",
    version="3.3.0",
)
# renovate: datasource=helm depName=alloy registryUrl=https://grafana.github.io/helm-charts
ALLOY = Chart(name="alloy", repository="https://grafana.github.io/helm-charts", version="1.11.1")
# renovate: datasource=helm depName=beyla registryUrl=https://grafana.github.io/helm-charts
BEYLA = Chart(name="beyla", repository="https://grafana.github.io/helm-charts", version="1.16.11")
# renovate: datasource=helm depName=opentelemetry-operator registryUrl=https://open-telemetry.github.io/opentelemetry-helm-charts
OPERATOR = Chart(
    name="opentelemetry-operator",
    repository="https://open-telemetry.github.io/opentelemetry-helm-charts",
    version="0.122.0",
)


# The canary.
# renovate: datasource=helm depName=tempo-vulture registryUrl=https://grafana-community.github.io/helm-charts
TEMPO_VULTURE = Chart(
    name="tempo-vulture",
    repository="https://grafana-community.github.io/helm-charts",
    version="0.13.1",
)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How Kubernetes replaces the pods of one workload.

    Attributes:
        pods: number of pods, the largest one if the workload scales automatically.
        share: share of the pods that are replaced at the same time; 0 for one at a time.
        rounded_up: whether Kubernetes rounds the share up (DaemonSet) or down (Deployment).
        stop_seconds: termination grace period.
        ready_seconds: seconds from the start of the process until the pod is available: delay of
            the readiness probe, `minReadySeconds`, and time to read an earlier pod's volume.
    """

    pods: int
    share: float = 0
    rounded_up: bool = False
    stop_seconds: int
    ready_seconds: int

    @property
    def seconds(self) -> int:
        """Longest time of a rolling update in seconds."""
        rounded = math.ceil if self.rounded_up else math.floor
        at_once = max(1, rounded(self.pods * self.share))
        waves = math.ceil(self.pods / at_once)
        return waves * (self.stop_seconds + _START_SECONDS + self.ready_seconds)


def timeout_seconds(rollouts: Iterable[Rollout]) -> int:
    """Return how long Helm waits for an install or upgrade of a release, in seconds.

    All workloads of a release roll at the same time, so the slowest one decides. With a shorter
    timeout and `atomic`, Helm would roll back an upgrade that works.
    """
    return max(MIN_TIMEOUT_SECONDS, *(rollout.seconds for rollout in rollouts))


#: Two braces that a template engine keeps: in backquotes, because YAML may escape quotes.
_BRACES = "{{`{{`}}"


def no_template(text: str) -> str:
    """Return a string whose braces a chart that runs it through its template engine keeps."""
    return text.replace("{{", _BRACES)


def from_template(text: str) -> str:
    """Return what a chart's template engine makes of a string without other actions."""
    return text.replace(_BRACES, "{{")


def release(
    resource_name: str,
    *,
    name: str,
    chart: Chart,
    namespace: str,
    values: pulumi.Input[Mapping[str, Any]],
    rollouts: Iterable[Rollout],
    atomic: bool,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource] = (),
    recreate_pods: bool = False,
) -> helm.Release:
    """Install a chart.

    The name of the release is explicit, because changing it replaces the release. The timeout
    follows from the rollouts. Values must be known at preview. With `recreate_pods`, Helm deletes
    all pods in each upgrade and rollback, ready or not.
    """
    oci = chart.repository.startswith("oci://")
    return helm.Release(
        resource_name,
        name=name,
        chart=f"{chart.repository.rstrip('/')}/{chart.name}" if oci else chart.name,
        version=chart.version,
        repository_opts=None if oci else helm.RepositoryOptsArgs(repo=chart.repository),
        namespace=namespace,
        create_namespace=False,
        values=values,
        atomic=atomic,
        cleanup_on_fail=atomic,
        recreate_pods=recreate_pods or None,
        max_history=MAX_HISTORY,
        timeout=timeout_seconds(rollouts),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)),
    )
