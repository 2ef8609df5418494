"""Home: where to go from here, and how the tracing system itself is."""

from components.dashboards.context import DashboardContext
from components.dashboards.kit import instant, stat_panel
from components.dashboards.layout import Dashboard, dashboard, line, section
from components.signals import SpanMetric

UID = "tracing-home"


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    spans = stat_panel(
        context,
        "Spans",
        "Spans per second that arrive at Tempo.",
        instant(context, f"sum(rate({SpanMetric.CALLS}[$__range]))"),
        unit="cps",
    )
    return dashboard(UID, "Observability home", "Where to go.", section("State", line(spans)))
