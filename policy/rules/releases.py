"""Policies of Helm releases."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import levels
from .reading import RELEASE, at, chart, entries, mapping
from .rule import UNKNOWN, Before, Finding, Resource, Rule

_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_LIMITS = ("cpu", "memory")


class Container(NamedTuple):
    """Where a chart takes a container's resources from.

    Attributes:
        resources: path of the value.
        switch: path of the value that turns it on: a truth value or a number of replicas.
        default: what the chart has at the switch.
    """

    resources: str
    switch: str | None = None
    default: bool = False


#: Containers by chart, by the charts' own values. What does not stand here is Grafana Enterprise's,
#: or for `helm test`, or a default that the others take where they have none.
CONTAINERS: Mapping[str, Sequence[Container]] = {
    "alloy": (
        Container("alloy.resources"),
        Container("configReloader.resources", "configReloader.enabled", True),
    ),
    "beyla": (
        Container("resources"),
        Container("k8sCache.resources", "k8sCache.replicas"),
    ),
    "opentelemetry-operator": (Container("manager.resources"),),
    "tempo": (
        Container("tempo.resources"),
        Container("tempoQuery.resources", "tempoQuery.enabled"),
    ),
    "tempo-distributed": (
        Container("distributor.resources"),
        Container("querier.resources"),
        Container("queryFrontend.resources"),
        Container("compactor.resources", "compactor.replicas", True),
        Container("ingester.resources", "ingester.enabled", True),
        Container("memcached.resources", "memcached.enabled", True),
        Container("queryFrontend.query.resources", "queryFrontend.query.enabled"),
        Container("metricsGenerator.resources", "metricsGenerator.enabled"),
        Container("gateway.resources", "gateway.enabled"),
        Container("memcachedExporter.resources", "memcachedExporter.enabled"),
        Container("memcachedBloom.resources", "memcachedBloom.enabled"),
        Container("memcachedFrontendSearch.resources", "memcachedFrontendSearch.enabled"),
        Container("memcachedParquetFooter.resources", "memcachedParquetFooter.enabled"),
        Container("backendScheduler.resources", "backendScheduler.enabled"),
        Container("backendWorker.resources", "backendScheduler.enabled"),
        Container("blockBuilder.resources", "blockBuilder.enabled"),
        Container("liveStore.resources", "liveStore.enabled"),
        Container("minio.resources", "minio.enabled"),
    ),
}


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
            for path, found in _resources(chart(release), values):
                missing = [f"{path}.limits.{k}" for k in _LIMITS if not at(found, f"limits.{k}")]
                if missing:
                    yield Finding(release.urn, f"not set: values.{', values.'.join(missing)}")


def _resources(name: str, values: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and value of the resources of each container that runs."""
    known = CONTAINERS.get(name)
    if known is None:
        # Of a chart that nobody here knows: what it is given, and that it is given something.
        found = [(p, mapping(v)) for p, k, v in entries(values) if k == "resources" and mapping(v)]
        yield from found or [("resources", {})]
        return
    for container in known:
        if container.switch is None or at(values, container.switch, container.default):
            yield container.resources, mapping(at(values, container.resources))


def _unlimited_history(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for release in resources:
        if release.type == RELEASE and not release.inputs.get("maxHistory"):
            yield Finding(release.urn, "maxHistory is not set, or 0: every revision is kept")


RULES = (
    Rule(
        name="chart-unpinned",
        what="Every chart has one exact version.",
        why="Another chart would be installed on another day, by a change that nobody reviewed.",
        fix="Write the whole version, such as 1.2.3.",
        levels=levels.UPSTREAM,
        check=_unpinned,
    ),
    Rule(
        name="release-without-limits",
        what="Every container has limits of CPU and memory.",
        why="One that grows would take its node, and with it services that are not ours.",
        fix="Set both limits at the path that the message names.",
        levels=levels.UPSTREAM,
        check=_without_limits,
    ),
    Rule(
        name="release-unlimited-history",
        what="Every release keeps a limited number of revisions.",
        why="Helm keeps each revision as a Secret with all values, until etcd is full.",
        fix="Set max_history of the release, such as 10.",
        levels=levels.UPSTREAM,
        check=_unlimited_history,
    ),
)
