"""Sizes of Tempo: resources and ingestion limits of each preset.

Sources of the numbers:

* AOS: the observability suite that this stack is compared with gives Tempo 1 to 2 cores and 2 to
  8 GB.
* Docs: "Size the cluster" of Tempo 2.10 (setup-tempo/plan/size.md). Distributor: 2 cores and 2 GB
  for each 10 MB/s; ingester: 2.5 cores and 4 to 20 GB for each 3 to 5 MB/s; querier: 4 to 20 GB
  for each 1 to 2 MB/s; query-frontend: 2 replicas, 4 to 20 GB; compactor: 1 core and 4 to 20 GB for
  each 3 to 5 MB/s. They size a pod at its peak, so they are limits here.
* Chart: defaults of charts tempo 2.2.4 and tempo-distributed 2.26.2.
* Everything else is our choice, by three rules. Requests are a quarter to a half of the limits.
  Memory requests equal the limits where an eviction costs data or cache (monolithic from m on,
  ingester, memcached). A volume holds twice what arrives in the 45 minutes that an ingester keeps a
  block, and 10 GiB at least (chart).

Sustained load of each size: monolithic xs a laptop, s 2 MiB/s, m 4 MiB/s, l 8 MiB/s; distributed s
2 MiB/s, m 5 MiB/s, l 20 MiB/s. The rate limit is twice that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.settings import Size
from ..core.workload import Workload
from .settings import TempoBlockSettings, TempoLimitSettings, TempoMode, TempoSettings

#: Copies of a span in the ingesters, of which the ring needs more than half to write, if there are
#: as many ingesters.
_COPIES = 3


def _size(
    replicas: int, cpu: tuple[int, int], memory: tuple[int, int], volume: int | None = None
) -> Workload:
    """Return a size from (request, limit) of CPU in millicores and of memory in MiB."""
    return Workload(
        replicas=replicas,
        cpu_request_millicores=cpu[0],
        cpu_limit_millicores=cpu[1],
        memory_request_mib=memory[0],
        memory_limit_mib=memory[1],
        volume_gib=volume,
    )


# Memory of s, m and l: low end, middle and high end of AOS. CPU limit of s and m: AOS; of l: ours.
# The volume of xs is smaller than the chart's because a laptop is.
_MONOLITHIC: Mapping[Size, Workload] = {
    Size.XS: _size(1, (100, 1000), (512, 1024), 5),
    Size.S: _size(1, (500, 1000), (1024, 2048), 10),
    Size.M: _size(1, (1000, 2000), (4096, 4096), 25),
    Size.L: _size(1, (2000, 4000), (8192, 8192), 50),
}

# Replicas by the docs' rates for 2, 5 and 20 MB/s, and at least two of each part that a span or a
# query passes. One compactor is enough: while it restarts, blocks wait.
_DISTRIBUTED: Mapping[Size, Mapping[str, Workload]] = {
    Size.S: {
        "distributor": _size(2, (250, 1000), (512, 1024)),
        # Each takes all of the 2 MB/s.
        "ingester": _size(2, (500, 1500), (3072, 3072), 15),
        "querier": _size(2, (250, 1000), (1024, 2048)),
        "query_frontend": _size(2, (100, 500), (512, 2048)),
        "compactor": _size(1, (250, 1000), (1024, 2048)),
        "metrics_generator": _size(2, (250, 1000), (1024, 2048), 10),
        "memcached": _size(1, (50, 250), (640, 640)),
    },
    Size.M: {
        "distributor": _size(2, (500, 2000), (1024, 2048)),
        # Three are the replication factor; each then takes all of the 5 MB/s.
        "ingester": _size(3, (1000, 2500), (6144, 6144), 30),
        "querier": _size(3, (500, 2000), (2048, 4096)),
        "query_frontend": _size(2, (250, 1000), (1024, 4096)),
        "compactor": _size(1, (500, 1000), (2048, 4096)),
        # The docs do not size these two.
        "metrics_generator": _size(2, (500, 2000), (2048, 4096), 10),
        "memcached": _size(2, (100, 500), (1280, 1280)),
    },
    Size.L: {
        "distributor": _size(3, (1000, 2000), (1024, 2048)),
        "ingester": _size(6, (1500, 2500), (8192, 8192), 60),
        "querier": _size(10, (500, 2000), (4096, 8192)),
        "query_frontend": _size(2, (500, 2000), (2048, 8192)),
        "compactor": _size(5, (500, 1000), (2048, 6144)),
        "metrics_generator": _size(3, (1000, 2000), (4096, 8192), 20),
        "memcached": _size(3, (250, 1000), (2560, 2560)),
    },
}


# Tempo 3 has live stores and block builders instead of ingesters, and a scheduler with workers
# instead of compactors. Its docs give 10 MB/s to a partition; two at least, so that one live store
# that restarts hides half of the recent spans only. Live stores hold what ingesters did, in memory
# and on the node's disk; the rest is our choice.
_PARTITIONS: Mapping[Size, int] = {Size.S: 2, Size.M: 3, Size.L: 6}


def _with_kafka(preset: Mapping[str, Workload], partitions: int) -> dict[str, Workload]:
    ingester, compactor = preset["ingester"], preset["compactor"]
    one = replace(ingester, replicas=partitions, volume_gib=None)
    return {
        "distributor": preset["distributor"],
        "live_store": one,
        "block_builder": replace(one, memory_request_mib=one.memory_limit_mib // 2),
        "querier": preset["querier"],
        "query_frontend": preset["query_frontend"],
        "backend_scheduler": _size(1, (100, 500), (256, 1024)),
        "backend_worker": compactor,
        "metrics_generator": preset["metrics_generator"],
        "memcached": preset["memcached"],
    }


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ingestion limits; Tempo refuses and counts spans over a limit.

    Attributes:
        rate_limit_mib: sustained ingestion in MiB per second, over all distributors.
        max_live_traces: traces that one ingester holds at a time.
        max_active_series: series that one metrics-generator keeps.
        max_attribute_bytes: bytes to which Tempo truncates keys and values of attributes.
    """

    rate_limit_mib: int
    burst_size_mib: int
    max_live_traces: int
    max_trace_mib: int
    max_active_series: int
    max_attribute_bytes: int = 2048

    def override(self, settings: TempoLimitSettings) -> "Limits":
        """Return these limits with the values that a stack file replaces."""
        return replace(self, **settings.model_dump(exclude_none=True))


