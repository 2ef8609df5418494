"""Prometheus itself evaluates the rules: alerts fire when they should, and only then."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cases
import pytest
import yaml
from cases import built, calls, counter, slo

from components.alerting.delivery import RuleGroup
from components.alerting.slo.settings import SloDefaultsSettings
from components.grafana.dashboards import slos
from components.grafana.layout import as_json
from components.grafana.panels import Panels
from tests.alerting.cases import MONOLITHIC, context
from tests.grafana.dashboards.cases import targets

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(not PROMTOOL, reason="promtool is not on PATH")
HOUR, DAY = 60, 24 * 60
FIRING = 'count by (slo, severity) (ALERTS{alertstate="firing"})'
PAGE = ['{slo="cart", severity="critical"}']
TICKET = ['{slo="cart", severity="warning"}']

BOTH = [*PAGE, *TICKET]
QUIET: list[str] = []

Series = Sequence[Mapping[str, str]]


def evaluate(folder: Path, groups: list[RuleGroup], series: Series, **tests: Any) -> None:
    """Check the rules, and run a test over them.

    Promtool evaluates all groups at one interval. Days are tested at four minutes, to take seconds:
    shares of bad events stay as they are.
    """
    last = max(int(t["eval_time"].rstrip("m")) for kind in tests.values() for t in kind)
    every = "4m" if last > DAY else "1m"
    rules, file = folder / "rules.yaml", folder / "test.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    file.write_text(yaml.safe_dump(cases.promtool_file(str(rules), series, every, **tests)))
    assert PROMTOOL
    for command in (["check", "rules", str(rules)], ["test", "rules", str(file)]):
        done = subprocess.run([PROMTOOL, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def firing(
    folder: Path, groups: list[RuleGroup], series: Series, expected: Mapping[int, list[str]]
) -> None:
    """Check which alerts fire, by minute."""
    found = [
        {
            "expr": FIRING,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": labels, "value": 1} for labels in alerts],
        }
        for minute, alerts in expected.items()
    ]
    evaluate(folder, groups, series, promql_expr_test=found)


def values(
    folder: Path, groups: list[RuleGroup], series: Series, minute: int, expected: Mapping[str, Any]
) -> None:
    """Check single values, each rounded to six digits; None where there must be none."""
    found = [
        {
            "expr": f"round({expr}, 0.000001)",
            "eval_time": f"{minute}m",
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for expr, value in expected.items()
    ]
    evaluate(folder, groups, series, promql_expr_test=found)


def test_an_outage_pages_within_minutes_and_ends_soon_after_it(tmp_path: Path) -> None:
    start = 6 * HOUR
    series = calls(
        counter((start, 100), (15, 0), (2 * HOUR, 100)), counter((start, 0), (15, 100), (HOUR, 0))
    )
    # A quarter of an hour is a third of the 40 minutes that four weeks may have: a ticket stays.
    expected = {start: [], start + 7: PAGE, start + 15: PAGE, start + 60: TICKET}
    firing(tmp_path, built(slo()), series, expected)


def test_a_blip_pages_nobody(tmp_path: Path) -> None:
    start = 6 * HOUR
    series = calls(
        counter((start, 100), (1, 80), (HOUR, 100)), counter((start, 0), (1, 20), (HOUR, 0))
    )
    expected = dict.fromkeys(range(start, start + 30), QUIET)
    firing(tmp_path, built(slo()), series, expected)


def test_six_times_the_pace_pages_within_hours_though_an_hour_of_it_is_too_little(
    tmp_path: Path,
) -> None:
    start = DAY
    bad = counter((start, 0), (6 * HOUR, 10))
    series = calls(counter((start + 6 * HOUR, 990)), bad)
    firing(
        tmp_path,
        built(slo()),
        series,
        # 1 % is under the 1.344 % of the fast pair, over the 0.56 % of the slow one from 3.4 h on.
        {start + 3 * HOUR: [], start + 4 * HOUR: BOTH},
    )


def test_a_slow_burn_warns_and_never_pages(tmp_path: Path) -> None:
    series = calls(counter((3 * DAY, 996)), counter((DAY, 0), (2 * DAY, 4)))
    expected = {DAY + HOUR: [], 2 * DAY: TICKET, 3 * DAY: TICKET}
    firing(tmp_path, built(slo()), series, expected)


def test_errors_within_the_budget_are_quiet(tmp_path: Path) -> None:
    series = calls(counter((3 * DAY, 999.2)), counter((3 * DAY, 0.8)))
    expected: dict[int, list[str]] = {HOUR: [], 6 * HOUR: [], DAY: [], 3 * DAY: []}
    firing(tmp_path, built(slo()), series, expected)


def test_one_failure_of_few_requests_wakes_nobody(tmp_path: Path) -> None:
    start = 6 * HOUR
    series = calls(counter((8 * HOUR, 0.2)), counter((start, 0), (1, 1), (HOUR, 0)))
    quiet = dict.fromkeys(range(start, start + 60, 5), QUIET)
    firing(tmp_path, built(slo()), series, quiet)
    firing(tmp_path, built(slo(leastFailures=0)), series, {start + 4: PAGE})


def test_few_requests_that_all_fail_do_page(tmp_path: Path) -> None:
    start = 6 * HOUR
    series = calls(counter((start, 0.5), (HOUR, 0)), counter((start, 0), (HOUR, 0.5)))
    firing(tmp_path, built(slo()), series, {start + 5: [], start + 15: PAGE})


def test_a_service_without_requests_has_no_ratio_and_no_alert(tmp_path: Path) -> None:
    series = calls(counter((7 * HOUR, 0)), counter((7 * HOUR, 0)))
    firing(tmp_path, built(slo()), series, {6 * HOUR: []})
    values(tmp_path, built(slo()), series, 6 * HOUR, {"sum(slo:error_ratio:rate1h)": None})


def test_a_rollout_is_quiet(tmp_path: Path) -> None:
    """Tempo restarts: its counters begin anew, under the name of another pod."""
    start = 6 * HOUR
    before = calls(counter((start, 999.5)) + " stale", counter((start, 0.5)) + " stale")
    gap = "_x" + str(start + 1)
    after = calls(
        f"{gap} {counter((HOUR, 999.5))}",
        f"{gap} {counter((HOUR, 0.5))}",
        {"__metrics_gen_instance": "tempo-1"},
    )
    expected = dict.fromkeys(range(start - 2, start + 30, 2), QUIET)
    firing(tmp_path, built(slo()), [*before, *after], expected)


def test_a_restarted_counter_is_quiet(tmp_path: Path) -> None:
    good = counter((6 * HOUR, 999.5), (1, -1), (HOUR, 999.5))
    bad = counter((6 * HOUR, 0.5), (1, -1), (HOUR, 0.5))
    expected = dict.fromkeys(range(6 * HOUR, 7 * HOUR, 4), QUIET)
    firing(tmp_path, built(slo()), calls(good, bad), expected)


def test_an_alert_says_what_is_promised_and_where_to_read_on(tmp_path: Path) -> None:
    its = slo(description="Carts open {{always}}.", labels={"tier": "gold"})
    tests = {
        "eval_time": "15m",
        "alertname": "SloBudgetBurnsFast",
        "exp_alerts": [
            {
                "exp_labels": {
                    "slo": "cart",
                    "cluster": "test",
                    "owner": "shop-team",
                    "severity": "critical",
                    "tier": "gold",
                    "team": "platform",
                },
                "exp_annotations": {
                    "summary": "cart: the error budget burns fast",
                    "description": "Carts open {{always}}. 50% of events are bad; 99.9 % must be "
                    "good over 28 days. Alerts at a burn rate of 13.4 times over 1h, 5.6 times "
                    "over 6h, where 1 spends the budget in exactly 28 days.",
                    "runbook_url": "https://git/runbooks/slo-budget-burns-fast.md",
                    "dashboard_url": "https://grafana/d/tracing-slo?orgId=1&var-slo=cart",
                },
            }
        ],
    }
    series = calls(counter((HOUR, 50)), counter((HOUR, 50)))
    groups = built(its, alert_labels={"team": "platform"})
    evaluate(tmp_path, groups, series, alert_rule_test=[tests])


def test_the_windows_hold_the_share_of_bad_events(tmp_path: Path) -> None:
    # Two days without errors, one with 0.3 %: over three days that is the whole budget.
    series = calls(counter((3 * DAY, 997)), counter((2 * DAY, 0), (DAY, 3)))
    ratios = {w: f"sum(slo:error_ratio:rate{w})" for w in ("5m", "30m", "1h", "2h", "6h")}
    # 3 of 1000, and none of 997 two days long.
    whole = 3 / (3 * 997 + 3)
    expected = {
        **dict.fromkeys(ratios.values(), 0.003),
        "sum(slo:objective:ratio)": 0.999,
        f"abs(sum(slo:error_ratio:rate1d) - 0.003) < bool {0.003 / 24}": 1,
        f"abs(sum(slo:error_ratio:rate3d) - {whole}) < bool {whole / 24}": 1,
        f"abs(sum(slo:error_ratio:window) - {whole}) < bool {whole / 24}": 1,
        "abs(sum(slo:error_budget:remaining)) < bool 0.05": 1,
    }
    values(tmp_path, built(slo()), series, 3 * DAY, expected)


def test_events_are_counted(tmp_path: Path) -> None:
    series = calls(counter((3 * HOUR, 997)), counter((3 * HOUR, 3)))
    expected = {
        # Groups are not evaluated in step: the last minute may be missing. And Prometheus 2 counts
        # both ends of a range, a minute more than Prometheus 3.
        "abs(sum(slo:events:increase1h) - 60000) <= bool 2000": 1,
        "abs(sum(slo:errors:increase1h) - 180) <= bool 6": 1,
    }
    values(tmp_path, built(slo()), series, 3 * HOUR, expected)


def test_latency_counts_what_is_over_the_threshold(tmp_path: Path) -> None:
    its = slo("slow", 95, latency={**cases.SPAN, "thresholdSeconds": 0.512})
    series = cases.latencies(
        counter((HOUR, 100)), {"0.256": counter((HOUR, 50)), "0.512": counter((HOUR, 90))}
    )
    values(tmp_path, built(its), series, HOUR, {"sum(slo:error_ratio:rate5m)": 0.1})


@pytest.mark.parametrize("count", ["good", "bad"])
def test_a_ratio_sums_up_what_its_expressions_find(tmp_path: Path, count: str) -> None:
    ratio = {"total": "rate(jobs_total[window])", count: f"rate(jobs_{count}_total[window])"}
    series = [
        cases.plain("jobs_total", counter((HOUR, 60)), queue="a"),
        cases.plain("jobs_total", counter((HOUR, 40)), queue="b"),
        cases.plain(f"jobs_{count}_total", counter((HOUR, 20)), queue="b"),
    ]
    share = 0.8 if count == "good" else 0.2
    values(
        tmp_path,
        built(slo("jobs", 99, ratio=ratio)),
        series,
        HOUR,
        {"sum(slo:error_ratio:rate1h)": share, "round(sum(slo:events:rate5m), 0.01)": 1.67},
    )


def test_a_ratio_without_any_bad_series_is_without_fault(tmp_path: Path) -> None:
    ratio = {"total": "rate(jobs_total[window])", "bad": "rate(jobs_bad_total[window])"}
    series = [cases.plain("jobs_total", counter((HOUR, 60)))]
    groups = built(slo("jobs", 99, ratio=ratio))
    values(tmp_path, groups, series, HOUR, {"sum(slo:error_ratio:rate1h)": 0})


def test_every_service_is_held_to_the_template_but_those_with_an_slo_of_their_own(
    tmp_path: Path,
) -> None:
    defaults = SloDefaultsSettings(enabled=True, availability_objective=99)
    other = {"service": "pay", "k8s_namespace_name": "money"}
    good, bad = counter((HOUR, 50)), counter((HOUR, 50))
    series = [*calls(good, bad), *calls(good, bad, other)]
    groups = built(slo(), defaults=defaults)
    names = ["cart", "money/pay/availability"]
    tests = [
        {
            "expr": "count by (slo) (slo:objective:ratio)",
            "eval_time": "30m",
            "exp_samples": [{"labels": f'{{slo="{n}"}}', "value": 1} for n in names],
        },
        {
            "expr": 'count by (slo, service, kind) (ALERTS{alertstate="firing",'
            'severity="critical",template!=""})',
            "eval_time": "30m",
            "exp_samples": [
                {
                    "labels": '{slo="money/pay/availability",service="pay",kind="availability"}',
                    "value": 1,
                }
            ],
        },
    ]
    evaluate(tmp_path, groups, series, promql_expr_test=tests)


def test_another_clusters_series_do_not_count(tmp_path: Path) -> None:
    series = calls(counter((HOUR, 0)), counter((HOUR, 50)), {"cluster": "other"})
    firing(tmp_path, built(slo()), series, {HOUR: []})


@pytest.mark.parametrize("name", ["cart", "money/pay/latency"])
def test_no_panel_is_empty_while_all_is_well(tmp_path: Path, name: str) -> None:
    other = {"service": "pay", "k8s_namespace_name": "money"}
    series = [
        *calls(counter((2 * HOUR, 50))),
        *cases.latencies(counter((2 * HOUR, 50)), {"1.02": counter((2 * HOUR, 49))}, other),
    ]
    chosen = {"$slo": name, "$service": ".*", "$owner": ".*", "$kind": ".*"}
    expected: dict[str, Any] = {}
    show = Panels(context(MONOLITHIC, cluster=cases.CLUSTER))
    for dashboard in (slos.overview(show), slos.detail(show)):
        for target in targets(json.loads(as_json(dashboard))):
            expr: str = target["expr"]
            for variable, value in chosen.items():
                expr = expr.replace(variable, value)
            expected[f"count({expr}) > bool 0"] = 1
    groups = built(slo(), defaults=SloDefaultsSettings(enabled=True))
    values(tmp_path, groups, series, 2 * HOUR, expected)


def test_an_slo_without_data_says_so_and_a_quiet_night_is_none(tmp_path: Path) -> None:
    """From the second day on the service is gone, or its series reach the ruler no longer."""
    night = 10 * HOUR
    gone = calls(counter((DAY, 60)))
    gone[0]["values"] += " stale"
    no_data = ['{slo="cart", severity="warning"}']
    firing(tmp_path, built(slo()), gone, {DAY + night: QUIET, 2 * DAY + 8 * HOUR: no_data})
    firing(tmp_path, built(slo()), [], {5 * HOUR: QUIET, 7 * HOUR: no_data})


def test_an_slo_without_weekend_traffic_is_quiet_from_the_second_weekend_on(tmp_path: Path) -> None:
    no_data = ['{slo="cart", severity="warning"}']
    groups = [{**built(slo())[0]}]
    groups[0]["rules"] = [r for r in groups[0]["rules"] if r.get("alert") == "SloNoData"]
    assert groups[0]["rules"]
    # Two weeks of five days with events, then none at all.
    week = f"1x{5 * DAY - 1} stale _x{2 * DAY - 1}"
    names = {"slo": "cart", "cluster": "test"}
    series = [
        cases.plain("slo:events:rate5m", f"{week} {week}", **names),
        cases.plain("slo:objective:ratio", f"0.999x{18 * DAY}", **names),
    ]
    expected = {
        5 * DAY + 32 * HOUR: no_data,
        9 * DAY: QUIET,
        12 * DAY + 32 * HOUR: QUIET,
        14 * DAY + 20 * HOUR: no_data,
        17 * DAY: no_data,
    }
    firing(tmp_path, groups, series, expected)


def test_an_slo_of_another_cluster_hides_nothing(tmp_path: Path) -> None:
    there = calls(counter((DAY, 60)), labels={"cluster": "elsewhere"})
    firing(tmp_path, built(slo()), there, {7 * HOUR: ['{slo="cart", severity="warning"}']})
