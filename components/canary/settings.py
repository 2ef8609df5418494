"""Settings of the canary."""

from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.overrides import Overrides
from ..core.settings import PLACED, PlacementSettings, PodSettings


class CanarySettings(Settings):
    """The canary, which checks from inside the cluster that traces are found: docs/canary.md."""

    enabled: bool = False
    """Install Tempo Vulture. It sends a trace through Alloy at each interval, and looks it up in
    Tempo by id and by attribute, now and until the retention has passed."""
    # A search finds a span after 30 seconds in Tempo 3, and Alloy batches spans before.
    interval_seconds: int = Field(default=60, ge=60, le=3600)
    """Seconds between two traces, and between two look-ups by id; searches are half as frequent."""
    workload: PodSettings = PodSettings()
    """Single values of the canary's size to replace."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of the canary's pod; each key replaces that of the stack's `placement`."""
    values: Overrides = Field(default={})
    """Other values of the chart `tempo-vulture`, merged last: see docs/overrides.md."""
