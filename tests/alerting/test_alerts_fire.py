"""Each alert fires when it should and keeps quiet when it should not: by promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alerting.alert import INTERVAL
from components.alerting.rules import alert_groups
from components.telemetry.metrics import (
    AlloyMetric,
    BeylaMetric,
    CanaryMetric,
    ClusterMetric,
    TempoKafkaMetric,
)
from components.tempo.settings import TempoMode
from tests.alerting.cases import cases, context
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


def rule(mode: TempoMode, name: str) -> dict[str, Any]:
    [found] = [r for g in alert_groups(context(mode)) for r in g["rules"] if r["alert"] == name]
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


def written(mode: TempoMode, name: str, folder: Path, tests: list[dict[str, Any]]) -> Path:
    rules = {"groups": [{"name": "g", "interval": INTERVAL, "rules": [rule(mode, name)]}]}
    write(folder, "rules.yaml", rules)
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": INTERVAL, "tests": tests}
    return write(folder, "tests.yaml", content)


@pytest.mark.parametrize("mode", TempoMode)
def test_promtool_takes_all_rules(mode: TempoMode, tmp_path: Path) -> None:
    file = write(tmp_path, "rules.yaml", {"groups": alert_groups(context(mode))})

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


def _of_kafka(well: float, sick: float, **labels: str) -> list[Metric]:
    """Return lag of the block builders, whose own gauge follows their cycle, and of others."""
    job = {"namespace": "tracing", "job": "tracing/block-builder", "partition": "0"}
    sender = {"namespace": "tracing", "job": "tracing/distributor"}
    return [
        Metric(TempoKafkaMetric.LAG, {**job, "group": "block-builder"}, well, sick, gauge=True),
        Metric(TempoKafkaMetric.LAG, {**job, "group": "live-store"}, 5, 5, gauge=True),
        Metric(TempoKafkaMetric.RECORDS_PRODUCED, sender, 600, 600),
    ]


KAFKA = {
    # 6,000 records are ten minutes at 600 a minute.
    "TempoKafkaLag": Case(_of_kafka(3000, 12_000), minutes=45),
    "TempoKafkaRefusesSpans": Case(
        [
            Metric(
                TempoKafkaMetric.PRODUCE_FAILURES,
                {"namespace": "tracing", "job": "tracing/distributor", "reason": "timeout"},
                None,
                60,
            ),
            Metric(
                ClusterMetric.UP,
                {"namespace": "tracing", "job": "tracing/distributor"},
                1,
                1,
                gauge=True,
            ),
        ],
        minutes=10,
        spared=0,
    ),
}


def _of_canary(
    kind: str, errors: tuple[float, float], checked: tuple[float, float]
) -> list[Metric]:
    of = {"namespace": "tracing", "job": "tracing/tempo-vulture"}
    return [
        Metric(CanaryMetric.ERRORS, {**of, "error": kind}, *errors),
        # Alloy adds attributes, so that each trace differs.
        Metric(CanaryMetric.ERRORS, {**of, "error": "incorrectresult"}, 1, 1),
        Metric(CanaryMetric.CHECKED, of, *checked),
    ]


CANARY = {
    "CanaryTracesMissing": [
        Case(_of_canary("notfound_byid", (0, 1), (2, 2)), minutes=15, spared=2),
        # Some searches find nothing without a fault.
        Case(_of_canary("notfound_search", (0.04, 0.5), (2, 2)), minutes=60, spared=10),
    ],
    "CanaryStopped": [Case(_of_canary("notfound_byid", (0, 0), (2, 0)), minutes=40)],
}


@pytest.mark.parametrize("name", [*KAFKA, *CANARY])
def test_alerts_on_kafka_and_of_the_canary_fire_when_they_should(name: str, tmp_path: Path) -> None:
    of = context(TempoMode.DISTRIBUTED, version=3, canary_seconds=60)
    [its] = [r for g in alert_groups(of) for r in g["rules"] if r["alert"] == name]
    groups = {"groups": [{"name": "g", "interval": INTERVAL, "rules": [its]}]}
    write(tmp_path, "rules.yaml", groups)
    wanted = CANARY.get(name) or [KAFKA[name]]
    tests = [test for case in wanted for test in scenarios(name, case)]
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": INTERVAL, "tests": tests}

    assert promtool("test", "rules", write(tmp_path, "tests.yaml", content)) == ""


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
    alerts = {r["alert"] for g in alert_groups(context(mode)) for r in g["rules"]}

    assert alerts == set(cases(mode))
