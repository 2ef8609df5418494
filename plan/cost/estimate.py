"""Monthly cost of a stack, and savings by other settings."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from components.settings import TracingSettings
from plan.cost.prices import Prices, Unit, load
from plan.cost.usage import HOURS, Usage, usage

#: Months of growth in the forecast.
MONTHS_AHEAD = 12
#: Shortest retention in hours for which half is suggested.
_LEAST_HALVED_HOURS = 4


class Part(StrEnum):
    """Parts of the cost, by name in cost.json."""

    S3_STORAGE = "s3Storage"
    S3_REQUESTS = "s3Requests"
    KMS = "kms"
    VOLUMES = "volumes"
    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of settings with its monthly saving in USD."""

    what: str
    saves: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Monthly cost of a stack.

    Attributes:
        prices: prices of its region; None if they are unknown or not needed.
        parts: USD by part; None if usage or price is unknown.
        unknown: reasons why something is unknown, as sentences.
        ahead: total after twelve months of growth in USD; None without growth or if unknown.
    """

    usage: Usage
    prices: Prices | None
    parts: dict[Part, float | None]
    unknown: list[str]
    changes: list[Change]
    ahead: float | None

    @property
    def total(self) -> float | None:
        """Total in USD; None if a part is unknown."""
        return total(self.parts)


def total(parts: dict[Part, float | None]) -> float | None:
    """Return the total of parts; None if one is unknown."""
    known = [usd for usd in parts.values() if usd is not None]
    return sum(known) if len(known) == len(parts) else None


def estimate(settings: TracingSettings, prices: dict[str, Prices] | None = None) -> Estimate:
    """Return the estimate of a stack, by default with the prices of plan/cost/prices.yaml.

    Raises:
        SettingsError: the price file is invalid.
    """
    of_region = (load() if prices is None else prices).get(settings.cluster.region)
    used, priced = usage(settings), None if settings.storage.endpoint else of_region
    now = parts(used, priced)
    ahead = None
    if settings.load.growth_percent_per_month:
        ahead = total(parts(usage(_grown(settings)), priced))
    return Estimate(
        usage=used,
        prices=priced,
        parts=now,
        unknown=list(_unknown(settings, known_region=of_region is not None)),
        changes=list(_changes(settings, priced, total(now))),
        ahead=ahead,
    )


def parts(used: Usage, prices: Prices | None) -> dict[Part, float | None]:
    """Return the parts of the cost in USD; None if usage or price is unknown."""
    if prices is None:
        return dict.fromkeys(Part)
    usd = prices.usd
    storage = requests = kms = None
    if used.stored_gib is not None:
        storage = prices.storage(used.stored_gib)
    if used.s3_writes is not None and used.s3_reads is not None:
        writes = used.s3_writes / 1_000 * usd[Unit.S3_WRITES]
        requests = writes + used.s3_reads / 1_000 * usd[Unit.S3_READS]
    if used.kms_requests is not None:
        keys = used.kms_keys * usd[Unit.KMS_KEY]
        kms = keys + used.kms_requests / 10_000 * usd[Unit.KMS_REQUESTS]
    return {
        Part.S3_STORAGE: storage,
        Part.S3_REQUESTS: requests,
        Part.KMS: kms,
        Part.VOLUMES: used.volume_gib * usd[Unit.VOLUME],
        Part.CPU: used.cores * HOURS * usd[Unit.CPU],
        Part.MEMORY: used.memory_gib * HOURS * usd[Unit.MEMORY],
    }


def _unknown(settings: TracingSettings, *, known_region: bool) -> Iterator[str]:
    if settings.storage.endpoint is not None:
        yield "`storage.endpoint` is an S3 emulator: nothing is priced."
    elif not known_region:
        region = settings.cluster.region
        yield f"`plan/cost/prices.yaml` has no prices for {region}: nothing is priced."
    if settings.load.spans_per_second is None:
        yield (
            "`load.spansPerSecond` is not set: the cost of S3 is unknown, and the sizes are not "
            "compared with the load."
        )


def _changes(
    settings: TracingSettings, prices: Prices | None, now: float | None
) -> Iterator[Change]:
    """Yield changes that would save money, with the same pods."""
    if now is None:
        return
    for what, changed in _changed(settings):
        then = total(parts(usage(changed), prices))
        if then is not None and then < now:
            yield Change(what=what, saves=now - then)


def _changed(settings: TracingSettings) -> Iterator[tuple[str, TracingSettings]]:
    tempo, load_ = settings.tempo, settings.load
    half = tempo.retention_hours // 2
    if tempo.retention_hours >= _LEAST_HALVED_HOURS:
        what = f"half the retention (`tempo.retentionHours: {half}`)"
        yield what, _with(settings, "tempo", retention_hours=half)
    if load_.spans_per_second is not None and load_.spans_per_second > 1:
        sampled = _with(settings, "load", spans_per_second=load_.spans_per_second // 2)
        yield "half the spans, by sampling", sampled
    if tempo.local_blocks:
        what = "no TraceQL metrics (`tempo.traceqlMetrics: false`)"
        yield what, _with(settings, "tempo", traceql_metrics=False)


def _grown(settings: TracingSettings) -> TracingSettings:
    load_ = settings.load
    if load_.spans_per_second is None:
        return settings
    factor = (1 + load_.growth_percent_per_month / 100) ** MONTHS_AHEAD
    return _with(settings, "load", spans_per_second=round(load_.spans_per_second * factor))


def _with(settings: TracingSettings, group: str, **values: object) -> TracingSettings:
    """Return settings with other values in one group."""
    changed = getattr(settings, group).model_copy(update=values)
    return settings.model_copy(update={group: changed})
