"""Links and variables: each leads somewhere, and says all that is needed there."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from components.grafana.links import Uid
from tests.grafana.dashboards.cases import CONTEXTS, every_key, read, texts
from tests.grafana.dashboards.grafana_fills import BUILT_IN, CHOSEN, SINGLE, filled, variables
from tests.sweep import sweep

_MARKDOWN = re.compile(r"\]\(([^)\s]+)\)")
_CLICKED = re.compile(r"\$\{__(?!from|to)[^}]+\}")


def urls(value: Any) -> Iterator[str]:
    """Return the addresses that a dashboard leads to."""
    if isinstance(value, dict):
        for key, one in value.items():  # pyright: ignore[reportUnknownVariableType]
            if key == "url" and one:
                yield str(one)  # pyright: ignore[reportUnknownArgumentType]
            elif key == "content":
                yield from _MARKDOWN.findall(str(one))  # pyright: ignore[reportUnknownArgumentType]
            else:
                yield from urls(one)
    elif isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from urls(one)


def defined(dashboard: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in dashboard["templating"]["list"]}


def panes(url: str, chosen: list[str] | str = ".*") -> dict[str, Any]:
    """Return what Explore reads in an address, with variables and clicked values filled in."""
    given = dict.fromkeys(variables(url), chosen) | {**SINGLE, "operation": "GET /a?b=c&d#e%2F"}
    text = filled(_CLICKED.sub("x", url), given)
    [pane] = json.loads(parse_qs(urlsplit(text).query)["panes"][0]).values()
    return pane


@every_key
def test_each_variable_that_is_used_is_defined(key: tuple[str, str]) -> None:
    dashboard = read()[key]
    used = {name for text in texts(dashboard) for name in variables(text)}
    assert used <= defined(dashboard)


@every_key
def test_each_variable_that_is_defined_is_used(key: tuple[str, str]) -> None:
    dashboard = read()[key]
    used = {name for text in texts(dashboard) for name in variables(text)}
    assert defined(dashboard) <= used


@every_key
def test_a_variable_depends_on_those_before_it(key: tuple[str, str]) -> None:
    known: set[str] = set()
    for variable in read()[key]["templating"]["list"]:
        if variable["type"] == "query":
            assert variables(variable["query"]) <= known
        known.add(variable["name"])


@every_key
def test_all_means_series_without_the_label_too(key: tuple[str, str]) -> None:
    for variable in read()[key]["templating"]["list"]:
        if variable.get("includeAll"):
            assert variable["allValue"] == ".*"
            assert variable["multi"]


@every_key
def test_links_lead_to_explore_or_to_a_dashboard_that_is_there(key: tuple[str, str]) -> None:
    for url in urls(read()[key]):
        path = urlsplit(url).path
        if path != "/explore":
            assert (key[0], path.removeprefix("/d/")) in read(), url


@pytest.mark.parametrize("uid", [Uid.HOME, Uid.TRACES, Uid.SERVICES, Uid.SERVICE, Uid.OPERATION])
def test_there_are_links_to_test(uid: str) -> None:
    assert len(list(urls(read()["monolithic", uid]))) >= 2


@every_key
def test_the_menu_leads_to_every_other_dashboard_and_keeps_filters(key: tuple[str, str]) -> None:
    [menu] = [link for link in read()[key]["links"] if link["type"] == "dashboards"]
    assert menu["includeVars"]
    assert menu["keepTime"]
    assert all(set(menu["tags"]) <= set(d["tags"]) for d in read().values())


@every_key
def test_links_set_variables_that_are_there(key: tuple[str, str]) -> None:
    for url in urls(read()[key]):
        parts = urlsplit(url)
        if parts.path != "/explore":
            target = read()[key[0], parts.path.removeprefix("/d/")]
            kept = re.findall(r"\$\{(\w+):queryparam\}", parts.query)
            given = re.findall(r"var-(\w+)=", parts.query)
            assert {*kept, *given} <= defined(target), url
            assert "${__url_time_range}" in parts.query


@every_key
@sweep("chosen", CHOSEN.values(), ids=CHOSEN)
def test_links_into_explore_ask_a_datasource_of_the_stack(
    key: tuple[str, str], chosen: list[str] | str
) -> None:
    context = CONTEXTS[key[0]]
    ours = {context.tempo_uid, context.metrics_uid, context.logs_uid, context.profiles_uid}
    for url in urls(read()[key]):
        if urlsplit(url).path == "/explore":
            pane = panes(url, chosen)
            assert pane["datasource"] in ours - {None}
            assert [q["datasource"]["uid"] for q in pane["queries"]] == [pane["datasource"]]
            assert pane["range"] == {"from": BUILT_IN["__from"], "to": BUILT_IN["__to"]}


@every_key
def test_a_table_of_traces_leads_into_the_trace_view(key: tuple[str, str]) -> None:
    for panel in read()[key]["panels"]:
        if [t.get("queryType") for t in panel.get("targets", [])] == ["traceql"]:
            [override, *_] = panel["fieldConfig"]["overrides"]
            assert override["matcher"]["options"] == "traceID"
            [url] = urls(override)
            assert "${__value.raw}" in url
            assert panes(url)["datasource"] == CONTEXTS[key[0]].tempo_uid


@every_key
def test_no_link_takes_all_services_to_the_dashboard_of_one(key: tuple[str, str]) -> None:
    """It has no choice of all, and would show nothing."""
    dashboard = read()[key]
    offers_all = {v["name"] for v in dashboard["templating"]["list"] if v.get("includeAll")}
    for url in urls(dashboard):
        if url.startswith(f"/d/{Uid.SERVICE}?") and "service" in offers_all:
            assert "${service:queryparam}" not in url
