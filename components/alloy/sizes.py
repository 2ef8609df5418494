"""Sizes of the gateway.

Measured with Alloy 1.18.1 at 2,000 spans per second over OTLP gRPC: 17 CPU-seconds per million
spans through this pipeline without redaction (spans without URLs), 27 to 30 through similar ones.
The default redaction adds 10 (spans with 6 attributes) to 15 (20 attributes, measured in one run
over OTLP HTTP: 9.7 to 19.7, and 22.7 to 38.1). With 45, one core carries about 22,000 spans per
second. At 70 % of the CPU request, where autoscaling adds a pod, each pod of xs carries 1,600, of s
3,900, of m 7,800 and of l 16,000 spans per second. The limits of m, one core and 2 GiB, are those
of Alloy in AOS; the other values are our choice, each half or double of the next.
"""

from dataclasses import dataclass

from ..core.settings import Size
from ..core.units import MIB
from ..core.workload import Workload
from .settings import AlloySettings

#: Size of a full batch in MiB on the wire: ``min_size`` in the sending modules.
BATCH_MIB = 1
#: Largest OTLP request over HTTP in MiB, unpacked: the default of ``otelcol.receiver.otlp``.
HTTP_REQUEST_MIB = 20
#: CPU cost of Alloy as measured, with a margin: see above.
CPU_SECONDS_PER_MILLION_SPANS = 45
#: Planned CPU use of a pod in percent of its request; autoscaling adds a pod there.
PLANNED_CPU_PERCENT = 70


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


def workload(settings: AlloySettings) -> Workload:
    """Return pods and resources: the preset with the values that the stack file replaces."""
    return PRESETS[settings.size].workload.override(settings.workload)


def spans_per_second(pod: Workload, pods: int = 1) -> float:
    """Return how many spans per second the gateway's pods carry."""
    cores = pods * pod.cpu_request_millicores / 1000 * PLANNED_CPU_PERCENT / 100
    return cores * 1_000_000 / CPU_SECONDS_PER_MILLION_SPANS


def queue_bytes(settings: AlloySettings) -> int:
    """Return the size of one pod's queue for one backend, in bytes on the wire.

    It is at least the largest request, which could never enter a smaller queue.
    """
    batches = settings.queue_batches or PRESETS[settings.size].queue_batches
    return max(batches * BATCH_MIB * MIB, least_queue_bytes(settings))


def least_queue_bytes(settings: AlloySettings) -> int:
    """Return the size of the largest request in bytes, which must fit into a queue."""
    return max(settings.max_request_mib, HTTP_REQUEST_MIB) * MIB
