"""Settings of the OpenTelemetry Operator."""

from pydantic import Field

from ..core.base import Settings
from ..core.settings import WorkloadSettings
from ..core.texts import ClassName


class OperatorSettings(Settings):
    """The OpenTelemetry Operator, which puts SDKs into pods that ask for one by annotation."""

    enabled: bool = False
    """Install the operator and one `Instrumentation` for all: see docs/onboarding.md. Not where the
    cluster has an OpenTelemetry Operator already: both would own its custom resources."""
    go: bool = False
    """Let pods ask for Go's agent as well. It reads the memory of the program, so the operator adds
    a privileged container to such pods, and their namespace must allow that."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Part of the traces that start in such pods to keep, from 0 to 1; a called service goes along
    with its caller. Below 1, span metrics count only what is kept."""
    metrics: bool = False
    """Let the SDKs send metrics too; needs `backends.metrics`."""
    logs: bool = False
    """Let the SDKs send logs too; needs `backends.logs`."""
    workload: WorkloadSettings = WorkloadSettings()
    """Single values of the operator's size to replace."""
    priority_class: ClassName | None = None
    """Priority class of the operator's pods."""
