"""Error budgets of all SLOs: which are spent, which burn."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from ...alerting.severity import Severity
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import Label, SloMetric
from .. import units
from ..layout import Dashboard, PanelBuilder, dashboard, line, section
from ..links import Link, cell, dashboard_url, label
from ..panels import (
    GOOD,
    NEUTRAL,
    Steps,
    instant,
    prometheus_ref,
    promql,
    stat_panel,
    timeseries_panel,
)
from ..tables import Column, Order, table_panel
from ..uids import Uid
from ..variables import ALL
from .slo_detail import BUDGET_STEPS, BURN_STEPS
from .slo_detail import OVERVIEW_UID as UID
from .slo_detail import UID as DETAIL_UID
from .slo_queries import (
    burn_rate,
    firing,
    objective,
    recorded,
    sli,
    values,
    with_about,
)

_ONE_IS_BAD: Steps = {None: GOOD, 1: "red"}
_FILTERS = (f'{Label.SERVICE}=~"$service"', f'{Label.OWNER}=~"$owner"', f'{Label.KIND}=~"$kind"')


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard."""
    about = objective(context, _FILTERS)
    left = with_about(recorded(context, SloMetric.BUDGET_LEFT, ()), about)
    numbers = line(
        stat_panel(
            context,
            "SLOs",
            "Objectives that are being measured.",
            instant(context, f"count({about}) or vector(0)"),
            unit=units.COUNT,
        ),
        stat_panel(
            context,
            "Overspent",
            "SLOs that have no error budget left for their window.",
            instant(context, f"count(({left}) <= 0) or vector(0)"),
            unit=units.COUNT,
            steps=_ONE_IS_BAD,
        ),
        stat_panel(
            context,
            "Burning fast",
            "SLOs with an alert that calls for somebody now.",
            instant(context, firing(context, Severity.CRITICAL, ())),
            unit=units.COUNT,
            steps=_ONE_IS_BAD,
        ),
        stat_panel(
            context,
            "Burning slowly",
            "SLOs with an alert for the next working day.",
            instant(context, firing(context, Severity.WARNING, ())),
            unit=units.COUNT,
            steps={None: GOOD, 1: "yellow"},
        ),
        height=4,
    )
    trend = timeseries_panel(
        context,
        "The ten smallest error budgets",
        "Error budget left of the ten SLOs that have least at a time; 0 % is spent, and further "
        "below shows as -100 %. Click a line for its SLO.",
        promql(context, f"clamp_min(bottomk(10, {left}), -1)", "{{slo}}"),
        unit=units.BUDGET,
        steps=BUDGET_STEPS,
        links=(
            Link(
                title="SLO ${__field.labels.slo}",
                url=dashboard_url(DETAIL_UID, keep=(), values={"slo": label(Label.SLO)}),
            ),
        ),
    )
    return dashboard(
        UID,
        "SLOs",
        "Which objectives are kept, how much error budget is left, and what burns it.",
        section("Now", numbers),
        section("Objectives", line(_table(context, about, left), height=12)),
        section("Over time", line(trend.min(-1).max(1), height=9)),
        variables=[
            _filter(context, "service", "Service", Label.SERVICE),
            _filter(context, "owner", "Owner", Label.OWNER),
            _filter(context, "kind", "Kind", Label.KIND),
        ],
        time_from="now-7d",
        refresh="5m",
    )


def _table(context: DashboardContext, about: str, left: str) -> PanelBuilder:
    burning = {
        "1 h": SloMetric.RATIO_1H,
        "6 h": SloMetric.RATIO_6H,
        "3 d": SloMetric.RATIO_3D,
    }
    return table_panel(
        context,
        "Error budgets, least left first",
        "Every SLO: the share of good events in its window, how much of the error budget is left, "
        "and how fast it burns (1 spends it in just the window). Click a name for its details.",
        {
            Label.SLO: "SLO",
            Label.SERVICE: "Service",
            Label.OWNER: "Owner",
            Label.KIND: "Kind",
            Label.WINDOW: "Window",
        },
        [
            Column(title="Budget left", expr=left, unit=units.BUDGET, steps=BUDGET_STEPS),
            Column(title="Objective", expr=about, unit=units.KEPT),
            Column(
                title="Good",
                expr=with_about(f"({sli(context, SloMetric.RATIO_WINDOW, ())})", about),
                unit=units.KEPT,
                steps=NEUTRAL,
            ),
            *(
                Column(
                    title=f"Burn {span}",
                    expr=with_about(f"({burn_rate(context, ratio, ())})", about),
                    unit=units.FACTOR,
                    steps=BURN_STEPS,
                )
                for span, ratio in burning.items()
            ),
        ],
        links={
            "SLO": [
                Link(
                    title="Details",
                    url=dashboard_url(DETAIL_UID, keep=(), values={"slo": cell("SLO")}),
                )
            ],
            "Service": [
                Link(
                    title="Service",
                    url=dashboard_url(Uid.SERVICE, keep=(), values={"service": cell("Service")}),
                )
            ],
        },
        order=[Order(title="Budget left", rising=True), Order(title="Burn 1 h")],
        empty="no SLO has been measured yet",
    )


def _filter(context: DashboardContext, name: str, title: str, by: Label) -> builders.QueryVariable:
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = builders.QueryVariable(name).label(title).query(values(context, by))
    variable.datasource(prometheus_ref(context))
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.multi(True).include_all(True).all_value(ALL).current(everything)
