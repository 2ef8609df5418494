"""Compares the expected load with the capacity of the sizes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..alloy import sizes as alloy_sizes
from ..alloy.sampling import sizes as sampler_sizes
from ..core.units import GIB, MIB
from ..settings import TracingSettings
from ..tempo import config as tempo_config
from ..tempo import sizes as tempo_sizes
from ..tempo.settings import Histograms, TempoMode
from ..tempo.system import workloads as tempo_workloads
from .settings import LoadSettings

#: Default ratio of stored bytes of a span to bytes on the wire: an estimate, near the 0.55 of the
#: generated spans of `python -m bench.blocks` (docs/cost.md).
STORED_SHARE = 0.5
#: Minutes that a metrics-generator keeps its blocks (complete_block_timeout of local-blocks,
#: modules/generator/processor/localblocks/config.go of Tempo 2.10).
_LOCAL_BLOCK_MINUTES = 60
#: Usable share of a volume; the rest is for writing the next block.
_VOLUME_SHARE = 0.9
#: Values of status_code of an operation: success, and sometimes failure.
STATUSES = 2
#: Bounds of the service graph's histograms: 0.1 to 12.8 s (processor/servicegraphs/config.go).
_SERVICE_GRAPH_BUCKETS = 8


@dataclass(frozen=True, kw_only=True)
class Check:
    """A resource that the busiest hour needs, and its capacity, of which a share is usable.

    Attributes:
        what: the resource, for people, with its unit.
        otherwise: what happens if it is too small, and the fix.
    """

    what: str
    asked: float
    held: float
    otherwise: str
    most: float = 1
    grows: bool = True

    @property
    def fits(self) -> bool:
        """Whether the capacity is sufficient."""
        return self.asked <= self.held * self.most

    def months_left(self, growth_percent: float) -> float:
        """Return the months of growth until the capacity is too small; infinite for never."""
        if not self.fits:
            return 0
        if not self.grows or growth_percent == 0:
            return math.inf
        return math.log(self.held * self.most / self.asked) / math.log(1 + growth_percent / 100)


def stored_bytes_per_span(load: LoadSettings) -> float:
    """Return the bytes of a span in one block: measured or estimated."""
    return load.stored_bytes_per_span or load.bytes_per_span * STORED_SHARE


def series_of_a_generator(settings: TracingSettings) -> int | None:
    """Return the series that each metrics-generator can hold; None if unknown.

    A generator receives whole traces of any service, so each one holds all series eventually.
    """
    load = settings.load
    if load.operations is None or settings.backends.metrics is None:
        return None
    its = settings.tempo.span_metrics
    classic, native = (
        its.histograms is not kind for kind in (Histograms.NATIVE, Histograms.CLASSIC)
    )

    def histogram(bounds: int) -> int:
        # A classic one has a series for each bound, for infinity, for the sum and for the count.
        return classic * (bounds + 3) + native

    # Span metrics count calls and bytes besides, edges requests and failures. Pods add no series:
    # span metrics have no label `instance`. The values of further dimensions are unknown.
    operation = histogram(len(its.buckets)) + 2
    edge = 2 * histogram(_SERVICE_GRAPH_BUCKETS) + 2
    return load.operations * STATUSES * operation + (load.edges or 0) * edge


def generators(settings: TracingSettings) -> int:
    """Return the number of metrics-generators; mode monolithic has one."""
    if not tempo_config.processors(settings.tempo, settings.backends.metrics):
        return 0
    if settings.tempo.mode is TempoMode.MONOLITHIC:
        return 1
    return tempo_workloads(settings)["metrics_generator"].replicas


def metric_writers(settings: TracingSettings) -> int:
    """Return the number of programs that write span metrics, each all series eventually."""
    sampling = settings.alloy.sampling
    return sampling.replicas if sampling.decides else generators(settings)


def queue_minutes(settings: TracingSettings) -> float | None:
    """Return how long Alloy queues all spans at the planned peak while Tempo is down.

    The queue of each pod times the pods that the peak needs, divided by the bytes of the peak, but
    at most the minutes after which Alloy drops a batch. None if `load.spansPerSecond` is not set.
    """
    return alloy_sizes.queue_minutes(settings.alloy, settings.load)


def checks(settings: TracingSettings) -> list[Check]:
    """Return what the busiest hour needs; nothing if `load.spansPerSecond` is not set."""
    load = settings.load
    if load.spans_per_second is None:
        return []
    spans = load.spans_per_second * load.peak_factor
    mib = spans * load.bytes_per_span / MIB
    return [
        *_ingestion(settings, mib),
        *_alloy(settings, (load.sent or 0) * load.peak_factor),
        *_samplers(settings),
        *_volumes(settings, spans),
        *_series(settings),
    ]


def _ingestion(settings: TracingSettings, mib: float) -> Iterator[Check]:
    tempo = settings.tempo
    yield Check(
        what="ingestion limit, MiB/s",
        asked=mib,
        held=tempo_sizes.limits(tempo).rate_limit_mib,
        otherwise="spans are refused; a larger tempo.size, or tempo.limits.rateLimitMib",
    )
    yield Check(
        what=f"load that Tempo's size {tempo.size} is meant for, MiB/s",
        asked=mib,
        held=tempo_sizes.meant_mib_per_second(tempo),
        otherwise="its pods are too small; a larger tempo.size, or more in tempo.workloads",
    )


def _alloy(settings: TracingSettings, spans: float) -> Iterator[Check]:
    pod = alloy_sizes.workload(settings.alloy, settings.load)
    yield Check(
        what="spans/s that Alloy carries",
        asked=spans,
        held=alloy_sizes.spans_per_second(pod, pod.max_replicas or pod.replicas),
        otherwise="Alloy refuses spans; a larger alloy.size, or more in alloy.workload",
    )


def _samplers(settings: TracingSettings) -> Iterator[Check]:
    its, load = settings.alloy.sampling, settings.load
    known = sampler_sizes.flight(its, load)
    if not its.runs or known is None:
        return
    yield Check(
        what="spans/s that the samplers carry",
        asked=known.spans_per_second,
        held=sampler_sizes.spans_per_second(sampler_sizes.workload(its, load)),
        otherwise="spans wait in Alloy; more alloy.sampling.replicas, or CPU in its workload",
    )
    yield Check(
        what="traces in flight in a sampler",
        asked=known.traces,
        held=sampler_sizes.num_traces(its, load),
        otherwise="the oldest are dropped undecided; a higher alloy.sampling.numTraces",
    )


def _volumes(settings: TracingSettings, spans: float) -> Iterator[Check]:
    """Yield the usage of volumes: blocks that wait, and those of TraceQL metrics."""
    load, pods = settings.load, tempo_workloads(settings)
    waiting = spans * load.bytes_per_span * 60 * tempo_sizes.blocks(settings.tempo).minutes / GIB
    local = 0.0
    if settings.tempo.local_blocks:
        local = spans * stored_bytes_per_span(load) * 60 * _LOCAL_BLOCK_MINUTES / GIB
    if settings.tempo.mode is TempoMode.MONOLITHIC:
        asked = {"monolithic": waiting + local}
    elif settings.tempo.uses_kafka:
        # Live stores have no volume, and read what they lose from Kafka.
        return
    else:
        copies = tempo_sizes.copies(settings.tempo)
        asked = {"ingester": copies * waiting / pods["ingester"].replicas}
        if local:
            asked["metrics_generator"] = local / pods["metrics_generator"].replicas
    for name, gib in asked.items():
        if volume := pods[name].volume_gib:
            key = "metricsGenerator" if name == "metrics_generator" else name
            yield Check(
                what=f"volume of each pod, {name.replace('_', ' ')}, GiB",
                asked=gib,
                held=volume,
                most=_VOLUME_SHARE,
                otherwise=f"a full volume loses spans; more tempo.workloads.{key}.volumeGib",
            )


def _series(settings: TracingSettings) -> Iterator[Check]:
    series = series_of_a_generator(settings)
    # Samplers limit the operations of each service instead.
    if series is not None and not settings.alloy.sampling.decides:
        yield Check(
            what="series of a metrics-generator",
            asked=series,
            held=tempo_sizes.limits(settings.tempo).max_active_series,
            otherwise="new series are dropped; fewer span names, or tempo.limits.maxActiveSeries",
            grows=False,
        )
