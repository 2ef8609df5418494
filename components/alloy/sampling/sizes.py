"""Sizes of the samplers: traces in flight, memory and queues.

A sampler holds every trace from its first span until the decision. All of this is for one sampler;
traces are spread evenly, with a deviation below 5 % (documentation of
`otelcol.exporter.loadbalancing`).
"""

import math
from dataclasses import dataclass

from ...core.units import MIB
from ...core.workload import Workload
from ...load.settings import LoadSettings
from ..sizes import MEMORY_FACTOR, PLANNED_CPU_PERCENT, USABLE_SHARE
from .policies import kept
from .settings import SamplingSettings

#: CPU cost: `make rehearse` measured 24 CPU-seconds per million spans for two samplers together, of
#: 110,000 spans, 7 % of them kept (Alloy 1.18.1, examples/features/sampling). The margin is for
#: more rules and more that is kept.
CPU_SECONDS_PER_MILLION_SPANS = 40
#: CPU request of a sampler without a load, and at least with one.
_CPU_MILLICORES, _LEAST_CPU_MILLICORES = 500, 250
#: Traces in flight beyond the planned peak, for bursts and uneven spread.
HEADROOM = 1.5
#: Traces in memory without a load, and at least with one: the default of Alloy, and a fifth of it.
DEFAULT_TRACES, LEAST_TRACES = 50_000, 10_000
#: Decisions that a sampler remembers for late spans, as a multiple of the traces in memory.
REMEMBERED_KEPT, REMEMBERED_DROPPED = 2, 4
#: Bytes of a remembered decision: a trace id in a map and a list.
_DECISION_BYTES = 200
#: MiB of Alloy itself, with the series of span metrics of some hundred operations.
BASE_MIB = 200
#: Queue to Tempo in MiB, in each sampler; more with `alloy.surviveMinutes`.
QUEUE_MIB = 64
#: Smallest memory limit without a value in the stack file, and its steps, in MiB.
_LEAST_MIB, _STEP_MIB = 1024, 256
_WITHOUT_LOAD_MIB = 2048

#: Seconds until a span has left an SDK (OTEL_BSP_SCHEDULE_DELAY) and Beyla (`batch_timeout` of
#: `otel_traces_export`, pkg/export/otel of OBI in Beyla 3.32), by their defaults.
SDK_SECONDS, BEYLA_SECONDS = 5, 15
#: Seconds until a span has left the gateway (flush_timeout of its queue), and what the network and
#: the processor's clock of one second take.
GATEWAY_SECONDS, MARGIN_SECONDS = 1, 2


@dataclass(frozen=True, kw_only=True)
class Flight:
    """Traces in flight in one sampler at the planned peak.

    Attributes:
        spans_per_second: spans that all samplers receive.
        traces: traces that one sampler holds.
        mib: memory that one sampler needs for them.
    """

    spans_per_second: float
    traces: int
    mib: int


def flight(settings: SamplingSettings, load: LoadSettings) -> Flight | None:
    """Return the traces in flight; None if the load is unknown."""
    if load.sent is None:
        return None
    spans = load.sent * load.peak_factor * settings.head_percent / 100
    each = spans / settings.replicas * settings.decision_wait_seconds
    return Flight(
        spans_per_second=spans,
        traces=math.ceil(each / load.spans_per_trace),
        mib=_mib(each * load.bytes_per_span),
    )


def _mib(span_bytes: float) -> int:
    return math.ceil(span_bytes * MEMORY_FACTOR / MIB)


def num_traces(settings: SamplingSettings, load: LoadSettings) -> int:
    """Return the traces that one sampler keeps in memory."""
    if settings.num_traces is not None:
        return settings.num_traces
    known = flight(settings, load)
    if known is None:
        return DEFAULT_TRACES
    return max(LEAST_TRACES, math.ceil(known.traces * HEADROOM / 1000) * 1000)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a sampler needs at the planned peak, in MiB.

    Attributes:
        spans: the traces in memory, with the headroom.
        decisions: remembered decisions.
        queue: what waits for Tempo.
    """

    spans: int
    decisions: int
    queue: int

    @property
    def limit(self) -> int:
        """Return the memory limit with which it refuses nothing."""
        return math.ceil((BASE_MIB + self.spans + self.decisions + self.queue) / USABLE_SHARE)


def queue_mib(
    settings: SamplingSettings, load: LoadSettings, survive_minutes: int | None = None
) -> int:
    """Return the queue of one sampler to Tempo in MiB.

    Args:
        settings: settings of sampling.
        load: the expected load.
        survive_minutes: minutes for which it holds what is kept of the busiest hour.
    """
    if survive_minutes is None or load.spans_per_second is None:
        return QUEUE_MIB
    kept_bytes = load.spans_per_second * load.peak_factor * load.bytes_per_span
    return max(QUEUE_MIB, math.ceil(kept_bytes * survive_minutes * 60 / settings.replicas / MIB))


def memory(
    settings: SamplingSettings, load: LoadSettings, survive_minutes: int | None = None
) -> Memory:
    """Return the memory that a sampler needs."""
    traces = num_traces(settings, load)
    known = flight(settings, load)
    unknown = traces * load.spans_per_trace * load.bytes_per_span
    return Memory(
        spans=math.ceil(known.mib * HEADROOM) if known else _mib(unknown),
        decisions=math.ceil(
            traces * (REMEMBERED_KEPT + REMEMBERED_DROPPED) * _DECISION_BYTES / MIB
        ),
        queue=queue_mib(settings, load, survive_minutes) * MEMORY_FACTOR if settings.decides else 0,
    )


def workload(
    settings: SamplingSettings, load: LoadSettings, survive_minutes: int | None = None
) -> Workload:
    """Return pods and resources."""
    limit, cpu = _WITHOUT_LOAD_MIB, _CPU_MILLICORES
    if known := flight(settings, load):
        each = known.spans_per_second / settings.replicas
        used = each * CPU_SECONDS_PER_MILLION_SPANS / 1000 / (PLANNED_CPU_PERCENT / 100)
        cpu = max(_LEAST_CPU_MILLICORES, math.ceil(used / 50) * 50)
        need = memory(settings, load, survive_minutes).limit
        limit = max(_LEAST_MIB, math.ceil(need / _STEP_MIB) * _STEP_MIB)
    return Workload(
        replicas=settings.replicas,
        cpu_request_millicores=cpu,
        # A restart, and what has waited in the gateway, take more than the average.
        cpu_limit_millicores=4 * cpu,
        memory_request_mib=settings.workload.memory_limit_mib or limit,
        memory_limit_mib=limit,
    ).override(settings.workload)


def least_wait_seconds(settings: SamplingSettings, *, beyla: bool) -> int:
    """Return the shortest time in which a trace is complete, as far as settings show it."""
    slow = kept(settings).slower_than_ms / 1000
    slowest = max(SDK_SECONDS, BEYLA_SECONDS if beyla else 0)
    return math.ceil(slowest + GATEWAY_SECONDS + MARGIN_SECONDS + slow)


def spans_per_second(size: Workload) -> float:
    """Return how many spans per second all samplers carry."""
    cores = size.replicas * size.cpu_request_millicores / 1000 * PLANNED_CPU_PERCENT / 100
    return cores * 1_000_000 / CPU_SECONDS_PER_MILLION_SPANS
