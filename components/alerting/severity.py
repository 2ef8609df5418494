"""Severity of alerts."""

from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody must act on an alert."""

    CRITICAL = "critical"
    """Traces are lost or soon will be, or nobody can read them, or an SLO fails soon: page."""
    WARNING = "warning"
    """Something is worse than it should be: act in working hours."""
