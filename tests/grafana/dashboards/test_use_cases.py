"""The nine uses of traces: each has a row in Grafana and a chapter in the docs."""

import re
from pathlib import Path
from typing import Any

from components.telemetry.metrics import labels_of
from tests.grafana.dashboards.cases import read
from tests.grafana.dashboards.test_dashboard_queries import parsed, selectors
from tests.grafana.dashboards.test_dashboard_traceql import unbalanced
from tests.sweep import sweep

USES = [
    "Debugging latency",
    "End-to-end visibility",
    "Errors and failures",
    "Capacity planning",
    "Root cause analysis",
    "Performance tuning new features",
    "Validating SLAs",
    "Exposing misconfigurations",
    "Understanding user behaviour",
]
DOCS = (Path(__file__).parents[3] / "docs" / "using-traces.md").read_text()
_BLOCK = re.compile(r"```(promql|traceql)\n(.*?)```", re.DOTALL)
QUERIES: dict[str, list[str]] = {"promql": [], "traceql": []}
for kind, query in _BLOCK.findall(DOCS):
    QUERIES[kind].append(query)

every_stack = sweep(
    "dashboard",
    lambda: [d for (_, uid), d in read().items() if uid == "tracing-use-cases"],
    ids=lambda _: "use cases",
)


def rows(dashboard: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the panels of each use case; all rows but the contents are closed."""
    closed = [p for p in dashboard["panels"] if p["type"] == "row" and p["collapsed"]]
    return {row["title"]: row["panels"] for row in closed}


@every_stack
def test_each_use_has_a_row_in_the_order_of_the_list(dashboard: dict[str, Any]) -> None:
    assert list(rows(dashboard)) == USES


@every_stack
def test_each_row_says_how_to_read_it_and_has_an_answer(dashboard: dict[str, Any]) -> None:
    for how, *answers in rows(dashboard).values():
        assert how["type"] == "text"
        assert re.search(r"^\*\*.+\?\*\* .+\. More: \[.+\]\(/d/tracing-", how["options"]["content"])
        assert 1 <= len(answers) <= 2
        assert all(one["targets"] for one in answers)


@every_stack
def test_the_contents_name_each_use_and_fit_with_the_rows_on_a_screen(
    dashboard: dict[str, Any],
) -> None:
    _, contents, *others = dashboard["panels"]
    listed = re.findall(r"^\| (.+?) \| .+\? \|", contents["options"]["content"], re.MULTILINE)
    assert listed == USES
    assert all(one["type"] == "row" for one in others)
    # A laptop of 768 pixels shows about 20 units of the grid.
    assert 1 + contents["gridPos"]["h"] + len(others) <= 21


def test_releases_are_compared_by_their_version() -> None:
    [dashboard] = [d for key, d in read().items() if key == ("bare", "tracing-use-cases")]
    _, *answers = rows(dashboard)["Performance tuning new features"]
    for panel in answers:
        assert all("service_version" in t["expr"] for t in panel["targets"])


def test_each_use_has_a_chapter_with_a_query() -> None:
    chapters = re.split(r"^## \d+\. ", DOCS, flags=re.MULTILINE)[1:]
    assert [one.partition("\n")[0] for one in chapters] == USES
    assert all(_BLOCK.search(one) for one in chapters)


@sweep("expr", QUERIES["promql"])
def test_promql_of_the_docs_asks_for_what_is_emitted(expr: str) -> None:
    found = list(selectors(parsed(expr)))
    assert found
    for selector, _ in found:
        matchers = {m.name: m.value for m in selector.matchers.matchers}
        assert matchers.keys() <= {str(label) for label in labels_of(selector.name)}
        assert matchers["source"] == "tempo"


@sweep("query", QUERIES["traceql"])
def test_traceql_of_the_docs_is_whole(query: str) -> None:
    assert query.startswith("{")
    assert not unbalanced(query)
