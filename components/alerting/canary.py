"""Alerts of the canary, which sends traces and looks them up."""

from ..telemetry.context import StackContext
from ..telemetry.metrics import CanaryMetric
from .alert import AFTER_RESTART, AFTER_ROLLOUT, Alert, critical, warning

#: What a user notices. The others compare attributes, to which Alloy adds.
_NOT_FOUND = '=~"notfound_byid|notfound_search|notfound_traceql|missingspans|requestfailed"'


def canary(context: StackContext) -> list[Alert]:
    """Return the alerts of the canary; none if it does not run."""
    if not context.canary:
        return []
    checked = f"sum(increase({context.canary_metric(CanaryMetric.CHECKED)}[15m]))"
    errors = context.canary_metric(CanaryMetric.ERRORS, error=_NOT_FOUND)
    return [
        critical(
            "CanaryTracesMissing",
            AFTER_RESTART,
            # A pod of Tempo that restarts fails some of the look-ups of 15 minutes.
            f"sum by (error) (increase({errors}[15m])) / on () group_left () {checked} > 0.25",
            "Traces are not found: {{ $labels.error }}",
            "{{ $value | humanizePercentage }} of the canary's look-ups within 15 minutes end with "
            "{{ $labels.error }}.",
        ),
        warning(
            "CanaryStopped",
            AFTER_ROLLOUT,
            f"({checked} or vector(0)) == 0",
            "The canary checks nothing",
            "The canary looked up {{ $value }} traces in 15 minutes: it is not running, or can't "
            "send.",
        ),
    ]
