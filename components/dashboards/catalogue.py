"""All dashboards, in the order in which they are delivered."""

from components.dashboards import home, operation, service, services, traces
from components.dashboards.context import DashboardContext
from components.dashboards.layout import Dashboard


def dashboards(context: DashboardContext) -> list[Dashboard]:
    """Return the dashboards of a stack."""
    builders = (home, traces, services, service, operation)
    return [one.build(context) for one in builders]
