"""Alerts of the canary, which sends traces and looks them up."""

from ..telemetry.context import StackContext
from ..telemetry.metrics import CanaryMetric
from .alert import AFTER_RESTART, AFTER_ROLLOUT, Alert, critical, warning

#: Errors that only a fault makes.
_CERTAIN = '=~"notfound_byid|missingspans|requestfailed"'
#: Errors that some searches in a hundred make without one, because Alloy replaces attributes.
_SEARCHES = '=~"notfound_search|notfound_traceql"'
#: Shortest time in minutes with enough look-ups, about twelve, at an interval of a minute.
_MINUTES = 15


def canary(context: StackContext) -> list[Alert]:
    """Return the alerts of the canary; none if it does not run."""
    if not context.canary_seconds:
        return []
    minutes = _MINUTES * context.canary_seconds // 60

    def checked(minutes: int) -> str:
        return f"sum(increase({context.canary_metric(CanaryMetric.CHECKED)}[{minutes}m]))"

    def share(kind: str, minutes: int) -> str:
        errors = context.canary_metric(CanaryMetric.ERRORS, error=kind)
        return (
            f"sum by (error) (increase({errors}[{minutes}m]))"
            f" / on () group_left () {checked(minutes)}"
        )

    return [
        critical(
            "CanaryTracesMissing",
            AFTER_RESTART,
            # Half of the look-ups are by id, and a quarter are searches of each kind. A pod of
            # Tempo that restarts fails those of a minute or two.
            f"{share(_CERTAIN, minutes)} > 0.2 or {share(_SEARCHES, 4 * minutes)} > 0.15",
            "Traces are not found: {{ $labels.error }}",
            "{{ $value | humanizePercentage }} of the canary's look-ups end with "
            "{{ $labels.error }}.",
        ),
        warning(
            "CanaryStopped",
            AFTER_ROLLOUT,
            f"({checked(minutes)} or vector(0)) == 0",
            "The canary checks nothing",
            f"The canary looked up {{{{ $value }}}} traces in {minutes} minutes: it is not "
            "running, or can't send.",
        ),
    ]
