"""The steps of `make rehearse`: what to replay, what to run, and where the report goes."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from components.alloy.clean.replay import Cleaning
from components.core import versions
from components.core.helm import ALLOY
from components.core.names import TEMPO_RELEASE
from components.settings import TracingSettings
from plan.command import CommandError
from plan.diff.environment import Environment
from plan.diff.kinds import RELEASE
from plan.diff.presenting import Part
from plan.diff.trees import Planned, check_out, describe, plan_trees
from plan.rehearse import otlp, report, storing
from plan.rehearse.collectors import Tier, tiers
from plan.rehearse.programs import ProgramError
from plan.rehearse.run import Traffic, rehearse
from plan.rehearse.shop import LARGE, MARKER, Shop

#: Spans of the built-in traffic, without the large trace, and most of a recording.
SHOP_SPANS: Final = 60_000
MOST_SPANS: Final = 500_000
#: Spans of a rehearsal in a plan diff.
_COMPARED_SPANS = 20_000
#: Spans per second of the built-in traffic, and longest time in seconds of a replay.
_SHOP_RATE = 5_000
_REPLAY_SECONDS = 60


def missing() -> str:
    """Return what to install, as one sentence; empty if a rehearsal can run."""
    if shutil.which("alloy"):
        return ""
    tag = f"v{versions.of_chart(ALLOY).version}"
    image = f"grafana/alloy:{tag}"
    return (
        "a rehearsal needs `alloy` on PATH: install "
        f"https://github.com/grafana/alloy/releases/tag/{tag}, or copy it from its image "
        f"(`docker cp $(docker create {image}):/bin/alloy ~/.local/bin/`), and to measure bytes in "
        "S3, also `tempo` (`/tempo` in the image grafana/tempo) and `helm`"
    )


def shop(settings: Mapping[str, Any], spans: int = SHOP_SPANS, *, large: bool = True) -> Traffic:
    """Return the built-in traffic for a stack."""
    origin = {"k8s.cluster.name": str(settings.get("cluster", {}).get("name", "cluster"))}
    besides = f" and a trace of {LARGE:,}" if large else ""
    return Traffic(
        name=f"Built-in shop: {spans:,} spans{besides}",
        traces=list(Shop(origin).traces(spans, large=large)),
        per_second=_SHOP_RATE,
        marker=MARKER,
    )


def recorded(file: Path, most: int = MOST_SPANS) -> Traffic:
    """Return recorded traffic, sent faster than it was recorded if it took longer than a minute.

    Raises:
        CommandError: the file is not a recording.
    """
    recording = otlp.read(file, most)
    spans = sum(len(trace.spans) for trace in recording.traces)
    rate = spans / recording.seconds if recording.seconds >= 1 else None
    faster = max(1.0, recording.seconds / _REPLAY_SECONDS)
    notes: list[str] = []
    if recording.cut:
        notes.append(
            f"Only the first {most:,} spans of the file were read; the last traces of "
            "these may lack spans."
        )
    if faster > 1:
        notes.append(
            f"Sent {faster:,.1f} times as fast as recorded: limits per second bind that much "
            "earlier."
        )
    return Traffic(
        name=f"{file.name}: {spans:,} spans of {recording.seconds:,.0f} s",
        traces=recording.traces,
        per_second=(rate or _SHOP_RATE) * faster,
        recorded_per_second=rate,
        notes=notes,
    )


def releases(planned: Planned) -> dict[str, Mapping[str, Any]]:
    """Return the inputs of a plan's releases by name."""
    its = (r["inputs"] for r in planned.resources.values() if r["type"] == RELEASE)
    return {inputs["name"]: inputs for inputs in its}


def tiers_of(planned: Planned) -> list[Tier]:
    """Return the tiers that spans pass.

    Raises:
        CommandError: the stack has none.
    """
    found = _tiers(planned)
    if not found:
        raise CommandError(f"the stack {planned.stack} has no gateway to rehearse.")
    return found


def side(name: str, planned: Planned, traffic: Traffic, charts: Path | None) -> report.Side:
    """Rehearse one plan.

    Raises:
        CommandError: the stack file is refused, or the stack has no gateway.
        ProgramError: a program does not start or does not end.
    """
    if planned.error:
        raise CommandError(planned.error)
    tempo = storing.of_plan(releases(planned).get(TEMPO_RELEASE), charts)
    settings = settings_of(planned.settings)
    result = rehearse(tiers_of(planned), traffic, tempo, _cleaning(settings))
    month = report.month(settings, result, traffic)
    return report.Side(name=name, result=result, month=month)


def settings_of(document: Mapping[str, Any]) -> TracingSettings | None:
    """Return the settings of a plan; None for those of another version."""
    try:
        return TracingSettings.model_validate(document)
    except ValidationError:
        return None


def _cleaning(settings: TracingSettings | None) -> Cleaning | None:
    if settings is None:
        return None
    its = settings.alloy
    return Cleaning(redaction=its.redaction, limits=its.limits, routes=its.routes)


def compared(
    environments: Sequence[Environment], charts: Path | None
) -> tuple[list[Environment], list[str]]:
    """Add a rehearsal of both sides to each environment whose collectors differ.

    The second result has a sentence for each reason why one could not be rehearsed.
    """
    if reason := missing():
        return list(environments), [f"Nothing is rehearsed: {reason}."]
    found: list[Environment] = []
    notes: list[str] = []
    for e in environments:
        sides = [e.before, e.after]
        if e.is_compared and _tiers(e.before) != _tiers(e.after):
            traffic = shop(e.after.settings if e.after else {}, _COMPARED_SPANS, large=False)
            try:
                done = [
                    side(name, planned, traffic, charts)
                    for name, planned in zip(("base", "working tree"), sides, strict=True)
                    if planned
                ]
            except (CommandError, ProgramError) as error:
                notes.append(f"{e.stack} is not rehearsed: {error}.")
            else:
                part = Part(title=f"Rehearsal with {traffic.name}", body=report.part(done))
                e = replace(e, rendered=[*e.rendered, part])
        found.append(e)
    return found, notes


def _tiers(planned: Planned | None) -> list[Tier]:
    return tiers(releases(planned).values()) if planned else []


def plans(root: Path, stack: str, base: str | None) -> list[tuple[str, Planned]]:
    """Return the plans of a stack by the names of their trees, that of the base first.

    Raises:
        CommandError: there is no such stack, or the base is no commit.
    """
    if not (root / f"Pulumi.{stack}.yaml").is_file():
        raise CommandError(
            f"there is no stack file Pulumi.{stack}.yaml: set STACK to one, for example STACK=dev"
        )
    with tempfile.TemporaryDirectory() as folder:
        trees, names = [root], ["working tree"]
        if base:
            check_out(root, describe(root, base).base_commit, Path(folder))
            trees, names = [Path(folder), root], [base, *names]
        found = plan_trees(trees, stack)
    for name, its in zip(names, found, strict=True):
        if stack not in its:
            raise CommandError(f"{name} has no stack file Pulumi.{stack}.yaml to compare with.")
    return [(name, its[stack]) for name, its in zip(names, found, strict=True)]
