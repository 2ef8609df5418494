"""docs/sizing.md: the text of sizing.md.in, with tables from the presets themselves."""

from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template

from components.alloy import sizes as alloy
from components.alloy.settings import AlloySettings
from components.beyla import sizes as beyla
from components.beyla.settings import BeylaSettings
from components.core.settings import Size
from components.core.units import MIB
from components.core.workload import Workload
from components.load.settings import SPAN_BYTES
from components.otel_operator import sizes as otel_operator
from components.otel_operator.settings import OperatorSettings
from components.tempo import sizes as tempo
from components.tempo.settings import TempoMode, TempoSettings
from config.markdown import table

#: Presets that there are in each mode of Tempo.
PRESETS: Mapping[TempoMode, tuple[Size, ...]] = {
    TempoMode.MONOLITHIC: tuple(Size),
    TempoMode.DISTRIBUTED: (Size.S, Size.M, Size.L),
}
#: Numbers of nodes to show the cache's replicas for: the steps from none to one, and large ones.
_NODES = (10, 24, 25, 100, 500)
_TEXT = Path(__file__).with_name("sizing.md.in")


def sizing() -> str:
    """Return docs/sizing.md."""
    settings = [TempoSettings(mode=m, size=size) for m, sizes in PRESETS.items() for size in sizes]
    monolithic = [its for its in settings if its.mode is TempoMode.MONOLITHIC]
    tables = {
        "tempo_loads": _tempo_loads(settings),
        "tempo_limits": _tempo_limits(settings),
        "tempo_monolithic": _workloads(
            {f"`{its.size}`": tempo.workloads(its)["monolithic"] for its in monolithic}
        ),
        **{
            f"tempo_distributed_{its.size}": _workloads(tempo.workloads(its), sums=True)
            for its in settings
            if its.mode is TempoMode.DISTRIBUTED
        },
        "alloy_pods": _workloads({f"`{s}`": its.workload for s, its in alloy.PRESETS.items()}),
        "alloy_loads": _alloy_loads(),
        "beyla_pods": _beyla_pods(),
        "operator_pods": _workloads(
            {"OpenTelemetry Operator": otel_operator.workload(OperatorSettings())}
        ),
        "beyla_cache": table(
            [
                ["nodes", "replicas of the cache"],
                *([str(nodes), str(beyla.cache_replicas(nodes) or "none")] for nodes in _NODES),
            ]
        ),
    }
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        tables,
        span_bytes=SPAN_BYTES,
        cpu_seconds=alloy.CPU_SECONDS_PER_MILLION_SPANS,
        cpu_percent=alloy.PLANNED_CPU_PERCENT,
    )


def _tempo_loads(settings: list[TempoSettings]) -> str:
    head = [
        *("mode", "size", "meant for, MiB/s"),
        *(f"that is spans/s of {SPAN_BYTES} bytes", "refuses above, MiB/s"),
    ]
    rows = [
        [
            *(its.mode, f"`{its.size}`", f"{tempo.meant_mib_per_second(its):g}"),
            *(_about(tempo.meant_mib_per_second(its) * MIB / SPAN_BYTES),),
            str(tempo.limits(its).rate_limit_mib),
        ]
        for its in settings
    ]
    return table([head, *rows])


def _tempo_limits(settings: list[TempoSettings]) -> str:
    head = [
        *("mode", "size", "burst, MiB", "largest trace, MiB"),
        *("live traces of an ingester", "series of a metrics-generator"),
    ]
    limits = [(its, tempo.limits(its)) for its in settings]
    rows = [
        [
            *(its.mode, f"`{its.size}`", str(own.burst_size_mib), str(own.max_trace_mib)),
            *(f"{own.max_live_traces:,}", f"{own.max_active_series:,}"),
        ]
        for its, own in limits
    ]
    return table([head, *rows])


def _alloy_loads() -> str:
    head = [
        *("size", "spans/s of one pod", "spans/s of all pods"),
        "queue of a pod for each backend",
    ]
    rows: list[list[str]] = []
    for size, preset in alloy.PRESETS.items():
        pod = preset.workload
        load = _about(alloy.spans_per_second(pod, pod.replicas))
        if pod.max_replicas:
            load += f" to {_about(alloy.spans_per_second(pod, pod.max_replicas))}"
        queue = alloy.queue_bytes(AlloySettings(size=size)) // MIB
        rows.append([f"`{size}`", _about(alloy.spans_per_second(pod)), load, f"{queue} MiB"])
    return table([head, *rows])


def _beyla_pods() -> str:
    sizes = beyla.workloads(BeylaSettings(), beyla.NODES_PER_CACHE)
    return table([["", *_COLUMNS], *([name, *_cells((1, size))] for name, size in sizes.items())])


def _workloads(workloads: Mapping[str, Workload], *, sums: bool = False) -> str:
    """Return what one pod of each workload asks for, and on request the sum of all pods."""
    rows = [["", "pods", *_COLUMNS]]
    for name, size in workloads.items():
        count = f"{size.replicas} to {size.max_replicas}" if size.max_replicas else size.replicas
        rows.append([name.replace("_", " "), str(count), *_cells((1, size))])
    if sums:
        pods = [(size.replicas, size) for size in workloads.values()]
        rows.append(["**all pods**", str(sum(number for number, _ in pods)), *_cells(*pods)])
    return table(rows)


def _cells(*pods: tuple[int, Workload]) -> list[str]:
    """Return what so many pods of each size ask for together, by column."""
    return [
        write(sum(number * (getattr(size, field) or 0) for number, size in pods))
        for field, write in _COLUMNS.values()
    ]


def _cores(millicores: int) -> str:
    return f"{millicores / 1000:g}"


def _memory(mib: int) -> str:
    return f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib} MiB"


#: Columns: the field of a workload, and how its amount is written.
_COLUMNS: Mapping[str, tuple[str, Callable[[int], str]]] = {
    "CPU request": ("cpu_request_millicores", _cores),
    "CPU limit": ("cpu_limit_millicores", _cores),
    "memory request": ("memory_request_mib", _memory),
    "memory limit": ("memory_limit_mib", _memory),
    "volume": ("volume_gib", lambda gib: f"{gib} GiB" if gib else "-"),
}


def _about(number: float) -> str:
    """Return a number with two digits: more would promise what an estimate can't keep."""
    return f"{float(f'{number:.1e}'):,.0f}"
