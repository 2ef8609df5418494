"""Settings of the expected load, from which the plan estimates cost and capacity."""

from pydantic import Field

from ..core.base import Settings

#: Default bytes of a span on the wire. Tempo's docs ("Deployment modes") give 25 to 35 MB/s as
#: 55,000 to 80,000 spans per second, which is about 450 bytes; rounded up.
SPAN_BYTES = 500
#: Default number of spans of a trace: a request through three services with a database, by our
#: choice.
SPANS_PER_TRACE = 10


class LoadSettings(Settings):
    """Expected load of the environment, by which samplers and Alloy's queues are sized too."""

    spans_per_second: int | None = Field(default=None, ge=1, le=10_000_000)
    """Average spans per second that reach Tempo, after sampling, over a month. If unset, the plan
    can't estimate the cost of S3."""
    sent_spans_per_second: int | None = Field(default=None, ge=1, le=10_000_000)
    """Average spans per second that services send, before `alloy.sampling`. By default, what
    reaches Tempo."""
    spans_per_trace: float = Field(default=SPANS_PER_TRACE, ge=1, le=100_000)
    """Average number of spans of a trace. The memory of samplers follows from it."""
    peak_factor: float = Field(default=2, ge=1, le=100)
    """Ratio of the busiest hour to the average; the sizes must carry the busiest hour."""
    bytes_per_span: int = Field(default=SPAN_BYTES, ge=50, le=1_000_000)
    """Bytes of a span on the wire, as Tempo receives it."""
    stored_bytes_per_span: int | None = Field(default=None, ge=1, le=1_000_000)
    """Bytes of a span in one block in S3. The default, half of `bytesPerSpan`, is an estimate."""
    failed_percent: float | None = Field(default=None, ge=0, le=100)
    """Percent of the traces with a failed span in a bad hour. The plan compares it with
    `alloy.sampling.maxSpansPerSecond`."""
    growth_percent_per_month: float = Field(default=0, ge=0, le=100)
    """Growth of the load in percent per month."""
    operations: int | None = Field(default=None, ge=1, le=10_000_000)
    """Distinct combinations of service, span name and kind. If unset, the series of span metrics
    are not estimated."""
    edges: int | None = Field(default=None, ge=1, le=10_000_000)
    """Distinct pairs of services, or of service and database, that call each other. If unset, the
    series of the service graph are not estimated."""

    @property
    def sent(self) -> int | None:
        """Spans per second that services send on average; None if unknown."""
        return self.sent_spans_per_second or self.spans_per_second
