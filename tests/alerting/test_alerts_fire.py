"""Each alert fires when it should and keeps quiet when it should not: by promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alerting.alert import INTERVAL
from components.alerting.rules import alert_groups
from components.telemetry.context import StackContext
from components.telemetry.metrics import (
    AlloyMetric,
    BeylaMetric,
)
from components.tempo.settings import TempoMode
from tests.alerting.cases import canary_series, cases, context, kafka_cases
from tests.alerting.timeline import Case, Metric, Phase, series

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(
    not PROMTOOL, reason="needs promtool on PATH (Debian package prometheus)"
)

ALL = [(mode, name) for mode in TempoMode for name in cases(mode)]
each_alert = pytest.mark.parametrize(("mode", "name"), ALL, ids=[f"{m}-{n}" for m, n in ALL])


def promtool(*arguments: str | Path) -> str:
    """Return what promtool says against its input; nothing if it is content."""
    done = subprocess.run(
        [PROMTOOL or "promtool", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def write(folder: Path, name: str, content: dict[str, Any]) -> Path:
    file = folder / name
    file.write_text(yaml.safe_dump(content, sort_keys=False, width=1000))
    return file


def rule(of: StackContext, name: str) -> dict[str, Any]:
    [found] = [r for g in alert_groups(of) for r in g["rules"] if r["alert"] == name]
    return found


def scenario(name: str, says: str, case: Case, *phases: Phase, fires: bool) -> dict[str, Any]:
    """Return a test for promtool: an alert fires at the end, or never on the way there."""
    end = sum(phase.minutes for phase in phases) - 1
    span = 2 if fires else end + 1
    alerts = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    return {
        "name": says,
        "interval": "1m",
        "input_series": series(case.metrics, phases),
        "promql_expr_test": [
            {
                "expr": f"count(count_over_time({alerts}[{span}m])) > bool 0",
                "eval_time": f"{end}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }


def scenarios(name: str, case: Case) -> list[dict[str, Any]]:
    """Return what an alert has to stand: trouble, good order, and rollouts in both."""
    well, sick = Phase("well", case.history), Phase("sick", case.minutes)
    return [
        scenario(name, "trouble", case, well, sick, fires=True),
        scenario(name, "good order", case, well, Phase("well", case.minutes), fires=False),
        scenario(
            name,
            "a rollout: trouble for as long as one may take, new pods, counters from zero",
            case,
            well,
            Phase("sick", case.spared, pod="b"),
            Phase("well", case.minutes, pod="c"),
            fires=False,
        ),
        scenario(
            name,
            "a rollout does not silence trouble",
            case,
            well,
            sick,
            Phase("sick", case.minutes, pod="b"),
            fires=True,
        ),
    ]


def written(
    mode: TempoMode, name: str, folder: Path, tests: list[dict[str, Any]], **changed: Any
) -> Path:
    its = rule(context(mode, **changed), name)
    rules = {"groups": [{"name": "g", "interval": INTERVAL, "rules": [its]}]}
    write(folder, "rules.yaml", rules)
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": INTERVAL, "tests": tests}
    return write(folder, "tests.yaml", content)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", TempoMode)
def test_promtool_takes_all_rules(mode: TempoMode, version: int, tmp_path: Path) -> None:
    groups = alert_groups(context(mode, version=version))
    file = write(tmp_path, "rules.yaml", {"groups": groups})

    assert promtool("check", "rules", "--lint=all", "--lint-fatal", file) == ""


def test_braces_in_a_label_are_no_template(tmp_path: Path) -> None:
    """Prometheus refuses the whole file for one template that it can't read."""
    of = context(TempoMode.MONOLITHIC, alert_labels={"team": "{{ $labels.x", "b": "{{"})
    file = write(tmp_path, "rules.yaml", {"groups": alert_groups(of)})

    assert promtool("check", "rules", file) == ""


@each_alert
def test_it_fires_when_it_should_and_only_then(mode: TempoMode, name: str, tmp_path: Path) -> None:
    file = written(mode, name, tmp_path, scenarios(name, cases(mode)[name]))

    assert promtool("test", "rules", file) == ""


@pytest.mark.parametrize("health", ["unhealthy", "exited"])
def test_a_component_that_does_not_run_is_a_configuration_that_is_not_loaded(
    health: str, tmp_path: Path
) -> None:
    """Real Alloy 1.18.1 says that the configuration was loaded."""
    of = {"namespace": "tracing", "job": "alloy"}

    def components(well: float | None, sick: float, health: str, **labels: str) -> Metric:
        labels = {**of, **labels, "health_type": health}
        return Metric(AlloyMetric.COMPONENTS, labels, well, sick, gauge=True)

    case = Case(
        [
            Metric(AlloyMetric.CONFIG_LOADED, of, 1, 1, gauge=True),
            components(3, 2, "healthy", controller_path="/"),
            components(None, 1, health, controller_path="/"),
            components(None, 1, health, controller_path="/receive.default"),
        ],
        minutes=10,
        spared=4,
    )
    name, mode = "AlloyConfigNotLoaded", TempoMode.MONOLITHIC
    file = written(mode, name, tmp_path, scenarios(name, case))

    assert promtool("test", "rules", file) == ""


