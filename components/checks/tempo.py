"""Rules about Tempo and about the sizes of all workloads."""

import re
from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from ..alloy import sizes as alloy_sizes
from ..beyla import sizes as beyla_sizes
from ..core.problem import Problem, problem
from ..core.settings import Size, WorkloadSettings
from ..core.workload import Workload
from ..otel_operator import sizes as operator_sizes
from ..settings import TracingSettings
from ..tempo import sizes as tempo_sizes
from ..tempo.settings import TempoMode, TempoSettings
from ..tempo.system import workloads as tempo_workloads


def mode(settings: TracingSettings) -> Iterator[Problem]:
    """The mode has a size that carries it."""
    its = settings.tempo
    if _has_no_preset(its):
        yield problem("tempo.size", its.size, "mode distributed needs size m or l")


def image(settings: TracingSettings) -> Iterator[Problem]:
    """The image is one that the charts can start and that the configuration was checked against."""
    tag = settings.tempo.image_tag
    version = re.match(r"v?(\d+)\.(\d+)", tag)
    if not version:
        yield problem("tempo.imageTag", tag, "must begin with the version, like 2.10.8")
    elif int(version[1]) != 2:
        yield problem(
            "tempo.imageTag",
            tag,
            "must be 2.x: the charts in use start Tempo 2 only, 3 crash-loops",
        )
    elif int(version[2]) < 10:
        yield problem("tempo.imageTag", tag, "must be 2.10 or later: the configuration is of 2.10")


def tenant(settings: TracingSettings) -> Iterator[Problem]:
    """The tenant is one that Tempo takes: its name is part of paths."""
    name = settings.tempo.tenant
    if name in (".", ".."):
        yield problem("tempo.tenant", name, "Tempo refuses a tenant of dots alone")


def limits(settings: TracingSettings) -> Iterator[Problem]:
    """Limits do not contradict each other."""
    if _has_no_preset(settings.tempo):
        return
    its = tempo_sizes.limits(settings.tempo)
    if its.burst_size_mib < its.rate_limit_mib:
        yield problem(
            "tempo.limits.burstSizeMib",
            its.burst_size_mib,
            f"must not be below the sustained rate of {its.rate_limit_mib} MiB/s",
        )


def workloads(settings: TracingSettings) -> Iterator[Problem]:
    """Overridden sizes fit together, and nothing is overridden that does not run."""
    yield from _tempo_workloads(settings)
    yield from _fits(
        "alloy.workload", settings.alloy.workload, alloy_sizes.workload(settings.alloy)
    )
    yield from _refused("alloy.workload", settings.alloy.workload, {"volume_gib": "has no volume"})
    yield from _fits(
        "beyla.workload",
        settings.beyla.workload,
        beyla_sizes.workloads(settings.beyla, settings.cluster.nodes)["beyla"],
    )
    each_node = "Beyla runs once on each node"
    yield from _refused(
        "beyla.workload",
        settings.beyla.workload,
        {"replicas": each_node, "max_replicas": each_node, "volume_gib": "has no volume"},
    )
    operator = settings.operator
    yield from _fits("operator.workload", operator.workload, operator_sizes.workload(operator))
    yield from _refused(
        "operator.workload",
        operator.workload,
        {"max_replicas": "does not scale by itself", "volume_gib": "has no volume"},
    )


def _tempo_workloads(settings: TracingSettings) -> Iterator[Problem]:
    its = settings.tempo
    if _has_no_preset(its):
        return
    sizes = tempo_workloads(settings)
    for field in type(its.workloads).model_fields:
        override: WorkloadSettings = getattr(its.workloads, field)
        key = f"tempo.workloads.{to_camel(field)}"
        if field not in sizes:
            why = "does not run with these settings"
            yield from _refused(key, override, dict.fromkeys(override.model_fields_set, why))
            continue
        refused: dict[str, str] = {}
        if field not in tempo_sizes.WITH_VOLUME:
            refused["volume_gib"] = "has no volume"
        if field not in tempo_sizes.SCALING:
            refused["max_replicas"] = "does not scale by itself"
        yield from _refused(key, override, refused)
        yield from _fits(key, override, sizes[field])
    if its.mode is TempoMode.MONOLITHIC and sizes["monolithic"].replicas != 1:
        yield problem(
            "tempo.workloads.monolithic.replicas",
            sizes["monolithic"].replicas,
            "mode monolithic is one process: 1, or tempo.mode: distributed",
        )
    copies = tempo_sizes.REPLICATION_FACTOR
    if its.mode is TempoMode.DISTRIBUTED and sizes["ingester"].replicas < copies:
        yield problem(
            "tempo.workloads.ingester.replicas",
            sizes["ingester"].replicas,
            f"must be {copies} at least: each span is held {copies} times",
        )


def _has_no_preset(tempo: TempoSettings) -> bool:
    """Whether mode and size do not go together; `mode` reports it."""
    return tempo.mode is TempoMode.DISTRIBUTED and tempo.size not in (Size.M, Size.L)


def _refused(key: str, override: WorkloadSettings, reasons: dict[str, str]) -> Iterator[Problem]:
    """Yield a problem for each value that is given though it can't take effect."""
    for name, why in reasons.items():
        value = getattr(override, name)
        if value is not None:
            yield problem(f"{key}.{to_camel(name)}", value, f"{why}: remove this key")


def _fits(key: str, override: WorkloadSettings, size: Workload) -> Iterator[Problem]:
    """Yield a problem for each pair of values of which one is above what it must stay below."""
    pairs = (
        ("replicas", "max_replicas"),
        ("cpu_request_millicores", "cpu_limit_millicores"),
        ("memory_request_mib", "memory_limit_mib"),
    )
    for low, high in pairs:
        least, most = getattr(size, low), getattr(size, high)
        if most is not None and least > most:
            # Named is the one of the two that the stack file sets.
            if getattr(override, high) is None:
                yield problem(f"{key}.{to_camel(low)}", least, f"is above {to_camel(high)}, {most}")
            else:
                yield problem(f"{key}.{to_camel(high)}", most, f"is below {to_camel(low)}, {least}")
