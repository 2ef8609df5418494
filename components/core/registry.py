"""The systems that the stack installs, and what follows from all of them."""

from ..alloy.pod_logs.system import ALLOY_LOGS
from ..alloy.sampling.system import ALLOY_SAMPLER
from ..alloy.system import ALLOY
from ..beyla.system import BEYLA
from ..canary.system import CANARY
from ..otel_operator.system import OPERATOR
from ..settings import TracingSettings
from ..tempo.system import TEMPO, pinned_chart
from .helm import Chart
from .system import System
from .workload import Workload

SYSTEMS: tuple[System, ...] = (
    TEMPO,
    ALLOY,
    ALLOY_SAMPLER,
    ALLOY_LOGS,
    BEYLA,
    OPERATOR,
    CANARY,
)
#: Every pinned chart.
CHARTS = tuple(dict.fromkeys(chart for system in SYSTEMS for chart in system.charts))


def pinned_charts(settings: TracingSettings) -> list[Chart]:
    """Return every pinned chart, Tempo's in the major version that the settings choose."""
    own = pinned_chart(settings.tempo)
    return [own if chart.key == own.key else chart for chart in CHARTS]


def running(settings: TracingSettings) -> list[System]:
    """Return the systems that the stack installs with these settings."""
    return [system for system in SYSTEMS if system.runs(settings)]


def workloads(settings: TracingSettings) -> dict[str, Workload]:
    """Return every workload of the stack, by its name for people."""
    return {
        name: workload
        for system in SYSTEMS
        for name, workload in system.workloads(settings).items()
    }
