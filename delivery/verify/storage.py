"""Checks of the bucket: can Tempo write, how old is the newest block, is the retention applied?"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from components.core.names import TEMPO_HTTP_PORT
from components.telemetry.metrics import TempoMetric, tempo_metric
from components.tempo import sizes
from delivery.preflight.finding import Finding, error, not_checked, ok
from delivery.verify import site as limits
from delivery.verify.site import Exposition, Site, ask, dig, wait
from delivery.verify.traces import Run

_DENIED: Final = "docs/runbooks/tempo-storage-access-denied.md"
_UNREACHABLE: Final = "docs/runbooks/tempo-storage-unreachable.md"
_HOUR = 3600
#: A search that reads no block, and reports how many are in its time range.
_NOTHING: Final = "{ false }"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS: Final[Mapping[str, float]] = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


def written(run: Run) -> Iterator[Finding]:
    """Have an ingester write its block to the bucket, and check that S3 accepts it."""
    site, namespace = run.site, run.site.settings.namespaces.tracing
    its = site.settings.tempo
    pods = site.tempo_pods("block-builder" if its.uses_kafka else "ingester")

    version = its.version
    live, flushed_blocks, failures = (
        tempo_metric(metric, version, kafka=its.uses_kafka)
        for metric in (
            TempoMetric.LIVE_TRACES,
            TempoMetric.BLOCKS_FLUSHED,
            TempoMetric.FAILED_FLUSHES,
        )
    )

    def metrics(pod: str) -> Exposition:
        return site.metrics(namespace, [pod], TEMPO_HTTP_PORT)

    # In mode distributed, not every ingester or partition has the trace.
    wanted = flushed_blocks if its.uses_kafka else live
    pod = next((p for p in pods if metrics(p).total(wanted)), (pods or [""])[0])
    if not pod:
        yield error("no pod of Tempo has recent spans", "docs/runbooks/tempo-down.md")
        return
    before = metrics(pod)
    start = time.monotonic()
    if version == 3:
        yield _since_start(site, pod, before, flushed_blocks, failures)
        return
    flushed = ask(f"{site.forward(namespace, f'pod/{pod}', TEMPO_HTTP_PORT)}/flush")
    if flushed.status not in (200, 204):
        yield error(f"{pod} refuses to write its blocks: {flushed}", _UNREACHABLE)
        return

    def probe() -> Finding | None:
        after = metrics(pod)
        done = after.total(flushed_blocks) - before.total(flushed_blocks)
        failed = after.total(failures) - before.total(failures)
        if done > 0:
            return ok(f"{pod} wrote a block after {time.monotonic() - start:.0f} s")
        return _refused(site, pod, before, after) if failed > 0 else None

    yield wait(probe, limits.WAIT_SECONDS) or error(
        f"{pod} has written no block within {limits.WAIT_SECONDS} s",
        "docs/runbooks/tempo-not-flushing.md",
    )


def _since_start(site: Site, pod: str, metrics: Exposition, flushed: str, failures: str) -> Finding:
    """Return whether Tempo 3 writes blocks, which it can't be asked for."""
    written, failed = metrics.total(flushed), metrics.total(failures)
    if failed and not written:
        return _refused(site, pod, Exposition(), metrics)
    if not written:
        minutes = sizes.blocks(site.settings.tempo).max_minutes
        return not_checked(f"{pod} has written no block yet; one is due {minutes} minutes after it")
    return ok(f"{pod} wrote {written:.0f} blocks since its start, {failed:.0f} writes failed")


def _refused(site: Site, pod: str, before: Exposition, after: Exposition) -> Finding:
    """Return why S3 did not take a block."""
    requests, by = TempoMetric.STORAGE_REQUESTS, ("operation", "status_code")
    denied = [
        f"{operation} with status {status}"
        for operation, status in after.grown(before, requests, *by, status_code="400|401|403")
    ]
    namespace, bucket = site.settings.namespaces.tracing, site.settings.bucket
    said = site.last_line(namespace, [pod], r'flush.*\berr="((?:[^"\\]|\\.)*)"')
    because = f": {said}" if said else ""
    if denied or re.search(r"Access ?Denied", said):
        what = f" {', '.join(denied)}" if denied else ""
        return error(f"S3 denies Tempo{what} in bucket {bucket}{because}", _DENIED)
    return error(f"Tempo can't write to bucket {bucket}{because}", _UNREACHABLE)


