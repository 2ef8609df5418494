"""All dashboards, in the order in which they are delivered."""

from ...telemetry.context import DashboardContext
from ..layout import Dashboard
from . import (
    beyla_red,
    capacity,
    collectors,
    home,
    operation,
    service,
    services,
    slo_detail,
    slo_overview,
    tempo_health,
    traces,
    use_cases,
)


def dashboards(context: DashboardContext) -> list[Dashboard]:
    """Return the dashboards of a stack."""
    builders = [home, traces, services, service, operation, use_cases, capacity]
    if context.slos:
        builders += [slo_overview, slo_detail]
    if context.scraped:
        builders += [tempo_health, collectors]
        if context.beyla_namespace:
            builders.append(beyla_red)
    return [one.build(context) for one in builders]
