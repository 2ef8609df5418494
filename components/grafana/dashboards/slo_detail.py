"""One SLO: how good it is, what is left of its budget, and what burns it."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from ...alerting.severity import Severity
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label, SloMetric
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, dashboard, line, section
from ..links import Link, dashboard_url
from ..panels import GOOD, Steps, instant, prometheus_ref, promql, stat_panel, timeseries_panel
from ..uids import Uid
from .slo_queries import (
    burn_rate,
    firing,
    objective,
    recorded,
    sli,
    values,
)

UID, OVERVIEW_UID = "tracing-slo", "tracing-slos"
_ONE = (f'{Label.SLO}="$slo"',)
#: Share of the budget that is left: none, little.
BUDGET_STEPS: Steps = {None: "red", 0: "orange", 0.25: GOOD}
#: Burn rate: more than lasts; the workbook's pace that calls somebody at once.
BURN_STEPS: Steps = {None: GOOD, 1: "orange", 6: "red"}
#: Windows in graphs, from the quickest to the steadiest.
_WINDOWS = {
    "5 min": SloMetric.RATIO_5M,
    "1 h": SloMetric.RATIO_1H,
    "6 h": SloMetric.RATIO_6H,
    "3 d": SloMetric.RATIO_3D,
}


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    graphs = (
        line(_good(context), _budget(context)),
        line(_burning(context), _events(context)),
        line(_alerts(context), height=6),
    )
    return dashboard(
        UID,
        "SLO",
        "One objective: whether it is kept, what is left of its error budget and what burns it.",
        section("Now", _numbers(context)),
        section("Over time", *graphs),
        variables=[
            _variable(context, "slo", "SLO", values(context, Label.SLO)),
            # For the link: what the chosen SLO is about.
            _variable(
                context, "service", "Service", values(context, Label.SERVICE, _ONE), hidden=True
            ),
            _variable(
                context,
                "namespace",
                "Namespace",
                values(context, Label.NAMESPACE, _ONE),
                hidden=True,
            ),
        ],
        links=[
            Link(title="All SLOs", url=dashboard_url(OVERVIEW_UID, keep=())),
            Link(title="Service", url=dashboard_url(Uid.SERVICE, keep=("service", "namespace"))),
        ],
        time_from="now-7d",
        refresh="1m",
    )


def _variable(
    context: DashboardContext, name: str, title: str, query: str, *, hidden: bool = False
) -> builders.QueryVariable:
    variable = builders.QueryVariable(name).label(title).query(query)
    variable.datasource(prometheus_ref(context)).include_all(False).multi(False)
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if hidden:
        variable.hide(models.VariableHide.HIDE_VARIABLE)
    return variable.sort(models.VariableSort.ALPHABETICAL_ASC)


def _numbers(context: DashboardContext) -> Line:
    shown = [
        ("Objective", "Share of events that must be good.", objective(context, _ONE)),
        (
            "Good events",
            "Share of good events over the SLO's window.",
            sli(context, SloMetric.RATIO_WINDOW, _ONE),
        ),
    ]
    return line(
        *(
            stat_panel(context, title, description, instant(context, expr), unit=units.KEPT)
            for title, description, expr in shown
        ),
        stat_panel(
            context,
            "Budget left",
            "Share of the error budget that is left for the window; below 0 it is overspent.",
            instant(context, recorded(context, SloMetric.BUDGET_LEFT, _ONE)),
            unit=units.BUDGET,
            steps=BUDGET_STEPS,
        ),
        *(
            stat_panel(
                context,
                f"Burn rate, {span}",
                f"How fast the budget burned over {span}: 1 spends it in just the SLO's window.",
                instant(context, burn_rate(context, _WINDOWS[span], _ONE)),
                unit=units.FACTOR,
                steps=BURN_STEPS,
            )
            for span in ("1 h", "6 h", "3 d")
        ),
        height=4,
    )


def _good(context: DashboardContext) -> PanelBuilder:
    lines = {name: sli(context, ratio, _ONE) for name, ratio in list(_WINDOWS.items())[1:]}
    lines["objective"] = f"max by ({Label.SLO}) ({objective(context, _ONE)})"
    return timeseries_panel(
        context,
        "Good events over time",
        "Share of good events over windows of several lengths, and the objective. A gap is a time "
        "without events.",
        *(promql(context, expr, name) for name, expr in lines.items()),
        unit=units.KEPT,
        near_one=True,
    )


def _budget(context: DashboardContext) -> PanelBuilder:
    left = recorded(context, SloMetric.BUDGET_LEFT, _ONE)
    return (
        timeseries_panel(
            context,
            "Error budget over time",
            "Falls while bad events come in and rises as old ones leave the window. 0 % is spent; "
            "further below shows as -100 %.",
            promql(context, f"clamp_min({left}, -1)", "budget left"),
            unit=units.BUDGET,
            steps=BUDGET_STEPS,
        )
        .min(-1)
        .max(1)
    )


def _burning(context: DashboardContext) -> PanelBuilder:
    return timeseries_panel(
        context,
        "Burn rate over time",
        "How fast the budget burns: 1 spends it in just the SLO's window. Alerts look at a long "
        "and a short window at once: docs/slos.md.",
        *(promql(context, burn_rate(context, r, _ONE), name) for name, r in _WINDOWS.items()),
        unit=units.FACTOR,
        steps=BURN_STEPS,
    )


def _events(context: DashboardContext) -> PanelBuilder:
    return timeseries_panel(
        context,
        "Events",
        "All events and bad ones, per second.",
        promql(context, recorded(context, SloMetric.EVENTS, _ONE), "all"),
        promql(context, recorded(context, SloMetric.ERRORS, _ONE), "bad"),
        unit=units.EVENTS,
    )


def _alerts(context: DashboardContext) -> PanelBuilder:
    return timeseries_panel(
        context,
        "Alerts",
        "1 while an alert of this SLO fires: critical is for now, warning for the next working "
        "day.",
        *(promql(context, firing(context, one, _ONE), str(one)) for one in Severity),
        unit=units.COUNT,
    )
