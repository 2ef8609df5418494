"""Cost and capacity in the plan: cost.json and the section of the summary."""

import dataclasses
import json
from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from components.load import capacity
from components.settings import TracingSettings
from components.telemetry.metrics import LATENCY_BUCKETS
from config.markdown import table
from plan.cost.estimate import MONTHS_AHEAD, Estimate, Part, estimate
from plan.cost.prices import Prices, Unit
from plan.cost.usage import COMPACTIONS, HOURS, MERGED_HOURS, Usage

_UNKNOWN = "unknown"
NAMES = {
    Part.S3_STORAGE: "S3 storage",
    Part.S3_REQUESTS: "S3 requests",
    Part.KMS: "KMS",
    Part.VOLUMES: "volumes",
    Part.CPU: "CPU requests",
    Part.MEMORY: "memory requests",
}


def as_json(settings: TracingSettings) -> str:
    """Return cost.json: the estimate for programs, such as one that compares two plans.

    Its keys:

    * ``currency``, and ``period``, which is always ``month``.
    * ``total``: null if a part is unknown.
    * ``parts``: cost by part: ``s3Storage``, ``s3Requests``, ``kms``, ``volumes``,
      ``cpu``, ``memory``; null if usage or price is unknown.
    * ``usage``: billed usage: ``storedGib``, ``s3Writes``, ``s3Reads``,
      ``kmsKeys``, ``kmsRequests``, ``volumeGib``, ``cores``, ``memoryGib``, ``activeSeries``; null
      if unknown.
    * ``unknown``: reasons why something is unknown, as sentences.
    * ``savings``: changes that would save money, as a list of ``change`` and ``saves``.
    * ``inTwelveMonths``: total after twelve months of growth; null without growth.
    * ``pricesFrom``, ``pricesTo``: dates of the oldest and newest price; null without prices.

    Amounts are rounded to cents so that two plans can be compared; the estimate is less exact.

    Raises:
        SettingsError: the file of prices is wrong.
    """
    its = estimate(settings)
    usage, prices = dataclasses.asdict(its.usage), its.prices
    whole = ("stored_gib", "s3_writes", "s3_reads", "kms_requests")
    usage |= {key: round(usage[key]) for key in whole if usage[key] is not None}
    document = {
        "currency": "USD",
        "period": "month",
        "total": _cents(its.total),
        "parts": {part.value: _cents(usd) for part, usd in its.parts.items()},
        "usage": {to_camel(key): amount for key, amount in usage.items()},
        "unknown": its.unknown,
        "savings": [{"change": one.what, "saves": _cents(one.saves)} for one in its.changes],
        "inTwelveMonths": _cents(its.ahead),
        "pricesFrom": prices.oldest.isoformat() if prices else None,
        "pricesTo": prices.newest.isoformat() if prices else None,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _cents(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 2)


def section(settings: TracingSettings, estimate: Estimate) -> str:
    """Return the section "Cost and capacity" of summary.md, with its heading.

    Numbers have two digits: the estimate is not more exact.
    """
    load_is_known = settings.load.spans_per_second is not None
    parts = ["## Cost and capacity", *estimate.unknown]
    if settings.storage.endpoint is None:
        parts += [table(list(_parts(estimate)), aligned=True), *_remarks(settings, estimate)]
    if estimate.changes:
        savings = [(one.what, about(one.saves)) for one in estimate.changes]
        parts.append(table([("change", "saves, USD a month"), *savings], aligned=True))
    if load_is_known:
        parts.append(table(list(_capacity(settings)), aligned=True))
        parts.append(_series(settings, estimate))
    if load_is_known or estimate.prices:
        parts.append("Assumptions:\n\n" + "\n".join(f"- {it}" for it in _assumptions(settings)))
    return "\n\n".join(parts)


def about(number: float) -> str:
    """Return a number rounded to two significant digits."""
    if number == 0:
        return "0"
    if number < 0.1:
        return "under 0.1"
    rounded = float(f"{number:.1e}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _parts(estimate: Estimate) -> Iterator[tuple[str, ...]]:
    yield "part", "a month", "price, USD", "USD a month"
    amounts = _amounts(estimate.usage)
    prices = _prices(estimate.prices) if estimate.prices else dict.fromkeys(Part, _UNKNOWN)
    for part, usd in estimate.parts.items():
        yield NAMES[part], amounts[part] or _UNKNOWN, prices[part], _usd(usd)
    yield "sum", "", "", _usd(estimate.total)


def _usd(amount: float | None) -> str:
    return _UNKNOWN if amount is None else about(amount)


def _amounts(used: Usage) -> dict[Part, str | None]:
    stored, writes, reads, kms = used.stored_gib, used.s3_writes, used.s3_reads, used.kms_requests
    requests = (writes, reads) if writes is not None and reads is not None else None
    return {
        Part.S3_STORAGE: None if stored is None else f"{about(stored)} GiB",
        Part.S3_REQUESTS: requests and "{} writes, {} reads".format(*map(about, requests)),
        Part.KMS: None if kms is None else f"keys: {used.kms_keys}, requests: {about(kms)}",
        Part.VOLUMES: f"{used.volume_gib} GiB",
        Part.CPU: f"{used.cores:g} vCPU",
        Part.MEMORY: f"{used.memory_gib:.1f} GiB",
    }


def _prices(prices: Prices) -> dict[Part, str]:
    usd = prices.usd
    tiers = " to ".join(dict.fromkeys(f"{prices.storage_tiers[i].usd:g}" for i in (0, -1)))
    return {
        Part.S3_STORAGE: f"{tiers} for a GiB",
        Part.S3_REQUESTS: f"{usd[Unit.S3_WRITES]:g} and {usd[Unit.S3_READS]:g} for 1,000",
        Part.KMS: f"{usd[Unit.KMS_KEY]:g} for a key, {usd[Unit.KMS_REQUESTS]:g} for 10,000",
        Part.VOLUMES: f"{usd[Unit.VOLUME]:g} for a GiB",
        Part.CPU: f"{usd[Unit.CPU]:g} for a vCPU and hour",
        Part.MEMORY: f"{usd[Unit.MEMORY]:g} for a GiB and hour",
    }


def _remarks(settings: TracingSettings, estimate: Estimate) -> Iterator[str]:
    total, prices = estimate.total, estimate.prices
    if prices is not None:
        yield (
            f"Prices of {settings.cluster.region}, of {prices.oldest} to {prices.newest}, on "
            "demand, before taxes and discounts."
        )
    if total is not None:
        known = {part: usd for part, usd in estimate.parts.items() if usd is not None}
        most = max(known, key=lambda part: known[part])
        yield f"Largest part: {NAMES[most]}, {100 * known[most] / total:.0f} %."
    if estimate.ahead is not None:
        growth = settings.load.growth_percent_per_month
        yield (
            f"After {MONTHS_AHEAD} months of {growth:g} % growth: about {about(estimate.ahead)} "
            "USD a month, with the same pods."
        )


def _capacity(settings: TracingSettings) -> Iterator[tuple[str, ...]]:
    growth = settings.load.growth_percent_per_month
    head = ("resource in the busiest hour", "needs", "has", "used")
    yield (*head, "lasts") if growth else head
    for check in capacity.checks(settings):
        used = f"{100 * check.asked / check.held:.0f} %"
        row = (check.what, about(check.asked), f"{check.held:,.0f}", used)
        yield (*row, _lasts(check, growth)) if growth else row


def _lasts(check: capacity.Check, growth: float) -> str:
    months = check.months_left(growth)
    if months == 0:
        return "too small now"
    return f"{months:.0f} months" if months < 2 * MONTHS_AHEAD else "over two years"


def _series(settings: TracingSettings, estimate: Estimate) -> str:
    if settings.backends.metrics is None:
        return "No series are written: `backends.metrics` is not set."
    count = estimate.usage.active_series
    buckets = _buckets(settings)
    if count is None:
        return f"The number of written series is unknown: set `load.operations`.{buckets}"
    of = "" if settings.load.edges else ", without the service graph (`load.edges`)"
    series = f"up to {about(count)}{of}. They are not priced.{buckets}"
    return f"Series written to the metrics backend: {series}"


def _assumptions(settings: TracingSettings) -> Iterator[str]:
    load = settings.load
    if load.spans_per_second is not None:
        yield (
            f"{load.spans_per_second:,} spans/s on average, {load.peak_factor:g} times that in the "
            f"busiest hour, {load.bytes_per_span:,} bytes each on the wire"
        )
        if load.sent_spans_per_second and settings.alloy.sampling.decides:
            yield (
                f"services send {load.sent_spans_per_second:,} spans/s, and sampling stores "
                f"{load.spans_per_second / load.sent_spans_per_second:.0%} of them"
            )
        how = "measured" if load.stored_bytes_per_span else "estimated as half of that on the wire"
        yield f"{capacity.stored_bytes_per_span(load):,.0f} bytes of a span in a block: {how}"
        yield (
            f"copies of a span are merged {MERGED_HOURS} hours after they arrive; compaction reads "
            f"and writes each block {COMPACTIONS} times; one retention has passed"
        )
    yield f"{HOURS} hours in a month; the minimum number of pods; CPU and memory as on Fargate"
    yield (
        "not counted: queries, listing of blocks, traffic between zones, the cluster, Grafana and "
        "its other backends (docs/cost.md)"
    )


def _buckets(settings: TracingSettings) -> str:
    """Return how another number of buckets than the default changes the number of series."""
    count = len(settings.tempo.span_metrics.buckets)
    each = capacity.STATUSES * (count - len(LATENCY_BUCKETS))
    if not each:
        return ""
    change = "adds" if each > 0 else "saves"
    text = (
        f" `tempo.spanMetrics.buckets` ({count} instead of {len(LATENCY_BUCKETS)}) {change} "
        f"{abs(each)} series for each operation and metrics-generator"
    )
    if settings.load.operations is None:
        return f"{text}."
    total = abs(each) * settings.load.operations * capacity.metric_writers(settings)
    return f"{text}: {about(total)} in total."
