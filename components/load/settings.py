"""Settings of the expected load: what cost and capacity in the plan are reckoned from."""

from pydantic import Field

from ..core.base import Settings

#: Bytes of a span on the wire where nobody has measured. Tempo's docs ("Deployment modes") give 25
#: to 35 MB/s as 55,000 to 80,000 spans per second, which is about 450 bytes; rounded up.
SPAN_BYTES = 500


class LoadSettings(Settings):
    """The load that the environment is to carry; nothing in the cluster follows from it."""

    spans_per_second: int | None = Field(default=None, ge=1, le=10_000_000)
    """Spans per second that reach Tempo, after sampling, as the average of a month. Without it the
    plan does not know what S3 costs."""
    peak_factor: float = Field(default=2, ge=1, le=100)
    """Spans of the busiest hour against the average; the sizes must carry the busiest hour."""
    bytes_per_span: int = Field(default=SPAN_BYTES, ge=50, le=1_000_000)
    """Bytes of a span as Tempo receives it."""
    stored_bytes_per_span: int | None = Field(default=None, ge=1, le=1_000_000)
    """Bytes of a span in one block in S3; by default half of `bytesPerSpan`, which is a guess."""
    growth_percent_per_month: float = Field(default=0, ge=0, le=100)
    """Growth of the load in percent per month."""
    operations: int | None = Field(default=None, ge=1, le=10_000_000)
    """Different triples of service, span name and kind; without it the series of span metrics are
    not estimated."""
    edges: int | None = Field(default=None, ge=1, le=10_000_000)
    """Different pairs of services, or of service and database, that call each other; without it the
    series of the service graph are not estimated."""
