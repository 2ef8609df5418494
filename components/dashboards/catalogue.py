"""All dashboards, in the order in which they are delivered."""

from components.dashboards import home
from components.dashboards.context import DashboardContext
from components.dashboards.layout import Dashboard


def dashboards(context: DashboardContext) -> list[Dashboard]:
    """Return the dashboards of a stack."""
    return [home.build(context)]