def _limits(rate: int, burst: int, live_traces: int, trace: int, series: int) -> Limits:
    return Limits(
        rate_limit_mib=rate,
        burst_size_mib=burst,
        max_live_traces=live_traces,
        max_trace_mib=trace,
        max_active_series=series,
    )


# Tempo's own (modules/overrides/config.go): 15 MB/s, burst 20 MB, 10,000 traces, 5 MB for a
# trace, any number of series. A burst is at least the 16 MiB that the OTLP receiver takes at once.
# After an outage, Alloy sends its queue as fast as Tempo takes it. What is over the rate, it sends
# again; traces over their number are lost. So the number allows the 15 seconds at the rate in which
# a trace is still in memory, and a burst, of traces of about 1 KiB.
_LIMITS: Mapping[TempoMode, Mapping[Size, Limits]] = {
    TempoMode.MONOLITHIC: {
        Size.XS: _limits(2, 16, 50_000, 5, 10_000),
        Size.S: _limits(4, 16, 100_000, 10, 50_000),
        Size.M: _limits(8, 16, 200_000, 20, 200_000),
        Size.L: _limits(16, 32, 400_000, 30, 400_000),
    },
    TempoMode.DISTRIBUTED: {
        Size.S: _limits(4, 16, 100_000, 10, 50_000),
        Size.M: _limits(10, 20, 200_000, 20, 200_000),
        Size.L: _limits(40, 60, 400_000, 30, 500_000),
    },
}


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Block timings of an ingester.

    Attributes:
        max_minutes: age at which a block is completed and written to S3 (max_block_duration).
        kept_minutes: how long it is kept after that (complete_block_timeout).
        idle_seconds: pause after which a trace moves to the block (trace_idle_period).
    """

    max_minutes: int = 30
    kept_minutes: int = 15
    idle_seconds: int = 5

    @property
    def minutes(self) -> int:
        """Minutes that a block is on the volume."""
        return self.max_minutes + self.kept_minutes

    def override(self, settings: TempoBlockSettings) -> "Blocks":
        """Return these timings with the values that a stack file replaces."""
        return replace(self, **settings.model_dump(exclude_none=True))


# Tempo's own timings (modules/ingester/config.go). A laptop's Tempo is often stopped, and so writes
# to S3 sooner. Above 300 KiB/s, blocks are full (max_block_bytes, 500 MiB) before they are 30
# minutes old, so that larger sizes need no shorter time.
_BLOCKS: Mapping[Size, Blocks] = {Size.XS: Blocks(max_minutes=15)}


# Tempo 3 reads recent spans from its live store only, which holds them for `kept_minutes`, and
# older ones from the bucket only. Its default of 30 seconds makes ten times as many requests to S3.
_BLOCKS_3 = Blocks(max_minutes=5, kept_minutes=20)


def workloads(settings: TempoSettings, *, generator: bool = True) -> dict[str, Workload]:
    """Return the size of every workload of the mode in use.

    Args:
        settings: the stack file's settings of Tempo.
        generator: whether the metrics-generator runs, that is, `config.processors` has any.

    Returns:
        Sizes by the names that `TempoWorkloadSettings` gives the workloads.

    Raises:
        KeyError: mode distributed has no such size.
    """
    if settings.mode is TempoMode.MONOLITHIC:
        preset: Mapping[str, Workload] = {"monolithic": _MONOLITHIC[settings.size]}
    else:
        preset = _DISTRIBUTED[settings.size]
        if settings.version == 3:
            preset = _with_kafka(preset, partitions(settings))
    return {
        name: workload.override(getattr(settings.workloads, name))
        for name, workload in preset.items()
        if generator or name != "metrics_generator"
    }


def partitions(settings: TempoSettings) -> int:
    """Return the partitions of the topic in Kafka, each with a live store and a block builder."""
    own = settings.kafka.partitions if settings.kafka else None
    return own or _PARTITIONS[settings.size]


def copies(settings: TempoSettings) -> int:
    """Return the copies of a span in mode distributed; with Kafka there is one."""
    if settings.version == 3:
        return 1
    return min(_COPIES, workloads(settings)["ingester"].replicas)


def replication_factor(settings: TempoSettings) -> int:
    """Return the replication factor of the ingesters' ring.

    Two ingesters have factor 3, so that a write needs both, and a query asks both. With 2, Tempo
    confirms a write after the first copy and often cancels the second one, and a query ends with
    the first answer (pkg/ring/ring.go of 2.10): measured, 9 of 20 traces had one copy, and queries
    for these found them only now and then, until they were in S3.
    """
    return 1 if copies(settings) == 1 else _COPIES


def limits(settings: TempoSettings) -> Limits:
    """Return the ingestion limits of the mode and size in use.

    Raises:
        KeyError: mode distributed has no such size.
    """
    return _LIMITS[settings.mode][settings.size].override(settings.limits)


def blocks(settings: TempoSettings) -> Blocks:
    """Return the block timings of the size in use."""
    preset = _BLOCKS.get(settings.size, Blocks()) if settings.version == 2 else _BLOCKS_3
    return preset.override(settings.blocks)


def meant_mib_per_second(settings: TempoSettings) -> float:
    """Return the sustained load that mode and size are meant for: half of the rate limit.

    Raises:
        KeyError: mode distributed has no such size.
    """
    return _LIMITS[settings.mode][settings.size].rate_limit_mib / 2
