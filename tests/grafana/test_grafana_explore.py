"""The link on a namespace's traces."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from components.grafana.links import explore_url
from components.grafana.settings import GrafanaSettings


def panes(url: str) -> dict[str, Any]:
    return json.loads(parse_qs(urlsplit(url).query, strict_parsing=True)["panes"][0])


def test_it_searches_the_namespace_in_the_tempo_datasource() -> None:
    (pane,) = panes(explore_url(GrafanaSettings(tempo_uid="duplo-tracing"), "shop")).values()
    (query,) = pane["queries"]
    (by,) = query["filters"]
    assert pane["datasource"] == query["datasource"]["uid"] == "duplo-tracing"
    assert query["queryType"] == "traceqlSearch"
    assert (by["scope"], by["tag"]) == ("resource", "k8s.namespace.name")
    assert (by["operator"], by["value"]) == ("=", ["shop"])


def test_a_path_without_the_address_of_grafana() -> None:
    url = explore_url(GrafanaSettings(org_id=3), "shop")
    assert url.startswith("/explore?schemaVersion=1&")
    assert parse_qs(urlsplit(url).query)["orgId"] == ["3"]


def test_absolute_below_the_address_of_grafana() -> None:
    for address in ("https://example.com/grafana", "https://example.com/grafana/"):
        url = explore_url(GrafanaSettings(url=address), "shop")
        assert url.startswith("https://example.com/grafana/explore?")


@given(namespace=st.text(st.characters(codec="utf-8")))
def test_any_name_survives_the_encoding(namespace: str) -> None:
    url = explore_url(GrafanaSettings(), namespace)
    assert not set(url) & set(' "{}<>')
    (pane,) = panes(url).values()
    assert pane["queries"][0]["filters"][0]["value"] == [namespace]
