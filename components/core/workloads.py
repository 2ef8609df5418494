"""All that runs in the cluster, with its size: for rules that compare and plans that sum up."""

from ..alloy import sizes as alloy_sizes
from ..beyla import sizes as beyla_sizes
from ..otel_operator import sizes as operator_sizes
from ..settings import TracingSettings
from ..tempo import config as tempo_config
from ..tempo import sizes as tempo_sizes
from .workload import Workload


def tempo_workloads(settings: TracingSettings) -> dict[str, Workload]:
    """Return Tempo's workloads that run, by their names in `TempoWorkloadSettings`.

    Raises:
        KeyError: mode distributed has no such size.
    """
    generator = tempo_config.processors(settings.tempo, settings.backends.metrics)
    return tempo_sizes.workloads(settings.tempo, generator=bool(generator))


def workloads(settings: TracingSettings) -> dict[str, Workload]:
    """Return every workload of the stack, by a name for people."""
    found = {f"tempo {k.replace('_', ' ')}": w for k, w in tempo_workloads(settings).items()}
    found["alloy"] = alloy_sizes.workload(settings.alloy)
    if settings.beyla_runs:
        found |= beyla_sizes.workloads(settings.beyla, settings.cluster.nodes)
    if settings.operator.enabled:
        found["opentelemetry operator"] = operator_sizes.workload(settings.operator)
    return found
