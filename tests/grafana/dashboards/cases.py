"""Stacks that dashboards are built for, and what is in a dashboard."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from components.alloy.sampling.settings import SamplingMode
from components.core.settings import Size
from components.grafana.dashboards.component import dashboards
from components.grafana.layout import as_json
from components.telemetry.context import StackContext
from components.tempo.settings import TempoMode, TempoSettings
from components.tempo.sizes import limits
from tests.sweep import sweep

BARE = StackContext(
    tempo_uid="tempo-uid",
    metrics_uid="metrics-uid",
    logs_uid=None,
    profiles_uid=None,
    org_id=1,
    environment="dev",
    cluster="dev-cluster",
    namespace="tracing",
    beyla_namespace=None,
    mode=TempoMode.MONOLITHIC,
    limits=limits(TempoSettings()),
    scraped=False,
    slos=False,
    generator=True,
)
FULL = replace(
    BARE,
    logs_uid="logs-uid",
    profiles_uid="profiles-uid",
    beyla_namespace="beyla",
    scraped=True,
    slos=True,
)
CONTEXTS = {
    "bare": BARE,
    "monolithic": FULL,
    "distributed": replace(
        FULL,
        mode=TempoMode.DISTRIBUTED,
        limits=limits(TempoSettings(mode=TempoMode.DISTRIBUTED, size=Size.M)),
    ),
    "kafka": replace(
        FULL,
        mode=TempoMode.DISTRIBUTED,
        version=3,
        limits=limits(TempoSettings(mode=TempoMode.DISTRIBUTED, version=3, size=Size.M)),
    ),
    "sampled": replace(FULL, sampling=SamplingMode.ON, samplers=2, sampled_traces=50_000),
}

Key = tuple[str, str]


@cache
def read() -> dict[Key, dict[str, Any]]:
    """Return each dashboard of each context as Grafana reads it, by context and uid."""
    return {
        (name, str(one.uid)): json.loads(as_json(one))
        for name, context in CONTEXTS.items()
        for one in dashboards(context)
    }


#: A test of each dashboard by its key, and of each dashboard itself.
every_key = sweep("key", read, ids="-".join)
every_dashboard = sweep(
    "dashboard",
    lambda: read().values(),
    ids=lambda found: "-".join(next(key for key, d in read().items() if d is found)),
)


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels, those of collapsed rows too, without the rows."""
    found: list[dict[str, Any]] = []
    for one in dashboard["panels"]:
        found += one["panels"] if one["type"] == "row" else [one]
    return found


def targets(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in panels(dashboard):
        yield from panel.get("targets", [])


def texts(value: Any) -> Iterator[str]:
    """Return all texts in a dashboard."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from texts(one)
