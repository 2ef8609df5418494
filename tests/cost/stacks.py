"""Settings for tests of cost: valid ones, with some values replaced."""

import datetime
from typing import Any

from components.settings import TracingSettings
from plan.cost.prices import Prices, Tier, Unit
from tests.stack.valid_settings import merged

#: Prices that are easy to reckon with.
PRICES = Prices(
    usd={
        Unit.S3_WRITES: 5,
        Unit.S3_READS: 1,
        Unit.KMS_KEY: 1,
        Unit.KMS_REQUESTS: 30,
        Unit.VOLUME: 0.1,
        Unit.CPU: 0.04,
        Unit.MEMORY: 0.005,
    },
    storage_tiers=[Tier.model_validate({"upToGib": 1000, "usd": 0.02}), Tier(usd=0.01)],
    oldest=datetime.date(2026, 1, 2),
    newest=datetime.date(2026, 3, 4),
)
BY_REGION = {"eu-west-1": PRICES}
METRICS = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}
DISTRIBUTED = {"tempo": {"mode": "distributed", "size": "m"}}


def settings(*changes: dict[str, Any]) -> TracingSettings:
    """Return settings of a monolithic stack in eu-west-1 without TraceQL metrics, changed."""
    base: dict[str, Any] = {
        "environment": {"name": "dev"},
        "cluster": {"name": "c", "region": "eu-west-1", "accountId": "1" * 12},
        "tempo": {"traceqlMetrics": False, "retentionHours": 100},
    }
    return TracingSettings.model_validate(merged(base, *changes))


def load(**values: Any) -> dict[str, Any]:
    """Return the group `load`."""
    return {"load": {"spansPerSecond": 1_000, "bytesPerSpan": 400, **values}}
