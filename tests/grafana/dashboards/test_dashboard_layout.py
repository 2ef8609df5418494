"""What every dashboard looks like, in every kind of stack."""

import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.units import MAX_OBJECT_BYTES
from components.grafana.dashboards.component import dashboard_files, dashboards
from components.grafana.layout import COLUMNS, Line, Section, as_json, dashboard
from components.grafana.links import Uid
from components.grafana.panels import text_panel
from tests.grafana.dashboards.cases import CONTEXTS, every_dashboard, panels, read, targets

#: Panels that show no values of a unit.
WITHOUT_UNIT = {"text", "nodeGraph"}


def overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not (beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])


@every_dashboard
def test_panels_lie_within_the_grid_and_side_by_side(dashboard: dict[str, Any]) -> None:
    rows = [p["gridPos"] for p in dashboard["panels"] if p["type"] == "row"]
    places = [*rows, *(p["gridPos"] for p in panels(dashboard))]
    assert all(p["x"] >= 0 and p["w"] > 0 and p["x"] + p["w"] <= COLUMNS for p in places)
    assert not [(a, b) for a, b in combinations(places, 2) if overlap(a, b)]


@every_dashboard
def test_ids_are_unique(dashboard: dict[str, Any]) -> None:
    ids = [p["id"] for p in panels(dashboard)] + [
        p["id"] for p in dashboard["panels"] if p["type"] == "row"
    ]
    assert len(set(ids)) == len(ids)


@every_dashboard
def test_titles_tell_panels_apart(dashboard: dict[str, Any]) -> None:
    titles = [p["title"] for p in panels(dashboard)]
    assert sorted(set(titles)) == sorted(titles)


@every_dashboard
def test_each_panel_says_what_it_shows(dashboard: dict[str, Any]) -> None:
    assert len(dashboard["description"]) > 20
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]


@every_dashboard
def test_each_value_has_a_unit_and_a_colour(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        config = panel.get("fieldConfig", {})
        if panel["type"] == "table" and "expr" in panel["targets"][0]:
            set_by_column = [{p["id"] for p in o["properties"]} for o in config["overrides"]]
            with_unit = [ids for ids in set_by_column if {"unit", "thresholds"} <= ids]
            assert len(with_unit) == len(panel["targets"]), panel["title"]
        elif panel["type"] not in WITHOUT_UNIT and "expr" in panel["targets"][0]:
            assert config["defaults"]["unit"], panel["title"]
            assert config["defaults"]["thresholds"]["steps"], panel["title"]


@pytest.mark.parametrize("name", CONTEXTS)
def test_datasources_are_those_of_the_stack(name: str) -> None:
    context = CONTEXTS[name]
    ours = {
        ("tempo", context.tempo_uid),
        ("prometheus", context.metrics_uid),
        ("loki", context.logs_uid),
        ("grafana-pyroscope-datasource", context.profiles_uid),
    }
    for built in (d for (of, _), d in read().items() if of == name):
        sources = [t["datasource"] for t in targets(built)]
        sources += [p["datasource"] for p in panels(built) if p["type"] != "text"]
        sources += [v["datasource"] for v in built["templating"]["list"] if v["type"] == "query"]
        assert {(s["type"], s["uid"]) for s in sources} <= ours


@every_dashboard
def test_each_panel_asks_something(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        asked = panel.get("targets", [])
        assert bool(asked) == (panel["type"] != "text"), panel["title"]
        refs = [t["refId"] for t in asked]
        assert len(set(refs)) == len(refs), panel["title"]


@pytest.mark.parametrize("name", CONTEXTS)
def test_files_are_the_same_on_each_run_and_fit_into_an_object(name: str) -> None:
    first, second = (dashboard_files(dashboards(CONTEXTS[name])) for _ in range(2))
    assert first == second
    assert all(len(text.encode()) <= MAX_OBJECT_BYTES for text in first.values())


def test_bare_stack_leads_to_no_backend_that_it_lacks() -> None:
    bare = str([d for (name, _), d in read().items() if name == "bare"])
    assert "loki" not in bare
    assert "pyroscope" not in bare


@given(
    shares=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    height=st.integers(1, 30),
    collapsed=st.booleans(),
)
def test_any_line_fills_the_grid(shares: list[int], height: int, collapsed: bool) -> None:
    texts = [text_panel(f"t{i}", "d", "c") for i in range(len(shares))]
    built = dashboard(
        Uid.HOME,
        "d",
        Section("a", Line(*texts, height=height, shares=shares), collapsed=collapsed),
        Section("b", Line(text_panel("last", "d", "c"))),
    )
    *rest, last = panels(json.loads(as_json(built)))
    assert sum(p["gridPos"]["w"] for p in rest) == COLUMNS
    assert last["gridPos"]["y"] == height + 2
