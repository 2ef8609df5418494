"""Provisioning files: what Grafana reads is what the builders wrote."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.backends.settings import BackendSettings, LogsSettings, MetricsSettings
from components.grafana import datasources
from components.grafana.datasources import provisioning_file
from components.grafana.settings import GrafanaSettings
from tests.grafana.grafana_reads import expanded, read

METRICS = MetricsSettings(url="http://m.m.svc", remote_write_url="http://m.m.svc/push")
LOGS = LogsSettings(url="http://l.l.svc", otlp_url="http://l.l.svc/otlp", username="reader")

BUILT = {
    "tempo": datasources.tempo(
        GrafanaSettings(),
        BackendSettings(metrics=METRICS, logs=LOGS),
        url="http://tempo:3200",
        tenant="a",
    ),
    "loki": datasources.loki(LOGS, tempo_uid="tempo", password="pa$$word$HOME"),
    "metrics": datasources.metrics(METRICS, tempo_uid="tempo", password=None),
}

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])) | st.sampled_from(
    ["$", "$$", "${HOME}", "$__tags", "^a$", "$${x}"]
)
trees = st.recursive(
    texts | st.booleans() | st.integers(),
    lambda below: st.lists(below) | st.dictionaries(texts, below),
    max_leaves=8,
)


@pytest.mark.parametrize("name", BUILT)
def test_grafana_reads_what_was_built(name: str) -> None:
    file = read(provisioning_file(BUILT[name], org_id=1))
    assert file["datasources"] == [{**BUILT[name], "orgId": 1}]


@given(json_data=trees)
def test_no_text_is_lost_or_expanded(json_data: Any) -> None:
    file = provisioning_file({"name": "x", "jsonData": json_data}, org_id=1)
    assert read(file)["datasources"][0]["jsonData"] == json_data


def test_dollars_are_doubled_in_the_file_and_single_in_what_is_built() -> None:
    file = provisioning_file(BUILT["tempo"], org_id=1)
    assert "$$__tags" in file
    assert "$$$" not in file
    assert "$$" not in str(BUILT["tempo"])


def test_an_undoubled_dollar_would_be_lost() -> None:
    assert expanded("{${__tags}}") == "{}"
    assert expanded("rate(x{$__tags}[5m])") == "rate(x{}[5m])"
    assert expanded("{$${__tags}}") == "{${__tags}}"


def test_the_file_is_the_same_on_each_run() -> None:
    shuffled = dict(reversed(BUILT["tempo"].items()))
    assert provisioning_file(shuffled, org_id=1) == provisioning_file(BUILT["tempo"], org_id=1)


def test_the_file_deletes_no_datasource() -> None:
    file = yaml.safe_load(provisioning_file(BUILT["tempo"], org_id=7))
    assert file.keys() == {"apiVersion", "datasources"}
    assert [source["orgId"] for source in file["datasources"]] == [7]


def test_name_and_uid_are_one() -> None:
    for source in BUILT.values():
        assert source["name"] == source["uid"]
