"""Use cases: for each thing that traces are good for, the query that answers it."""

from components.dashboards import use_case_requests as requests
from components.dashboards import use_case_services as services
from components.dashboards.context import DashboardContext
from components.dashboards.layout import Dashboard, dashboard
from components.dashboards.traces import bar_links
from components.dashboards.uids import Uid
from components.dashboards.variables import filters


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    cases = (
        requests.latency,
        requests.end_to_end,
        requests.errors,
        services.capacity,
        requests.root_cause,
        services.tuning,
        services.promises,
        requests.misconfigurations,
        services.users,
    )
    return dashboard(
        Uid.USE_CASES,
        "Use cases",
        "What traces can tell, each with the query that answers it and how to read it.",
        *(case(context) for case in cases),
        variables=filters(context),
        links=bar_links(context),
    )
