"""Policies of trace retention."""

import re
from collections.abc import Iterator, Sequence

from . import levels
from .reading import RELEASE, at, chart
from .rule import Before, Finding, Resource, Rule

SHORTENED = "retention-shortened"
#: Key of the pack's configuration with the deployed retention in hours.
DEPLOYED_HOURS = "deployedRetentionHours"
#: Paths of the retention in the values of Tempo's charts, in any version.
_PATHS = {
    "tempo": ("values.tempo.retention",),
    "tempo-distributed": (
        "values.compactor.config.compaction.block_retention",
        "values.backendScheduler.config.provider.compaction.compaction.block_retention",
    ),
}


def retention_hours(resources: Sequence[Resource]) -> float | None:
    """Return Tempo's trace retention in hours, or None if no release sets it in hours."""
    found = (_hours(resource) for resource in resources)
    return next((hours for hours in found if hours is not None), None)


def _hours(release: Resource) -> float | None:
    paths = _PATHS.get(chart(release), ()) if release.type == RELEASE else ()
    found = (str(at(release.inputs, path)) for path in paths)
    texts = (re.fullmatch(r"([0-9]+(\.[0-9]+)?)h", text) for text in found)
    return next((float(text[1]) for text in texts if text), None)


def _shortened(resources: Sequence[Resource], before: Before) -> Iterator[Finding]:
    old = before.retention_hours
    for resource in resources:
        new = _hours(resource)
        if new is not None and old is not None and new < old / 2:
            yield Finding(
                resource.urn,
                f"traces are kept for {new:g} hours, so far for {old:g}: less than half",
            )


RULES = (
    Rule(
        name=SHORTENED,
        what="A single change reduces the retention by half at most.",
        why="Tempo permanently deletes older traces within hours.",
        fix="Check the value. If it is intended, halve the retention repeatedly.",
        levels=levels.KEPT_TRACES,
        check=_shortened,
        compares=True,
    ),
)
