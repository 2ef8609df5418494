"""Settings of service level objectives."""

from pydantic import Field

from ...core.base import Settings
from ...core.texts import (
    ClusterName,
    LabelName,
    NamespaceName,
    OwnerName,
    RateExpression,
    Sentence,
    ServiceName,
    SloName,
    SpanName,
)

#: Placeholder of the window in an expression of a ratio.
PLACEHOLDER = "[window]"


class AvailabilitySettings(Settings):
    """Requests that do not fail, from the spans that a service answers (server and consumer)."""

    service: ServiceName
    """Name of the service, its `service.name`."""
    namespace: NamespaceName
    """Kubernetes namespace of the service."""
    cluster: ClusterName | None = None
    """Cluster whose requests count. By default all clusters that write to the metrics backend as
    this environment."""
    operation: SpanName | None = None
    """Span name of the requests that count, for example `GET /cart`. By default all requests."""


class LatencySettings(AvailabilitySettings):
    """Requests that are answered within a time, from the spans that a service answers."""

    threshold_seconds: float = Field(gt=0, le=3600)
    """Longest good duration in seconds; a bound of Tempo's latency histogram."""


class RatioSettings(Settings):
    """Any ratio of two PromQL expressions; `[window]` is replaced by the window of their rates."""

    total: RateExpression
    """All events per second, for example `rate(jobs_total[window])`. Series are summed."""
    good: RateExpression | None = None
    """Good events per second. Set this or `bad`."""
    bad: RateExpression | None = None
    """Bad events per second. Set this or `good`."""


class SloSettings(Settings):
    """One service level objective; takes exactly one of `availability`, `latency`, `ratio`."""

    name: SloName
    """Name of the objective, unique in the environment. A rename begins a new budget history."""
    description: Sentence = ""
    """The promise in one sentence, for the receivers of its alerts."""
    owner: OwnerName
    """Owner of the objective; the label `owner` of its alerts, for routing."""
    objective: float = Field(ge=0.001, le=99.999)
    """Percentage of events that must be good."""
    window_days: int = Field(default=28, ge=7, le=32)
    """Length of the rolling window in days. 28 always contains the same weekdays."""
    least_failures: int = Field(default=5, ge=0, le=1_000_000)
    """Minimum number of bad events in an alert's longer window before it fires, so that one failure
    at night wakes nobody. Set 0 if the expressions of `ratio` do not count events."""
    labels: dict[LabelName, str] = Field(default={})
    """Additional labels of its alerts, for routing."""
    availability: AvailabilitySettings | None = None
    """Counts requests that fail as bad."""
    latency: LatencySettings | None = None
    """Counts requests that take longer than a threshold as bad."""
    ratio: RatioSettings | None = None
    """Counts events by two PromQL expressions."""


class SloDefaultsSettings(Settings):
    """Objectives for every service, by template."""

    enabled: bool = False
    """Apply the objectives below to every service that answers requests. An SLO in `slos` replaces
    the template for its service. Needs `backends.metrics`."""
    availability_objective: float = Field(default=99.5, ge=0.001, le=99.999)
    """Percentage of a service's requests that must not fail."""
    latency_objective: float = Field(default=95, ge=0.001, le=99.999)
    """Percentage of a service's requests that must be answered within the threshold."""
    latency_threshold_seconds: float = Field(default=1.02, gt=0, le=3600)
    """Longest good duration in seconds; a bound of Tempo's latency histogram."""
    window_days: int = Field(default=28, ge=7, le=32)
    """Length of the rolling window in days."""
