"""SLOs: an overview of all error budgets, and the details of one.

Two rulers that evaluate the same rules write two series of one value. Queries take their maximum,
never their sum.
"""

from collections.abc import Sequence

from ...telemetry.context import StackContext
from ...telemetry.metrics import Label, RulerMetric, Severity, SloMetric
from ...telemetry.promql import quoted, select
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import Link, Uid, cell, dashboard_url, label
from ..panels import ANY_STEPS, GOOD, Column, Panels, Steps
from ..variables import choose, filter_by, label_values

_ONE = (f'{Label.SLO}="$slo"',)
_FILTERS = (f'{Label.SERVICE}=~"$service"', f'{Label.OWNER}=~"$owner"', f'{Label.KIND}=~"$kind"')
#: Labels of an objective, with their headings. Its kind is at the end of most names, and a filter.
_ABOUT: dict[str, str] = {
    Label.SLO: "SLO",
    Label.SERVICE: "Service",
    Label.NAMESPACE: "Namespace",
    Label.OWNER: "Owner",
}
#: Share of an error budget below which it is at risk.
AT_RISK = 0.25
#: Share of the budget that is left: none, little.
_BUDGET_STEPS: Steps = {None: "red", 0: "orange", AT_RISK: GOOD}
#: Burn rate: faster than the budget lasts; the workbook's rate that wakes somebody.
_BURN_STEPS: Steps = {None: GOOD, 1: "orange", 6: "red"}
#: Windows, from the quickest to the steadiest.
_WINDOWS = {
    "5 min": SloMetric.RATIO_5M,
    "1 h": SloMetric.RATIO_1H,
    "6 h": SloMetric.RATIO_6H,
    "3 d": SloMetric.RATIO_3D,
}


def recorded(stack: StackContext, metric: SloMetric, matchers: Sequence[str] = ()) -> str:
    """Return a value by SLO, without other labels."""
    return f"max by ({Label.SLO}) ({_series(stack, metric, matchers)})"


def _series(stack: StackContext, metric: str, matchers: Sequence[str]) -> str:
    return select(metric, f"{Label.TEMPO_CLUSTER}={quoted(stack.cluster)}", *matchers)


def _objective(stack: StackContext, matchers: Sequence[str]) -> str:
    """Return the objective by SLO, with its labels."""
    return f"max by ({', '.join(_ABOUT)}) ({_series(stack, SloMetric.OBJECTIVE, matchers)})"


def _good(stack: StackContext, ratio: SloMetric, matchers: Sequence[str] = ()) -> str:
    """Return the share of good events by SLO, from 0 to 1."""
    return f"1 - {recorded(stack, ratio, matchers)}"


def _burn_rate(stack: StackContext, ratio: SloMetric, matchers: Sequence[str] = ()) -> str:
    """Return how fast the budget burns, by SLO: 1 spends it in exactly the SLO's window."""
    allowed = f"(1 - {recorded(stack, SloMetric.OBJECTIVE, matchers)})"
    return f"{recorded(stack, ratio, matchers)} / on ({Label.SLO}) {allowed}"


def _firing(stack: StackContext, severity: Severity, matchers: Sequence[str] = ()) -> str:
    """Return the number of SLOs with a firing alert."""
    firing = (f'{Label.ALERT_STATE}="firing"', f'{Label.SEVERITY}="{severity}"')
    alerts = _series(stack, RulerMetric.ALERTS, [*firing, f'{Label.SLO}!=""', *matchers])
    return f"count(count by ({Label.SLO}) ({alerts})) or vector(0)"


def _values(stack: StackContext, label: Label, matchers: Sequence[str] = ()) -> str:
    """Return the query of a variable: the values of a label of all objectives that match."""
    return label_values(_series(stack, SloMetric.OBJECTIVE, matchers), label)


def overview(show: Panels) -> Dashboard:
    """Return the dashboard of all SLOs."""
    stack = show.stack
    about = _objective(stack, _FILTERS)

    def labelled(expr: str) -> str:
        return f"{about} * 0 + on ({Label.SLO}) group_left () {expr}"

    left = labelled(recorded(stack, SloMetric.BUDGET_LEFT))
    numbers = Line(
        show.stat(
            "SLOs", "Objectives that are measured.", f"count({about}) or vector(0)", units.COUNT
        ),
        show.stat(
            "Overspent",
            "SLOs without any error budget left for their window.",
            f"count(({left}) <= 0) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        show.stat(
            "Burning fast",
            "SLOs with an alert that wakes somebody.",
            _firing(stack, Severity.CRITICAL),
            units.COUNT,
            ANY_STEPS,
        ),
        show.stat(
            "Burning slowly",
            "SLOs with an alert for the next working day.",
            _firing(stack, Severity.WARNING),
            units.COUNT,
            {None: GOOD, 1: "yellow"},
        ),
        height=4,
    )
    details = dashboard_url(Uid.SLO, keep=(), values={"slo": label(Label.SLO)})
    trend = show.graph(
        "The ten smallest error budgets",
        "Error budget left of the ten SLOs with the least. 0 % is spent; lower values show as "
        "-100 %. Click a line for its SLO.",
        {"{{slo}}": f"clamp_min(bottomk(10, {left}), -1)"},
        units.BUDGET,
        _BUDGET_STEPS,
        near_one=True,
        links=(Link(f"SLO ${{__field.labels.{Label.SLO}}}", details),),
    )
    of_service = {"service": cell("Service"), "namespace": cell("Namespace")}
    table = show.table(
        "Error budgets, least left first",
        "Every SLO: the error budget left, the share of good events in its window, and how fast "
        "the budget burns (1 spends it in exactly the window). Click a name for its details.",
        _ABOUT,
        [
            # The objective is known before the first event.
            Column("Objective", about, units.KEPT),
            Column("Budget left", left, units.BUDGET, _BUDGET_STEPS),
            Column("Good", labelled(f"({_good(stack, SloMetric.RATIO_WINDOW)})"), units.KEPT),
            *(
                Column(
                    f"Burn {span}",
                    labelled(f"({_burn_rate(stack, _WINDOWS[span])})"),
                    units.FACTOR,
                    _BURN_STEPS,
                )
                for span in ("1 h", "6 h", "3 d")
            ),
        ],
        order=("Budget left", "Burn 1 h"),
        rising=True,
        links={
            "SLO": [Link("Details", dashboard_url(Uid.SLO, keep=(), values={"slo": cell("SLO")}))],
            "Service": [Link("Service", dashboard_url(Uid.SERVICE, keep=(), values=of_service))],
        },
        empty="no SLO has been measured yet",
    )
    return dashboard(
        Uid.SLOS,
        "Which objectives are kept, how much error budget is left, and how fast it burns.",
        Section("Now", numbers),
        Section("Objectives", Line(table, height=12)),
        Section("Over time", Line(trend.min(-1), height=9)),
        variables=[
            filter_by(stack, "service", "Service", _values(stack, Label.SERVICE)),
            filter_by(stack, "owner", "Owner", _values(stack, Label.OWNER)),
            filter_by(stack, "kind", "Kind", _values(stack, Label.KIND)),
        ],
        time_from="now-7d",
        refresh="5m",
    )


