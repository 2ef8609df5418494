"""Service overview: all services in one table, those that need a person on top."""

from ...telemetry.promql import ANSWERED, ONCE, service_map, spans
from .. import units
from ..layout import Dashboard, Line, Section, dashboard
from ..links import SERVICE_COLUMNS, Uid, row_link
from ..panels import DURATION_STEPS, Column, Panels, request_columns
from ..variables import filters
from .requests import SERVICE_LINK, bar_links, graphs, numbers


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    requests, by = spans(ANSWERED, native=show.stack.native), tuple(SERVICE_COLUMNS)
    median = Column("Median", requests.quantile(0.5, by, ONCE), units.SECONDS, DURATION_STEPS)
    services = show.table(
        "Services, most failures first",
        "Requests of each service over the time range. Click a service for its own dashboard, or "
        "for its traces.",
        SERVICE_COLUMNS,
        [*request_columns(requests, by), median],
        order=("Failed", "p95"),
        links={"Service": [row_link("Service", Uid.SERVICE), row_link("Traces", Uid.TRACES)]},
        empty="no requests in this time range",
    )
    calls = show.service_map(
        "Who calls whom",
        "Services of the chosen namespaces and their calls. The red part of a ring is the share "
        "of failed requests.",
        service_map(),
    )
    return dashboard(
        Uid.SERVICES,
        "Which services there are, how much traffic they have, and which are slow or failing.",
        Section("All chosen services together", numbers(show, requests)),
        Section("Each service", Line(services, height=10)),
        Section("Over time", graphs(show, requests, links=(SERVICE_LINK,))),
        Section("Service graph", Line(calls, height=12)),
        variables=filters(show.stack),
        links=bar_links(show),
    )
