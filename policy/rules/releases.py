"""Policies of Helm releases."""

import glob
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from . import levels
from .reading import RELEASE, at, chart, entries, mapping
from .rule import UNKNOWN, Before, Finding, Resource, Rule

_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_LIMITS = ("cpu", "memory")


#: Contracts of the pinned charts (tests/contracts/record.py), each in the folder of its system.
_CONTRACTS = Path(__file__).parents[2] / "components"
#: Containers that no stack runs (Grafana Enterprise's, and that of `helm test`), and defaults that
#: other containers take.
_NOT_RUN = (
    "adminApi",
    "defaults",
    "enterpriseFederationFrontend",
    "enterpriseGateway",
    "testFramework",
)
#: Containers that another container's switch turns on.
_SWITCHES = {"backendWorker": "backendScheduler.enabled"}


@cache
def containers(chart_name: str, version: str = "") -> Mapping[str, tuple[str, bool]]:
    """Return where a pinned chart takes the resources of its containers from.

    Args:
        chart_name: name of the chart.
        version: its version. Of one that is not recorded, those of the same major count, or all.

    Returns:
        Path of each container's resources, with the path of the switch that turns it on (empty for
        one that always runs) and the switch's default. Empty for an unknown chart.
    """
    found: dict[str, tuple[str, bool]] = {}
    files = list(_CONTRACTS.glob(f"*/{glob.escape(chart_name)}-[0-9]*.json"))
    for end in (f"-{version}.json", f"-{version.partition('.')[0]}."):
        files = [file for file in files if end in file.name] or files
    for file in files:
        contract = json.loads(file.read_text(encoding="utf-8"))
        keys: Mapping[str, str] = contract["keys"]
        for path in (key for key in keys if key.split(".")[-1] == "resources"):
            name = path.rpartition(".")[0]
            own = (f"{name}.{end}" for end in ("enabled", "replicas") if name)
            switch = _SWITCHES.get(name) or next((key for key in own if key in keys), "")
            if name not in _NOT_RUN:
                found[path] = (switch, switch in contract["on"])
    return found


def _unpinned(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for resource in resources:
        if resource.type == RELEASE:
            version = resource.inputs.get("version")
            if not version:
                yield Finding(resource.urn, f"chart {chart(resource)} has no version")
            elif version != UNKNOWN and not _EXACT.fullmatch(str(version)):
                yield Finding(resource.urn, f"chart {chart(resource)} has the version {version}")


def _without_limits(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for release in resources:
        values = release.inputs.get("values")
        if release.type == RELEASE and values != UNKNOWN:
            version = str(release.inputs.get("version"))
            for path, found in _resources(chart(release), version, values):
                missing = [f"{path}.limits.{k}" for k in _LIMITS if not at(found, f"limits.{k}")]
                if missing:
                    yield Finding(release.urn, f"not set: values.{', values.'.join(missing)}")


def _resources(name: str, version: str, values: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and value of the resources of each running container."""
    known = containers(name, version)
    if not known:
        # Of an unknown chart: all resources in its values, of which there must be some.
        found = [(p, mapping(v)) for p, k, v in entries(values) if k == "resources" and mapping(v)]
        yield from found or [("resources", {})]
        return
    for path, (switch, default) in known.items():
        if not switch or at(values, switch, default):
            yield path, mapping(at(values, path))


def _unlimited_history(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for release in resources:
        if release.type == RELEASE and not release.inputs.get("maxHistory"):
            yield Finding(release.urn, "maxHistory is not set, or 0: every revision is kept")


RULES = (
    Rule(
        name="chart-unpinned",
        what="Every chart has an exact version.",
        why="Otherwise a new chart version is installed without a review.",
        fix="Set the whole version, for example 1.2.3.",
        levels=levels.UPSTREAM,
        check=_unpinned,
    ),
    Rule(
        name="release-without-limits",
        what="Every container has CPU and memory limits.",
        why="A container without limits can exhaust its node and affect other services.",
        fix="Set both limits at the path that the message names.",
        levels=levels.UPSTREAM,
        check=_without_limits,
    ),
    Rule(
        name="release-unlimited-history",
        what="Every Helm release limits its number of revisions.",
        why="Helm stores each revision as a Secret with all values, until etcd is full.",
        fix="Set max_history of the release, for example 10.",
        levels=levels.UPSTREAM,
        check=_unlimited_history,
    ),
)
