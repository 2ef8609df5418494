"""Settings of the OpenTelemetry Operator."""

from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.overrides import Overrides
from ..core.settings import PLACED, PlacementSettings, WorkloadSettings


class OperatorSettings(Settings):
    """The OpenTelemetry Operator, which adds SDKs to pods with an annotation."""

    enabled: bool = False
    """Install the operator and one `Instrumentation` for all: see docs/onboarding.md. Leave it off
    if the cluster has an OpenTelemetry Operator, because both would own its custom resources."""
    go: bool = False
    """Allow Go's agent too. It reads the program's memory, so that the operator adds a privileged
    container to such pods, and their namespace must allow that."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the traces to keep that start in such pods, from 0 to 1; a called service follows
    its caller. Below 1, span metrics count only kept spans."""
    metrics: bool = False
    """Let the SDKs send metrics; requires `backends.metrics`."""
    logs: bool = False
    """Let the SDKs send logs; requires `backends.logs`."""
    workload: WorkloadSettings = WorkloadSettings()
    """Single values of the operator's size to replace."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of the operator's pods; each key replaces that of the stack's `placement`."""
    values: Overrides = Field(default={})
    """Other values of the chart `opentelemetry-operator`, merged last: see docs/overrides.md."""
