"""Rules on how long Alloy's queues last."""

from collections.abc import Iterator

from ..alloy.settings import QueuePlace
from ..alloy.sizes import least_memory_mib, queue_bytes
from ..core.problem import Problem, problem
from ..core.units import MIB
from ..settings import TracingSettings

#: Memory limit of a pod in MiB from which on a queue belongs on a volume; our choice.
_LARGE_MIB = 8192


def survival(settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem for each contradiction between queues and other settings."""
    its, load = settings.alloy, settings.load
    if its.survive_minutes:
        if load.sent is None:
            yield problem(
                "alloy.surviveMinutes",
                its.survive_minutes,
                "needs the expected load: set load.spansPerSecond, for example 2000",
            )
        if its.queue_batches:
            yield problem(
                "alloy.queueBatches",
                its.queue_batches,
                "contradicts alloy.surviveMinutes, from which the queue follows: remove one of the "
                "two",
            )
    limit, queue_mib = its.workload.memory_limit_mib, queue_bytes(its, load) / MIB
    needed = least_memory_mib(queue_mib)
    in_memory = its.queue is QueuePlace.MEMORY
    if its.survive_minutes and in_memory and limit and limit < needed:
        yield problem(
            "alloy.workload.memoryLimitMib",
            limit,
            f"must be at least {needed} for a queue of {queue_mib:.0f} MiB, which "
            f"alloy.surviveMinutes: {its.survive_minutes} needs: remove this key, or set "
            "alloy.queue: volume",
        )
    if in_memory:
        for name, key in (
            ("queue_fsync", "queueFsync"),
            ("queue_storage_class", "queueStorageClass"),
        ):
            if name in its.model_fields_set and getattr(its, name) is not None:
                yield problem(
                    f"alloy.{key}",
                    getattr(its, name),
                    "has no effect with alloy.queue: memory: set volume, or remove this key",
                )
        return
    if its.sampling.decides:
        yield problem(
            "alloy.queue",
            its.queue,
            "contradicts alloy.sampling.mode: on, because the queues to samplers are in memory: "
            "use memory",
        )
    if its.workload.max_replicas:
        yield problem(
            "alloy.workload.maxReplicas",
            its.workload.max_replicas,
            "has no effect with alloy.queue: volume, because a removed pod would leave its spans "
            "behind: set alloy.workload.replicas instead",
        )


def survival_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield warnings about queues."""
    its = settings.alloy
    if its.queue is QueuePlace.VOLUME:
        yield (
            "alloy.queue volume: otelcol.storage.file is in public preview, so that Alloy runs at "
            "that stability level, and a queue file that it can't read needs a hand: see "
            "docs/bad-days.md."
        )
        return
    if not its.survive_minutes:
        return
    needed = least_memory_mib(queue_bytes(its, settings.load) / MIB)
    if needed > _LARGE_MIB:
        yield (
            f"alloy.surviveMinutes {its.survive_minutes}: each pod gets a memory limit of {needed} "
            "MiB for its queue. Consider alloy.queue: volume."
        )
