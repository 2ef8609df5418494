"""TraceQL in dashboards and links: by Tempo's own parser, or at least by its shape."""

import json
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from plan.rehearse.programs import free_ports
from plan.rehearse.tempo import ready, tempo
from tests.grafana.dashboards.cases import every_key, read, targets
from tests.grafana.dashboards.grafana_fills import CHOSEN, SINGLE, filled, variables
from tests.grafana.dashboards.test_dashboard_links import panes, urls
from tests.tempo.running import needs_tempo

_FILTERS = ("cluster", "namespace", "service")


def queries(dashboard: dict[str, Any]) -> set[str]:
    """Return all TraceQL of a dashboard, for each way to set each of its filters."""
    found: set[str] = set()
    for combination in product(CHOSEN.values(), repeat=len(_FILTERS)):
        values = dict(zip(_FILTERS, combination, strict=True))
        for target in targets(dashboard):
            if target.get("queryType") == "traceql":
                assert variables(target["query"]) <= {*values, *SINGLE}
                found.add(filled(target["query"], values | SINGLE))
    for chosen in CHOSEN.values():
        found |= set(_in_links(dashboard, chosen))
    return found


def _in_links(dashboard: dict[str, Any], chosen: list[str] | str) -> Iterator[str]:
    for url in urls(dashboard):
        # A table's links hold the id of the clicked trace, which is no TraceQL.
        if urlsplit(url).path == "/explore" and "${__value.raw}" not in url:
            for query in panes(url, chosen)["queries"]:
                if query.get("queryType") == "traceql":
                    yield query["query"]


def unbalanced(traceql: str) -> bool:
    """Return whether brackets or quotes of a query are open."""
    opened: list[str] = []
    quote = ""
    escaped = False
    for char in traceql:
        if quote:
            if char == quote and not escaped:
                quote = ""
            escaped = quote == '"' and char == "\\" and not escaped
        elif char in '"`':
            quote = char
        elif char in "({":
            opened.append({"(": ")", "{": "}"}[char])
        elif char in ")}" and (not opened or opened.pop() != char):
            return True
    return bool(quote or opened)


@every_key
def test_brackets_and_quotes_are_closed(key: tuple[str, str]) -> None:
    assert not [query for query in queries(read()[key]) if unbalanced(query)]


@pytest.mark.parametrize("bad", ["{ a = `b }", '{ name = "a\\" }', "{ (a = 1 }", "{ a = 1 } }"])
def test_open_brackets_and_quotes_are_seen(bad: str) -> None:
    assert unbalanced(bad)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Run a Tempo without data, and yield the address of its search."""
    folder = tmp_path_factory.mktemp("tempo")
    http, grpc, gossip = free_ports(3)
    listen = {"http_listen_address": "127.0.0.1", "grpc_listen_address": "127.0.0.1"}
    config = {
        "server": {**listen, "http_listen_port": http, "grpc_listen_port": grpc},
        "memberlist": {"bind_addr": ["127.0.0.1"], "bind_port": gossip},
        "ingester": {"lifecycler": {"address": "127.0.0.1", "port": grpc}},
        "storage": {
            "trace": {
                "backend": "local",
                "local": {"path": str(folder / "blocks")},
                "wal": {"path": str(folder / "wal")},
            }
        },
        "usage_report": {"reporting_enabled": False},
    }
    with tempo(config, Path(folder)):
        ready({"http": http})
        yield f"http://127.0.0.1:{http}/api/search"


def answer(search: str, traceql: str) -> str:
    """Return what Tempo says against a query; nothing if it takes it."""
    url = f"{search}?{urlencode({'q': traceql, 'limit': 1})}"
    try:
        with urllib.request.urlopen(url, timeout=10) as taken:  # noqa: S310
            json.load(taken)
            return ""
    except urllib.error.HTTPError as refused:
        return f"{refused.code}: {refused.read().decode()}"


@needs_tempo
def test_tempo_takes_each_query(search: str) -> None:
    every = {query for dashboard in read().values() for query in queries(dashboard)}
    assert every
    assert not [said for query in sorted(every) if (said := answer(search, query))]


@needs_tempo
def test_tempo_refuses_a_bad_query(search: str) -> None:
    assert answer(search, "{ resource.service.name =~ }").startswith("400: ")
