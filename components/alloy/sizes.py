"""Sizes of the gateway.

Measured with Alloy 1.18.1 over OTLP over gRPC (docs/pipeline.md, docs/clean-data.md): 18 CPU
seconds per million spans with 6 attributes, 21 with those of the rehearsal's shop, 35 with 20
attributes, and 42 with a queue on a volume. With 45, one core carries about 22,000 spans per
second. At 70 % of the CPU request, where autoscaling adds a pod, each pod of xs carries 1,600, of s
3,900, of m 7,800 and of l 16,000 spans per second. The limits of m, one core and 2 GiB, are those
of Alloy in AOS; the other values are our choice, each half or double of the next.
"""

import math
from dataclasses import dataclass, replace

from ..core.settings import Size
from ..core.units import MIB
from ..core.workload import Workload
from ..load.settings import LoadSettings
from .settings import AlloySettings, QueuePlace

#: Size of a full batch in MiB on the wire: ``min_size`` in the sending modules.
BATCH_MIB = 1
#: Largest OTLP request over HTTP in MiB, unpacked: the default of ``otelcol.receiver.otlp``.
HTTP_REQUEST_MIB = 20
#: CPU cost of Alloy as measured, with a margin: see above.
CPU_SECONDS_PER_MILLION_SPANS = 45
#: Planned CPU use of a pod in percent of its request; autoscaling adds a pod there.
PLANNED_CPU_PERCENT = 70
#: Bytes of a span in memory by bytes on the wire, and the share of the memory limit from which on
#: Alloy refuses data (limit_memory.alloy).
MEMORY_FACTOR, USABLE_SHARE = 3, 0.65
#: MiB of Alloy itself.
_BASE_MIB = 100
_STEP_MIB = 64
#: Seconds that a stopping pod runs on before it is told to stop. The Service takes it out in five.
#: With a queue in memory, a Tempo that restarts at the same time, as in a drain, comes back in that
#: time, and each batch gets another try (max_interval in send_to_tempo.alloy): a stopping Alloy
#: doesn't retry. By then, connections of gRPC have ended (max_connection_age in receive.alloy).
SERVICE_SECONDS, WAIT_SECONDS = 5, 60
#: Seconds after that in which a pod sends its queue, and at most. What a stopping pod sends in a
#: second in MiB is an estimate: the ingestion limit of the smallest sizes of Tempo.
GRACE_SECONDS, _MOST_GRACE_SECONDS = 60, 600
_DRAIN_MIB_PER_SECOND = 4
#: Size of a queue's file by that of the queue: measured 1.8 with spans of 450 bytes, in pages of
#: which half can be free. There are two queues, for spans and for log records.
_VOLUME_FACTOR, _VOLUME_QUEUES = 2, 2


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One size.

    Attributes:
        workload: pods and their resources.
        queue_batches: batches that wait in one pod for one backend.
    """

    workload: Workload
    queue_batches: int


# Queues: in memory, spans take about three times their size on the wire, and Alloy itself about
# 100 MiB. From 65 % of the memory limit on, the limiter refuses all signals (limit_memory.alloy). A
# full queue stays below that and refuses only its own signal.
PRESETS: dict[Size, Preset] = {
    Size.XS: Preset(
        workload=Workload(
            replicas=1,
            cpu_request_millicores=100,
            cpu_limit_millicores=500,
            memory_request_mib=128,
            memory_limit_mib=256,
        ),
        queue_batches=20,
    ),
    # Two pods from here on, so that the loss of a node refuses no spans.
    Size.S: Preset(
        workload=Workload(
            replicas=2,
            cpu_request_millicores=250,
            cpu_limit_millicores=1000,
            memory_request_mib=256,
            memory_limit_mib=512,
        ),
        queue_batches=64,
    ),
    Size.M: Preset(
        workload=Workload(
            replicas=2,
            max_replicas=6,
            cpu_request_millicores=500,
            cpu_limit_millicores=1000,
            memory_request_mib=1024,
            memory_limit_mib=2048,
        ),
        queue_batches=384,
    ),
    Size.L: Preset(
        workload=Workload(
            replicas=3,
            max_replicas=12,
            cpu_request_millicores=1000,
            cpu_limit_millicores=2000,
            memory_request_mib=2048,
            memory_limit_mib=4096,
        ),
        queue_batches=800,
    ),
}


#: No expected load.
_UNKNOWN = LoadSettings()


def workload(settings: AlloySettings, load: LoadSettings = _UNKNOWN) -> Workload:
    """Return pods and resources: the preset with the values that the stack file replaces.

    Memory follows from a queue that `surviveMinutes` enlarges. A queue on a volume fixes the number
    of pods: a pod that autoscaling removes would leave its spans behind.
    """
    size = PRESETS[settings.size].workload.override(settings.workload)
    queue_mib = queue_bytes(settings, load) / MIB
    if settings.queue is QueuePlace.VOLUME:
        volume = math.ceil(queue_mib * _VOLUME_FACTOR * _VOLUME_QUEUES / 1024)
        pods = _pods_at_peak(settings, load)
        return replace(size, replicas=pods, max_replicas=None, volume_gib=max(volume, 1))
    needed = least_memory_mib(queue_mib)
    if settings.survive_minutes and needed > size.memory_limit_mib:
        if settings.workload.memory_limit_mib is None:
            size = replace(size, memory_limit_mib=needed)
        if settings.workload.memory_request_mib is None:
            # As in the presets; what the queue takes in an outage must be there.
            size = replace(size, memory_request_mib=size.memory_limit_mib // 2)
    return size


def least_memory_mib(queue_mib: float) -> int:
    """Return the memory limit in MiB below which a full queue makes Alloy refuse all signals."""
    needed = (_BASE_MIB + MEMORY_FACTOR * queue_mib) / USABLE_SHARE
    return math.ceil(needed / _STEP_MIB) * _STEP_MIB


def _pods_at_peak(settings: AlloySettings, load: LoadSettings) -> int:
    """Return how many pods the busiest hour needs, within the limits of autoscaling."""
    pod = PRESETS[settings.size].workload.override(settings.workload)
    if load.sent is None:
        return pod.replicas
    needed = math.ceil(load.sent * load.peak_factor / spans_per_second(pod))
    return min(max(needed, pod.replicas), pod.max_replicas or pod.replicas)


def stop_seconds(settings: AlloySettings, load: LoadSettings = _UNKNOWN) -> int:
    """Return the termination grace period, in which a pod sends its queue; a volume keeps it."""
    if settings.queue is QueuePlace.VOLUME:
        return GRACE_SECONDS
    if not settings.survive_minutes:
        return WAIT_SECONDS + GRACE_SECONDS
    needed = math.ceil(queue_bytes(settings, load) / MIB / _DRAIN_MIB_PER_SECOND)
    return WAIT_SECONDS + min(max(GRACE_SECONDS, needed), _MOST_GRACE_SECONDS)


def wait_seconds(settings: AlloySettings) -> int:
    """Return how long a stopping pod runs on before it is told to stop."""
    return SERVICE_SECONDS if settings.queue is QueuePlace.VOLUME else WAIT_SECONDS


def queue_minutes(settings: AlloySettings, load: LoadSettings) -> float | None:
    """Return how long the queues of all pods hold the spans of the busiest hour.

    It is at most the time for which a batch is retried. None if the load is unknown.
    """
    if load.sent is None:
        return None
    held = _pods_at_peak(settings, load) * queue_bytes(settings, load)
    return min(held / _peak_bytes(load) / 60, settings.retry_minutes)


def _peak_bytes(load: LoadSettings) -> float:
    """Return the bytes per second of the busiest hour; the load is known."""
    return (load.sent or 0) * load.peak_factor * load.bytes_per_span


def spans_per_second(pod: Workload, pods: int = 1) -> float:
    """Return how many spans per second the gateway's pods carry."""
    cores = pods * pod.cpu_request_millicores / 1000 * PLANNED_CPU_PERCENT / 100
    return cores * 1_000_000 / CPU_SECONDS_PER_MILLION_SPANS


def queue_bytes(settings: AlloySettings, load: LoadSettings = _UNKNOWN) -> int:
    """Return the size of one pod's queue for one backend, in bytes on the wire.

    It is at least the largest request, which could never enter a smaller queue.
    """
    batches = settings.queue_batches or PRESETS[settings.size].queue_batches
    if settings.survive_minutes and load.sent:
        seconds = settings.survive_minutes * 60
        share = _peak_bytes(load) * seconds / _pods_at_peak(settings, load)
        batches = math.ceil(share / (BATCH_MIB * MIB))
    return max(batches * BATCH_MIB * MIB, least_queue_bytes(settings))


def least_queue_bytes(settings: AlloySettings) -> int:
    """Return the size of the largest request in bytes, which must fit into a queue."""
    return max(settings.max_request_mib, HTTP_REQUEST_MIB) * MIB
