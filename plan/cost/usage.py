"""Billed usage of a stack in a month."""

from dataclasses import dataclass

from components.core.registry import workloads
from components.core.units import GIB, MIB
from components.load import capacity
from components.settings import TracingSettings
from components.storage.settings import Encryption
from components.tempo import sizes as tempo_sizes
from components.tempo.settings import TempoMode

#: Hours of a month, as AWS counts it in its examples.
HOURS = 730
#: Hours until the copies of a span that the ingesters flush are merged into one: the block waits
#: half an hour, and compaction processes windows of one hour (compaction_window) more than once.
#: An assumption.
MERGED_HOURS = 4
#: How often compaction reads and writes each byte until its block is large. An assumption.
COMPACTIONS = 3
#: Writes for each block beside its data: start and end of the upload, bloom filter, index,
#: meta.json, and its renaming after compaction (tempodb/encoding/vparquet4/copy.go).
_WRITES_PER_BLOCK = 6
#: Bytes in one write of a block's data: the part size of Tempo's S3 client (minio-go), as Tempo's
#: `part_size` is not set.
_PART_BYTES = 16 * MIB
#: Bytes in one read of compaction (tempodb/encoding/vparquet4/block_iterator.go).
_READ_BYTES = 2 * MIB
#: Bytes after which a block is cut (max_block_bytes).
_BLOCK_BYTES = 500_000_000
#: Least blocks of an hour that local-blocks of a metrics-generator cut (max_block_duration).
_GENERATOR_BLOCKS = 60
#: Look-ups of the canary in two intervals: two by id, and two searches. All count as those of old
#: traces, which reach S3. About half are for recent ones, which memory and volumes answer.
_CANARY_LOOKUPS = 4
#: Requests to S3 of one of them: bloom filter, index and pages of the blocks of an hour. An
#: assumption.
_READS_PER_LOOKUP = 20
#: Share of S3's requests that reach KMS: a bucket key saves up to 99 % (S3 user guide, "Reducing
#: the cost of SSE-KMS with Amazon S3 Bucket Keys").
_KMS_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Billed usage of a stack; None if the settings are not enough to estimate it.

    Attributes:
        stored_gib: GiB in S3 after the retention has passed once.
        s3_writes: PUT and COPY requests in a month.
        s3_reads: GET requests of compaction and of the canary in a month; those of other queries
            are unknown.
        cores: CPU requests of all pods, at the minimum number of replicas.
        active_series: series that the metrics-generators write.
    """

    stored_gib: float | None
    s3_writes: float | None
    s3_reads: float | None
    kms_keys: int
    kms_requests: float | None
    volume_gib: int
    cores: float
    memory_gib: float
    active_series: int | None


def usage(settings: TracingSettings) -> Usage:
    """Return the billed usage of a stack in a month."""
    stored_gib = writes = reads = kms_requests = None
    if settings.load.spans_per_second is not None:
        stored_gib = _stored_gib(settings)
        writes, reads = _requests(settings)
        encrypted = settings.storage.encryption is Encryption.SSE_KMS
        kms_requests = (writes + reads) * _KMS_SHARE if encrypted else 0
    pods = workloads(settings).values()
    series = capacity.series_of_a_generator(settings)
    return Usage(
        stored_gib=stored_gib,
        s3_writes=writes,
        s3_reads=reads,
        kms_keys=int(settings.storage.makes_key),
        kms_requests=kms_requests,
        volume_gib=sum(pod.replicas * (pod.volume_gib or 0) for pod in pods),
        cores=sum(pod.replicas * pod.cpu_request_millicores for pod in pods) / 1000,
        memory_gib=sum(pod.replicas * pod.memory_request_mib for pod in pods) / 1024,
        active_series=None if series is None else series * capacity.metric_writers(settings),
    )


def _copies(settings: TracingSettings) -> tuple[int, int]:
    """Return how often a span is flushed by ingesters, and by metrics-generators."""
    spread = settings.tempo.mode is TempoMode.DISTRIBUTED
    return tempo_sizes.copies(settings.tempo) if spread else 1, int(settings.tempo.local_blocks)


def _stored_per_second(settings: TracingSettings) -> float:
    load = settings.load
    return (load.spans_per_second or 0) * capacity.stored_bytes_per_span(load)


def _stored_gib(settings: TracingSettings) -> float:
    """Return GiB in S3: one copy, that of TraceQL metrics, and copies that are not merged yet."""
    ingesters, generators = _copies(settings)
    hours = settings.tempo.retention_hours
    copy_hours = hours * (1 + generators) + min(hours, MERGED_HOURS) * (ingesters - 1)
    return _stored_per_second(settings) * copy_hours * 3600 / GIB


def _requests(settings: TracingSettings) -> tuple[float, float]:
    """Return writes and reads of a month: blocks are flushed, then read and rewritten."""
    copies, of_generators = _copies(settings)
    hourly = _stored_per_second(settings) * 3600
    writers, minutes = 1, tempo_sizes.blocks(settings.tempo).max_minutes
    if settings.tempo.uses_kafka:
        # A block builder writes one in each cycle (block_builder.consume_cycle_duration).
        writers, minutes = tempo_sizes.partitions(settings.tempo), 5
    elif settings.tempo.mode is TempoMode.DISTRIBUTED:
        writers = workloads(settings)["tempo ingester"].replicas
    least = writers * 60 / minutes
    blocks = max(least, copies * hourly / _BLOCK_BYTES)
    if of_generators:
        least = capacity.generators(settings) * _GENERATOR_BLOCKS
        blocks += max(least, hourly / _BLOCK_BYTES)
    flushed = hourly * (copies + of_generators)
    # Each pass of compaction halves the blocks at least: all passes write as many as were flushed.
    writes = 2 * blocks * _WRITES_PER_BLOCK + (1 + COMPACTIONS) * flushed / _PART_BYTES
    reads = COMPACTIONS * flushed / _READ_BYTES
    if settings.canary.enabled:
        rounds = 3600 / (2 * settings.canary.interval_seconds)
        reads += rounds * _CANARY_LOOKUPS * _READS_PER_LOOKUP
    return writes * HOURS, reads * HOURS