def detail(show: Panels) -> Dashboard:
    """Return the dashboard of one SLO."""
    stack = show.stack
    return dashboard(
        Uid.SLO,
        "One objective: whether it is kept, how much error budget is left, and how fast it burns.",
        Section("Now", _numbers(show)),
        Section("Over time", *_graphs(show)),
        variables=[
            choose(stack, "slo", "SLO", _values(stack, Label.SLO)),
            # For the link to the service of the chosen SLO.
            choose(stack, "service", "Service", _values(stack, Label.SERVICE, _ONE), hidden=True),
            choose(
                stack, "namespace", "Namespace", _values(stack, Label.NAMESPACE, _ONE), hidden=True
            ),
        ],
        links=[
            Link("All SLOs", dashboard_url(Uid.SLOS, keep=())),
            Link("Service", dashboard_url(Uid.SERVICE, keep=("service", "namespace"))),
        ],
        time_from="now-7d",
        refresh="1m",
    )


def _numbers(show: Panels) -> Line:
    stack = show.stack
    return Line(
        show.stat(
            "Objective",
            "Share of events that must be good, over the SLO's window.",
            show.instant(
                f"max by ({Label.WINDOW}) ({_series(stack, SloMetric.OBJECTIVE, _ONE)})",
                f"over {{{{{Label.WINDOW}}}}}",
            ),
            units.KEPT,
            named=True,
        ),
        show.stat(
            "Good events",
            "Share of good events over the SLO's window.",
            _good(stack, SloMetric.RATIO_WINDOW, _ONE),
            units.KEPT,
        ),
        show.stat(
            "Budget left",
            "Share of the error budget that is left for the window. Below 0 it is overspent.",
            recorded(stack, SloMetric.BUDGET_LEFT, _ONE),
            units.BUDGET,
            _BUDGET_STEPS,
        ),
        *(
            show.stat(
                f"Burn rate, {span}",
                f"How fast the budget burned over {span}. 1 spends it in exactly the SLO's window.",
                _burn_rate(stack, _WINDOWS[span], _ONE),
                units.FACTOR,
                _BURN_STEPS,
            )
            for span in ("1 h", "6 h", "3 d")
        ),
        height=4,
    )


def _graphs(show: Panels) -> list[Line]:
    stack = show.stack
    good = {name: _good(stack, ratio, _ONE) for name, ratio in list(_WINDOWS.items())[1:]}
    budget: PanelBuilder = show.graph(
        "Error budget over time",
        "Falls with bad events and rises as old ones leave the window. 0 % is spent; lower "
        "values show as -100 %.",
        {"budget left": f"clamp_min({recorded(stack, SloMetric.BUDGET_LEFT, _ONE)}, -1)"},
        units.BUDGET,
        _BUDGET_STEPS,
        near_one=True,
    ).min(-1)
    return [
        Line(
            show.graph(
                "Good events over time",
                "Share of good events over windows of several lengths, and the objective. A gap "
                "is a time without events.",
                {**good, "objective": f"max by ({Label.SLO}) ({_objective(stack, _ONE)})"},
                units.KEPT,
                near_one=True,
            ),
            budget,
        ),
        Line(
            show.graph(
                "Burn rate over time",
                "How fast the budget burns. 1 spends it in exactly the SLO's window. Alerts "
                "combine a long and a short window: docs/slos.md.",
                {name: _burn_rate(stack, ratio, _ONE) for name, ratio in _WINDOWS.items()},
                units.FACTOR,
                _BURN_STEPS,
            ),
            show.graph(
                "Events",
                "All events and bad ones, per second.",
                {
                    "all": recorded(stack, SloMetric.EVENTS, _ONE),
                    "bad": recorded(stack, SloMetric.ERRORS, _ONE),
                },
                units.EVENTS,
            ),
        ),
        Line(
            show.graph(
                "Alerts",
                "1 while an alert of this SLO fires: critical wakes somebody, warning is for the "
                "next working day.",
                {str(one): _firing(stack, one, _ONE) for one in Severity},
                units.COUNT,
            ),
            height=6,
        ),
    ]