@pytest.mark.parametrize("name", kafka_cases())
def test_alerts_on_kafka_fire_when_they_should_and_only_then(name: str, tmp_path: Path) -> None:
    tests = scenarios(name, kafka_cases()[name])
    file = written(TempoMode.DISTRIBUTED, name, tmp_path, tests, version=3)

    assert promtool("test", "rules", file) == ""


def test_some_searches_of_the_canary_find_nothing_without_a_fault(tmp_path: Path) -> None:
    metrics = canary_series("notfound_search", (0.04, 0.5), (2, 2))
    name, case = "CanaryTracesMissing", Case(metrics, minutes=60, spared=10)
    file = written(TempoMode.DISTRIBUTED, name, tmp_path, scenarios(name, case))

    assert promtool("test", "rules", file) == ""


@pytest.mark.parametrize(
    ("name", "minutes", "spared"), [("AlloyConfigNotLoaded", 10, 4), ("AlloyRefusesSpans", 2, 0)]
)
def test_samplers_with_an_error_in_a_policy_are_noticed(
    name: str, minutes: int, spared: int, tmp_path: Path
) -> None:
    """Real Alloy 1.18.1 is ready and healthy with it: tests/alloy/test_sampling_binary.py.

    The first alert needs no span.
    """
    gateway = {"namespace": "tracing", "job": "alloy"}
    sampler = {"namespace": "tracing", "job": "alloy-sampler"}
    state = {**sampler, "controller_id": "decide.default", "controller_path": "/"}
    case = Case(
        [
            Metric(AlloyMetric.CONFIG_LOADED, sampler, 1, 1, gauge=True),
            Metric(AlloyMetric.COMPONENTS, {**state, "health_type": "exited"}, None, 1, gauge=True),
            Metric(AlloyMetric.SPANS_ACCEPTED, gateway, 1000, 1000),
            Metric(AlloyMetric.SPANS_ACCEPTED, sampler, 1000, 0),
            Metric(AlloyMetric.SPANS_REFUSED, sampler, 0, 1000),
        ],
        minutes=minutes,
        spared=spared,
    )
    file = written(TempoMode.DISTRIBUTED, name, tmp_path, scenarios(name, case))

    assert promtool("test", "rules", file) == ""


def test_a_quiet_weekend_is_no_news(tmp_path: Path) -> None:
    """Spans yesterday, but none at this time a week ago."""
    name, day = "TracingNoSpansArriving", 24 * 60
    mode = TempoMode.MONOLITHIC
    weekend = scenario(
        name,
        "weekend",
        cases(mode)[name],
        Phase("sick", day),
        Phase("well", 6 * day),
        Phase("sick", 4 * 60),
        fires=False,
    )

    assert promtool("test", "rules", written(mode, name, tmp_path, [weekend])) == ""


def test_services_that_send_their_own_spans_are_no_reason_for_beylas(tmp_path: Path) -> None:
    """Beyla measures their requests, and sends no spans for them."""
    name, mode = "BeylaExportsNothing", TempoMode.MONOLITHIC
    beyla, its = {"namespace": "tracing-beyla", "job": "beyla"}, {"service_name": "cart"}
    its["service_namespace"] = "shop"
    case = Case(
        [
            Metric(BeylaMetric.HTTP_REQUESTS, {**beyla, **its}, 60, 60),
            Metric(BeylaMetric.AVOIDED, {**beyla, **its, "telemetry_type": "traces"}, 1, 1, True),
            Metric(BeylaMetric.TRACES_EXPORTED, beyla, 0, 0),
        ]
    )
    quiet = scenario(name, "all send their own", case, Phase("well", 60), fires=False)

    assert promtool("test", "rules", written(mode, name, tmp_path, [quiet])) == ""


@pytest.mark.parametrize("mode", TempoMode)
def test_every_alert_has_a_case(mode: TempoMode) -> None:
    def alerts(version: int) -> set[str]:
        groups = alert_groups(context(mode, version=version))
        return {r["alert"] for g in groups for r in g["rules"]}

    assert alerts(2) == set(cases(mode))
    more = kafka_cases() if mode is TempoMode.DISTRIBUTED else {}
    assert alerts(3) - alerts(2) == set(more)