def newest_block(run: Run) -> Iterator[Finding]:
    """Check how old the newest block is, by the number of blocks that a search would read."""
    its, tempo, now = run.site.settings.tempo, run.site.tempo, int(time.time())
    due = max(_HOUR, 2 * sizes.blocks(its).minutes * 60)
    longest = min(its.max_search_hours or its.retention_hours, its.retention_hours) * _HOUR
    span, blocks = min(due, longest), 0
    while True:
        answer = tempo.get("/api/search", q=_NOTHING, start=now - span, end=now, limit=1)
        if answer.status != 200:
            yield error(f"Tempo can't say: {answer}", "docs/runbooks/tempo-queries-failing.md")
            return
        if (blocks := _blocks(answer.json())) or span >= longest:
            break
        span = min(span * 4, longest)
    within = f"{span // 60} minutes" if span < 2 * _HOUR else f"{span // _HOUR} hours"
    # A search leaves the last 15 minutes to the ingesters.
    text = f"{blocks} within {within}" if blocks else "none that is older than 15 minutes"
    metrics = run.site.tempo_metrics("distributor")
    started = [value for _, value in metrics.values("process_start_time_seconds")]
    seconds = now - max(started, default=now)
    received = metrics.total(TempoMetric.SPANS_RECEIVED)
    if (span > due or not blocks) and seconds > due and received > seconds:
        yield error(
            f"Tempo received {received:.0f} spans in {seconds / _HOUR:.0f} hours, but has no block "
            f"of the last {due // 60} minutes ({text})",
            "docs/runbooks/tempo-not-flushing.md",
        )
    else:
        yield ok(text)


def _blocks(answer: Any) -> int:  # noqa: ANN401
    return int(dig(answer, "metrics", "totalBlocks") or 0)


def retention(run: Run) -> Iterator[Finding]:
    """Check that Tempo runs with the retention of the stack file, and has no older blocks."""
    hours = run.site.settings.tempo.retention_hours
    tempo, now = run.site.tempo, int(time.time())
    answer = tempo.get("/status/config")
    running = _in_force(answer.text)
    if running is None:
        yield not_checked(f"Tempo's configuration in force can't be read: {answer}")
        return
    if running != hours * _HOUR:
        yield error(
            f"Tempo runs with a retention of {running / _HOUR:g} hours, not {hours}",
            "run `make up`; see docs/runbooks/tempo-config-not-loaded.md",
        )
        return
    # A day later, because a block is deleted in a round after its last span is too old.
    end = now - (hours + 24) * _HOUR
    longest = min(7 * 24, run.site.settings.tempo.max_search_hours or hours)
    old = tempo.get("/api/search", q=_NOTHING, start=end - longest * _HOUR, end=end, limit=1)
    if old.status == 200 and (blocks := _blocks(old.json())):
        yield error(
            f"{blocks} blocks are older than {hours} hours by more than a day",
            "docs/runbooks/tempo-retention-not-applied.md",
        )
    else:
        yield ok(f"{hours} hours, and no older block")


def _in_force(text: str) -> float | None:
    """Return the retention in seconds in Tempo's configuration."""
    try:
        document: Any = yaml.safe_load(text.rpartition("---\n")[2])
    except yaml.YAMLError:
        return None
    for path in (
        ("compactor", "compaction"),
        ("backend_scheduler", "provider", "compaction", "compaction"),
    ):
        if found := dig(document, *path, "block_retention"):
            return sum(float(n) * _UNITS[unit] for n, unit in _DURATION.findall(str(found)))
    return None
