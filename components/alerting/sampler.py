"""Alerts on the samplers that the alerts on Alloy don't cover."""

from ..telemetry.context import StackContext
from ..telemetry.metrics import AlloyMetric, ClusterMetric
from ..telemetry.promql import grown
from .alert import AFTER_RESTART, AFTER_ROLLOUT_AND_WINDOW, AT_ONCE, Alert, critical, warning


def sampler(context: StackContext) -> list[Alert]:
    """Return the alerts on the samplers; none if they do not run.

    A rehearsal loses nothing, so that its alerts are warnings.
    """
    if not context.samples:
        return []
    loss = critical if context.decides else warning
    up = context.sampler(ClusterMetric.UP)
    late = context.sampler(AlloyMetric.SPANS_LATE)
    accepted = context.sampler(AlloyMetric.SPANS_ACCEPTED)
    waits = (
        f"Spans of its traces wait in Alloy's queue. {context.queue_lasts}"
        if context.decides
        else "The rehearsal leaves its traces out."
    )
    return [
        loss(
            "SamplerDown",
            AFTER_RESTART,
            f"(count({up} == 1) or vector(0)) < {context.samplers}",
            "A sampler is not running",
            f"{{{{ $value }}}} of {context.samplers} samplers answer the scrape. {waits}",
        ),
        loss(
            "SamplerDropsTraces",
            AT_ONCE,
            grown(context.sampler(AlloyMetric.TRACES_TOO_EARLY), up),
            "Samplers drop traces undecided",
            "Samplers dropped {{ $value | humanize }} traces within 5 minutes before the decision, "
            f"because more than {context.sampled_traces} were in memory.",
        ),
        warning(
            "SamplerDropsLargeTraces",
            AT_ONCE,
            grown(context.sampler(AlloyMetric.TRACES_TOO_LARGE), up),
            "Samplers drop large traces",
            "Samplers dropped {{ $value | humanize }} traces within 5 minutes that are larger than "
            f"{context.limits.max_trace_mib} MiB, failed ones too.",
        ),
        warning(
            "SamplerDecidesTooSoon",
            AFTER_ROLLOUT_AND_WINDOW,
            f"sum(rate({late}[15m])) / sum(rate({accepted}[15m])) > 0.05",
            "Spans arrive after the decision",
            "{{ $value | humanizePercentage }} of the spans arrive after the decision on their "
            "trace. Errors and durations in them are not considered.",
        ),
    ]
