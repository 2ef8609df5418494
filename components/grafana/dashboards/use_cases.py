"""Use cases: for each thing that traces are good for, the query that answers it."""

from ...telemetry.context import DashboardContext
from ..layout import Dashboard, dashboard
from ..uids import Uid
from ..variables import filters
from . import use_case_requests as requests
from . import use_case_services as services
from .traces import bar_links
from .use_case import contents


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    makers = (
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
    cases = [make(context) for make in makers]
    return dashboard(
        Uid.USE_CASES,
        "Use cases",
        "What traces can tell, each with the query that answers it and how to read it.",
        contents(cases),
        *(one.section() for one in cases),
        variables=filters(context),
        links=bar_links(context),
    )
