"""The contracts are there for what is pinned, and the checks find what is wrong."""

from typing import Any

import pytest
import yaml

from components.core import helm
from components.core.registry import CHARTS
from components.core.versions import TEMPO_VERSIONS
from tests.contracts.check import (
    TEMPO_VERSION,
    contract,
    contracts,
    unknown_keys,
    unknown_tempo_config,
)
from tests.sweep import sweep


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_every_pinned_chart_has_its_contract(chart: helm.Chart) -> None:
    recorded = contract(f"{chart.name}-{chart.version}")

    assert (recorded["chart"], recorded["version"]) == (chart.name, chart.version)


def test_the_tempo_in_use_has_its_contract() -> None:
    assert contract(f"tempo-config-{TEMPO_VERSION}")["version"] == TEMPO_VERSION


def test_the_alloy_in_use_has_its_contract() -> None:
    version = contract(f"alloy-{helm.ALLOY.version}")["appVersion"].removeprefix("v")

    assert contract(f"alloy-components-{version}")["version"] == version


def test_the_beyla_in_use_has_its_contract() -> None:
    version = contract(f"beyla-{helm.BEYLA.version}")["appVersion"].removeprefix("v")

    assert contract(f"beyla-config-{version}.schema")["title"] == "Beyla Configuration Schema"


def test_the_agents_of_the_operator_in_use_have_their_contract() -> None:
    version = contract(f"{helm.OPERATOR.name}-{helm.OPERATOR.version}")["appVersion"]

    assert contract(f"opentelemetry-operator-agents-{version}")["version"] == version


def test_no_contract_lies_around_for_a_version_that_is_not_pinned() -> None:
    charts = {f"{chart.name}-{chart.version}" for chart in CHARTS}
    alloy, beyla, operator = (
        contract(f"{chart.name}-{chart.version}")["appVersion"].removeprefix("v")
        for chart in (helm.ALLOY, helm.BEYLA, helm.OPERATOR)
    )
    programs = {
        *(f"tempo-config-{tag}" for tag in TEMPO_VERSIONS.values()),
        # Charts of `tempo.version: 3`.
        *(f"{c.name}-{c.version}" for c in (helm.TEMPO_3, helm.TEMPO_DISTRIBUTED_3)),
        f"alloy-components-{alloy}",
        f"beyla-config-{beyla}.schema",
        f"opentelemetry-operator-agents-{operator}",
        # Not installed by the stack.
        "grafana-operator-5.24.0",
    }

    assert set(contracts()) == charts | programs


@sweep(
    ("chart", "values", "unknown"),
    [
        (helm.TEMPO, {"tempo": {"retention": "48h"}}, []),
        (helm.TEMPO, {"tempo": {"retenton": "48h"}}, ["tempo.retenton"]),
        (helm.TEMPO, {"tempo": {"streamOverHTTPEnabled": True}}, ["tempo.streamOverHTTPEnabled"]),
        (helm.TEMPO, {"persistence": {"storageClassName": "gp3"}}, []),
        (helm.TEMPO, {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}, []),
        (helm.TEMPO_DISTRIBUTED, {"streamOverHttpEnabled": True}, ["streamOverHttpEnabled"]),
        (helm.TEMPO_DISTRIBUTED, {"compactor": {"retention": "48h"}}, ["compactor.retention"]),
        (helm.TEMPO_DISTRIBUTED, {"storage": {"trace": {"s3": {"bucket": "b"}}}}, []),
        (helm.TEMPO_DISTRIBUTED, {"storage": {"trce": {"s3": 1}}, "x": 1}, ["storage.trce", "x"]),
        (helm.ALLOY, {"controller": {"replicaCount": 2}}, ["controller.replicaCount"]),
        (helm.ALLOY, {"alloy": {"resources": {"limits": {"cpu": "1"}}}}, []),
        (helm.BEYLA, {"config": {"data": {"ebpf": {"context_propagation": "all"}}}}, []),
        (helm.OPERATOR, {"manager": {"autoInstrumentation": {"go": {"enabled": True}}}}, []),
        (helm.OPERATOR, {"manager": {"goEnabled": True}}, ["manager.goEnabled"]),
        (
            helm.OPERATOR,
            {"admissionWebhooks": {"certmanager": {}}},
            ["admissionWebhooks.certmanager"],
        ),
        (helm.BEYLA, {"configg": {"data": {}}}, ["configg"]),
    ],
)
def test_value_keys_that_a_chart_does_not_know_are_found(
    chart: helm.Chart, values: dict[str, Any], unknown: list[str]
) -> None:
    assert unknown_keys(chart.name, chart.version, values) == unknown


CONFIGS: list[tuple[str, list[str]]] = [
    ("compactor: {compaction: {block_retention: 48h}}", []),
    ("compactor: {compaction: {block_retenton: 48h}}", ["compactor.compaction.block_retenton"]),
    ("overrides: {defaults: {metrics_generator: {processors: []}}}", []),
    # The flat form of Tempo 1.x.
    ("overrides: {max_traces_per_user: 1}", ["overrides.max_traces_per_user"]),
    ("distributor: {receivers: {otlp: {protocols: {grpc: {}}}}}", []),
    ("distributor: {receivers: {opencensus: {}}}", ["distributor.receivers.opencensus"]),
    ("{block_builder: {}, kafka: {}}", ["kafka"]),
]


@sweep(("config", "unknown"), CONFIGS)
def test_configuration_keys_that_tempo_does_not_know_are_found(
    config: str, unknown: list[str]
) -> None:
    assert unknown_tempo_config(yaml.safe_load(config)) == unknown


def test_a_version_without_a_contract_fails() -> None:
    with pytest.raises(KeyError):
        unknown_keys("tempo", "99.0.0", {})
