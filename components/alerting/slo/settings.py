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

#: Where a window goes in an expression of a ratio.
PLACEHOLDER = "[window]"


class AvailabilitySettings(Settings):
    """Requests that do not fail, from the spans that a service answers (server and consumer)."""

    service: ServiceName
    """Name of the service, its `service.name`."""
    namespace: NamespaceName
    """Kubernetes namespace of the service."""
    cluster: ClusterName | None = None
    """Cluster to look at alone; by default all that write into the metrics backend as this
    environment."""
    operation: SpanName | None = None
    """Name of the span to look at alone, for example `GET /cart`; by default all requests."""


class LatencySettings(AvailabilitySettings):
    """Requests that are answered within a time, from the spans that a service answers."""

    threshold_seconds: float = Field(gt=0, le=3600)
    """Longest time in seconds that is good enough; a bound of Tempo's latency histogram."""


class RatioSettings(Settings):
    """Any ratio of two PromQL expressions; `[window]` stands for the window of their rates."""

    total: RateExpression
    """All events per second, for example `rate(jobs_total[window])`. Series are summed up."""
    good: RateExpression | None = None
    """Good events per second. Give this or `bad`."""
    bad: RateExpression | None = None
    """Bad events per second. Give this or `good`."""


class SloSettings(Settings):
    """One service level objective; takes exactly one of `availability`, `latency`, `ratio`."""

    name: SloName
    """Name of the objective, the only one of this name in the environment. The history of the
    budget goes with it."""
    description: Sentence = ""
    """What is promised, in a sentence for those who get the alert."""
    owner: OwnerName
    """Who answers for it; the label `owner` of its alerts, to route by."""
    objective: float = Field(ge=0.001, le=99.999)
    """Percentage of events that must be good."""
    window_days: int = Field(default=28, ge=7, le=32)
    """Length of the rolling window in days; 28 holds the same weekdays always."""
    least_failures: int = Field(default=5, ge=0, le=1_000_000)
    """Bad events in the longer window of an alert below which it stays quiet, so that one failure
    at night wakes nobody; 0 where the expressions of `ratio` do not count events."""
    labels: dict[LabelName, str] = Field(default={})
    """More labels for its alerts, to route by."""
    availability: AvailabilitySettings | None = None
    """Counts requests that fail as bad."""
    latency: LatencySettings | None = None
    """Counts requests that take longer than a threshold as bad."""
    ratio: RatioSettings | None = None
    """Counts what two PromQL expressions say."""


class SloDefaultsSettings(Settings):
    """Objectives for every service, by template."""

    enabled: bool = False
    """Hold every service that answers requests to the objectives below; an SLO of its own in
    `slos` takes the place of the template's. Needs `backends.metrics`."""
    availability_objective: float = Field(default=99.5, ge=0.001, le=99.999)
    """Percentage of a service's requests that must not fail."""
    latency_objective: float = Field(default=95, ge=0.001, le=99.999)
    """Percentage of a service's requests that must be answered within the threshold."""
    latency_threshold_seconds: float = Field(default=1.02, gt=0, le=3600)
    """Longest time in seconds that is good enough; a bound of Tempo's latency histogram."""
    window_days: int = Field(default=28, ge=7, le=32)
    """Length of the rolling window in days."""
