"""cost.json and the section of the summary: what the plan says of cost and capacity."""

import json
from typing import Any

from components.settings import TracingSettings
from plan.cost.estimate import Estimate, estimate
from plan.cost.text import section

CURRENCY = "USD"


def as_json(settings: TracingSettings) -> str:
    """Return cost.json: the estimate for programs, such as one that compares two plans.

    Its keys:

    * ``currency``, and ``period``, which is always ``month``.
    * ``total``: the sum; null if a part is not known.
    * ``parts``: the sum's parts by name: ``s3Storage``, ``s3Requests``, ``kms``, ``volumes``,
      ``cpu``, ``memory``; null where usage or price is not known.
    * ``usage``: how much of what costs money is used: ``storedGib``, ``s3Writes``, ``s3Reads``,
      ``kmsKeys``, ``kmsRequests``, ``volumeGib``, ``cores``, ``memoryGib``, ``activeSeries``; null
      where it is not known.
    * ``unknown``: why something is not known, in sentences; empty if all is.
    * ``savings``: what would save money, as a list of ``change`` and ``saves``.
    * ``inTwelveMonths``: the sum after twelve months of growth; null without growth.
    * ``pricesFrom``, ``pricesTo``: days of the oldest and the newest price; null without prices.

    Amounts are rounded to cents so that two plans compare, not because the estimate is that good.

    Raises:
        SettingsError: the file of prices is wrong.
    """
    return json.dumps(_document(estimate(settings)), indent=2, sort_keys=True) + "\n"


def summary(settings: TracingSettings) -> str:
    """Return the section "Cost and capacity" of summary.md.

    Raises:
        SettingsError: the file of prices is wrong.
    """
    return section(settings, estimate(settings))


def _document(its: Estimate) -> dict[str, Any]:
    used, prices = its.usage, its.prices
    return {
        "currency": CURRENCY,
        "period": "month",
        "total": _cents(its.total),
        "parts": {part.value: _cents(usd) for part, usd in its.parts.items()},
        "usage": {
            "storedGib": _whole(used.stored_gib),
            "s3Writes": _whole(used.s3_writes),
            "s3Reads": _whole(used.s3_reads),
            "kmsKeys": used.kms_keys,
            "kmsRequests": _whole(used.kms_requests),
            "volumeGib": used.volume_gib,
            "cores": used.cores,
            "memoryGib": used.memory_gib,
            "activeSeries": used.active_series,
        },
        "unknown": its.unknown,
        "savings": [{"change": one.what, "saves": _cents(one.saves)} for one in its.changes],
        "inTwelveMonths": _cents(its.ahead),
        "pricesFrom": prices.oldest.isoformat() if prices else None,
        "pricesTo": prices.newest.isoformat() if prices else None,
    }


def _cents(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 2)


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)
