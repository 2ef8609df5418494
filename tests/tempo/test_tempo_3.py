"""`tempo.version: 3`: its chart, configuration, rules, dashboards and alerts."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.alerting.rules import alert_groups
from components.checks.validate import validate
from components.checks.warnings import warnings
from components.core import contracts, helm, versions
from components.grafana.dashboards.component import dashboard_files, dashboards
from components.telemetry.context import stack_context
from components.telemetry.metrics import Tempo3Metric, TempoMetric
from components.tempo.component import pinned_chart, values
from components.tempo.settings import TempoMode, TempoSettings
from tests.checks.test_rules import settings, stack_file
from tests.contracts.check import unknown_keys
from tests.tempo.cases import arguments
from tests.tempo.rendering import (
    needs_chart_of_kafka,
    needs_charts,
    pod_specs,
    render,
    tempo_config,
)

KAFKA = {
    "address": "kafka.kafka.svc:9092",
    "username": "tempo",
    "password_secret": {"name": "kafka-user", "key": "password"},
}
BACKENDS = {"metrics": {"url": "http://p.m.svc", "remoteWriteUrl": "http://p.m.svc/w"}}


def problems(tempo: dict[str, Any]) -> dict[str, str]:
    """Return what is refused of a stack file, by key."""
    _, found = validate(stack_file(tempo=tempo))
    return {each.key: each.message for each in found}


def three(**changes: Any) -> dict[str, Any]:
    return {"version": 3, **changes}


def with_kafka(**changes: Any) -> dict[str, Any]:
    kafka = {"address": "kafka.kafka.svc:9092", **changes}
    return three(mode="distributed", size="m", kafka=kafka)


def test_the_chart_and_the_program_follow_the_version() -> None:
    assert pinned_chart(TempoSettings(version=3)) == helm.TEMPO_3
    assert TempoSettings(version=3).image_tag == versions.TEMPO_VERSIONS[3] == "3.0.3"
    assert TempoSettings().image_tag == versions.TEMPO_VERSIONS[2]
    assert {t.version for t in versions.TESTED if t.program == "Tempo"} == {
        *versions.TEMPO_VERSIONS.values()
    }


@pytest.mark.parametrize("change", [{}, {"metrics": None}, {"jaeger": True, "zipkin": True}])
def test_the_chart_knows_every_value(change: dict[str, Any]) -> None:
    built = values(arguments(TempoMode.MONOLITHIC, version=3, **change))
    assert unknown_keys("tempo", helm.TEMPO_3.version, built) == []
    assert "ingester" not in built["tempo"]


def test_the_chart_of_mode_distributed_knows_every_value() -> None:
    for change in ({}, {"metrics": None}, {"jaeger": True, "zipkin": True}):
        built = values(arguments(TempoMode.DISTRIBUTED, version=3, kafka=KAFKA, **change))
        chart = helm.TEMPO_DISTRIBUTED_3
        assert unknown_keys(chart.name, chart.version, built) == []
        assert {"ingester", "compactor"}.isdisjoint(built)
        assert built["liveStore"]["replicas"] == built["blockBuilder"]["replicas"] == 3


@needs_charts
@needs_chart_of_kafka
def test_tempo_knows_every_key_with_kafka(tmp_path: Path) -> None:
    args = arguments(TempoMode.DISTRIBUTED, version=3, kafka=KAFKA)
    objects = render(args, tmp_path)
    config = tempo_config(objects)
    recorded = contracts.of_tempo("3.0.3")
    assert recorded is not None
    assert list(recorded.unknown(config)) == []
    assert config["ingest"]["kafka"] == {
        "address": "kafka.kafka.svc:9092",
        "topic": "tempo-traces",
        "auto_create_topic_enabled": False,
        "auto_create_topic_default_partitions": 0,
        "sasl_username": "tempo",
    }
    for section in (
        config["backend_scheduler"]["provider"]["compaction"],
        config["backend_worker"],
    ):
        assert section["compaction"]["block_retention"] == "336h"
    # The password is in no object, and only Tempo's own pods get it.
    [secret] = [e for name, e in _environment(objects, "KAFKA_PASSWORD") if "distributor" in name]
    assert secret["valueFrom"]["secretKeyRef"] == {"name": "kafka-user", "key": "password"}
    named = {name for name, _ in _environment(objects, "KAFKA_PASSWORD")}
    assert {name for name, _ in pod_specs(objects)} - named == {"tempo-memcached"}


def _environment(objects: list[dict[str, Any]], wanted: str) -> list[tuple[str, dict[str, Any]]]:
    """Return workloads with an environment variable, and the variable."""
    return [
        (name, each)
        for name, spec in pod_specs(objects)
        for each in spec["containers"][0].get("env", ())
        if each["name"] == wanted
    ]


def test_kafka_is_refused_in_production_until_it_is_acknowledged() -> None:
    def said(**changes: Any) -> str:
        of = {"tempo": with_kafka(**changes), "environment": {"name": "prod"}}
        _, found = validate(stack_file(**of))
        return "".join(each.message for each in found if each.key.startswith("tempo."))

    assert "is experimental with Kafka, and refused in production" in said()
    assert said(acknowledgeExperimental=True) == ""
    assert "with one broker and little load" in "".join(warnings(settings(tempo=with_kafka())))


@needs_charts
def test_tempo_knows_every_key_of_the_rendered_configuration(tmp_path: Path) -> None:
    given = {"query_frontend": {"max_retries": 3}}
    args = arguments(TempoMode.MONOLITHIC, version=3, config=given, tenant="team-a")
    config = tempo_config(render(args, tmp_path))
    recorded = contracts.of_tempo("3.0.3")
    assert recorded is not None
    assert list(recorded.unknown(config)) == []
    assert {"ingester", "compactor"}.isdisjoint(config)
    assert config["query_frontend"]["max_retries"] == 3
    for section in (
        config["backend_scheduler"]["provider"]["compaction"],
        config["backend_worker"],
    ):
        assert section["compaction"]["block_retention"] == "336h"
    # A span is in the live store until every querier lists its block.
    assert config["live_store"]["complete_block_timeout"] == "20m"
    assert config["query_frontend"]["search"]["query_backend_after"] == "15m"


@pytest.mark.parametrize(
    ("tempo", "key", "said"),
    [
        (three(mode="distributed", size="m"), "tempo.version", "set tempo.kafka.address"),
        (
            {"kafka": {"address": "k.kafka.svc:9092"}},
            "tempo.kafka",
            "has no effect, because only mode distributed with tempo.version: 3",
        ),
        (with_kafka(username="u"), "tempo.kafka.username", "needs tempo.kafka.passwordSecret too"),
        (
            with_kafka(passwordSecret={"name": "s", "key": "k"}),
            "tempo.kafka.passwordSecret",
            "needs tempo.kafka.username too",
        ),
        (
            {**with_kafka(), "workloads": {"ingester": {"replicas": 3}}},
            "tempo.workloads.ingester.replicas",
            "has no effect",
        ),
        (
            {**with_kafka(), "values": {"liveStore": {"replicas": 9}}},
            "tempo.values.liveStore.replicas",
            "tempo.kafka.partitions",
        ),
        (
            {**with_kafka(), "config": {"ingest": {"kafka": {"topic": "t"}}}},
            "tempo.config.ingest.kafka.topic",
            "is what tempo.kafka.topic sets",
        ),
        (three(imageTag="2.10.8"), "tempo.imageTag", "is not of the major in tempo.version, 3"),
        ({"imageTag": "3.0.3"}, "tempo.imageTag", "set tempo.version: 3, or a tag like 2.10.8"),
        (three(blocks={"maxMinutes": 15}), "tempo.blocks.maxMinutes", "leaves a gap"),
        (three(blocks={"keptMinutes": 12}), "tempo.blocks.keptMinutes", "leaves a gap"),
        (three(config={"compactor": {}}), "tempo.config.compactor", "is no key of tempo-config"),
        (
            three(config={"live_store": {"max_block_duration": "1m"}}),
            "tempo.config.live_store.max_block_duration",
            "is what tempo.blocks.maxMinutes sets",
        ),
    ],
)
def test_what_can_not_work_is_refused(tempo: dict[str, Any], key: str, said: str) -> None:
    assert said in problems(tempo)[key]


@pytest.mark.parametrize("given", [{}, {"blocks": {"maxMinutes": 20, "keptMinutes": 30}}])
def test_what_works_is_accepted(given: dict[str, Any]) -> None:
    assert problems(three(**given)) == {}


def test_dashboards_and_alerts_read_the_metrics_of_the_major() -> None:
    monitored = {"serviceMonitor": {"enabled": True}}
    for version in (2, 3):
        its = settings(tempo={"version": version}, backends=BACKENDS, grafana=monitored)
        context = stack_context(its)
        text = json.dumps(alert_groups(context))
        text += "".join(dashboard_files(dashboards(context)).values())
        gone = [Tempo3Metric, TempoMetric][version - 2].__members__
        names = {*Tempo3Metric.__members__}
        assert [n for n in names if str(gone[n].value) in text] == []
        there = [TempoMetric, Tempo3Metric][version - 2].__members__
        assert all(str(there[n].value) in text for n in names)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"tempo": {"imageTag": "2.10.9"}}, "tempo.imageTag 2.10.9 is not tested"),
        ({"tempo": {"version": 3, "imageTag": "3.1.0"}}, "tempo.imageTag 3.1.0 is not tested"),
        ({"tempo": {"version": 3}}, "the published package of chart tempo 3.0.0 is not tested"),
        ({"charts": {"alloy": {"version": "1.14.1"}}}, "charts.alloy.version 1.14.1 is not tested"),
        (
            {"alloy": {"values": {"image": {"tag": "v1.21.2"}}}},
            "alloy.values.image.tag v1.21.2 is not tested",
        ),
        (
            {"alloy": {"sampling": {"mode": "on", "values": {"image": {"tag": "v1.21.2"}}}}},
            "alloy.sampling.values.image.tag v1.21.2 is not tested",
        ),
    ],
)
def test_an_untested_version_is_a_warning(groups: dict[str, Any], said: str) -> None:
    found = [text for text in warnings(settings(**groups)) if said in text]
    assert len(found) == 1
    assert "docs/versions.md" in found[0]


def test_tested_versions_are_no_warning() -> None:
    assert [text for text in warnings(settings()) if "not tested" in text] == []
