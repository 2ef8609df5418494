"""Dashboards as a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ...core.outputs import register
from ...core.units import MAX_OBJECT_BYTES
from ...telemetry.context import StackContext
from ..delivery import Delivery
from ..layout import Dashboard, as_json
from ..panels import Panels
from ..settings import GrafanaSettings
from . import (
    beyla,
    capacity,
    collectors,
    home,
    operation,
    sampling,
    service,
    services,
    slos,
    tempo,
    traces,
    use_cases,
)


def dashboards(stack: StackContext) -> list[Dashboard]:
    """Return the dashboards of a stack, in the order in which they are delivered."""
    made = [home, traces, services, service, operation, use_cases, capacity]
    builders = [module.build for module in made]
    if stack.slos:
        builders += [slos.overview, slos.detail]
    if stack.samples:
        builders.append(sampling.build)
    if stack.scraped:
        builders += [tempo.build, collectors.build]
        if stack.beyla_namespace:
            builders.append(beyla.build)
    return [build(Panels(stack)) for build in builders]


@dataclass(frozen=True, kw_only=True)
class GrafanaDashboardsArgs:
    """Arguments of the dashboards, whose uids are names in Kubernetes."""

    settings: GrafanaSettings
    dashboards: Sequence[Dashboard]


class GrafanaDashboards(pulumi.ComponentResource):
    """An object for each dashboard, by `settings.delivery`."""

    uids: pulumi.Output[list[str]]
    """Uids of the dashboards."""

    def __init__(
        self, name: str, args: GrafanaDashboardsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the objects; see `dashboard_files` for errors."""
        super().__init__("tracing:index:GrafanaDashboards", name, {}, opts)
        texts = dashboard_files(args.dashboards)
        Delivery(name, args.settings, self).dashboards(texts)
        self.uids = pulumi.Output.from_input(list(texts))
        register(self)


def dashboard_files(dashboards: Sequence[Dashboard]) -> dict[str, str]:
    """Return the JSON of each dashboard by its uid.

    Raises:
        ValueError: a dashboard has no uid, shares one, or is too large for an object.
    """
    texts: dict[str, str] = {}
    for one in dashboards:
        text = as_json(one)
        if not one.uid or one.uid in texts:
            raise ValueError(f"dashboard {one.title}: uid {one.uid} is missing or taken")
        if (size := len(text.encode())) > MAX_OBJECT_BYTES:
            raise ValueError(
                f"dashboard {one.uid}: {size} bytes, an object holds {MAX_OBJECT_BYTES}"
            )
        texts[one.uid] = text
    return texts
