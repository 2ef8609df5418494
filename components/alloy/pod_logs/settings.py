"""Settings of the logs of pods."""

from typing import Annotated

from pydantic import Field

from ...core.base import Settings
from ...core.overrides import Overrides
from ...core.settings import PLACED, PlacementSettings, PodSettings
from ...core.texts import NamespacePattern


class PodLogsSettings(Settings):
    """Logs of pods, read on each node, with the ids of traces in structured metadata."""

    enabled: bool = False
    """Install a DaemonSet of Alloy that sends the logs of pods to `backends.logs`. Leave it off if
    another collector reads them: docs/logs.md has the module for it."""
    namespaces: list[NamespacePattern] = Field(default=["*"], min_length=1)
    """Namespaces whose pods' logs are read, in which `*` matches any string."""
    excluded_namespaces: list[NamespacePattern] = Field(default=[])
    """Namespaces whose pods' logs are not read."""
    workload: PodSettings = PodSettings()
    """Requests and limits of a node's pod to replace."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of the pods. By default they run on every Linux node, whatever its taints."""
    values: Overrides = Field(default={})
    """Other values of the chart `alloy` for this release, merged last: see docs/overrides.md."""
