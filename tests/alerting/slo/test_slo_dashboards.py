"""Dashboards of SLOs ask for what the rules record."""

import json
import re
from typing import Any

import promql_parser
import pytest
from cases import built, slo
from slo_dashboards import READ, expressions, panels

from components.alerting.slo.settings import SloDefaultsSettings
from components.grafana.dashboards import slo_detail, slo_overview
from components.telemetry.metrics import labels_of

each = pytest.mark.parametrize("dashboard", READ.values(), ids=READ)


def selectors(expr: str) -> list[Any]:
    found: list[Any] = []

    def enter(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expr), enter, lambda _: None)
    return found


@each
def test_queries_ask_for_recorded_series_and_their_labels(dashboard: dict[str, Any]) -> None:
    groups = built(slo(), defaults=SloDefaultsSettings(enabled=True))
    recorded = {r["record"] for g in groups for r in g["rules"] if "record" in r} | {"ALERTS"}
    for expr in expressions(dashboard):
        assert selectors(expr)
        for selector in selectors(expr):
            assert selector.name in recorded
            asked = {m.name for m in selector.matchers.matchers}
            assert asked <= {str(label) for label in labels_of(selector.name)}
            assert "cluster" in asked


@each
def test_only_variables_that_are_there_are_used(dashboard: dict[str, Any]) -> None:
    there = {variable["name"] for variable in dashboard["templating"]["list"]}
    asked = [*expressions(dashboard), *(link.get("url") or "" for link in dashboard["links"])]
    used = {name for text in asked for name in re.findall(r"\$\{?(\w+)", text)} - {
        "__url_time_range"
    }
    assert used == there


@each
def test_each_panel_says_how_to_read_it(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "metrics-uid"


def test_the_overview_leads_to_the_details() -> None:
    assert f"/d/{slo_detail.UID}?var-slo=" in json.dumps(READ[slo_overview.UID])


def test_tables_keep_labels_that_the_objective_has() -> None:
    groups = built(slo())
    objective = next(r for r in groups[0]["rules"] if r.get("record") == "slo:objective:ratio")
    table = next(p for p in panels(READ[slo_overview.UID]) if p["type"] == "table")
    for target in table["targets"]:
        kept = re.match(r"max by \(([^)]*)\)", target["expr"])
        assert kept
        assert set(kept[1].split(", ")) <= objective["labels"].keys()
