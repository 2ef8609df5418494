"""What `make look` finds wrong, on pages that are made up here."""

from pathlib import Path

import pytest

from tests.e2e.answers.known import Absent
from tests.e2e.look import chromium, looking
from tests.e2e.look.__main__ import missing
from tests.e2e.look.grafana import Grafana
from tests.e2e.look.looking import Json, Shown, View, address, open_page

# One Chromium for all of them.
pytestmark = pytest.mark.xdist_group("look")

_ALL = Absent(alloy=False, beyla_namespace="beyla")
_VIEW = View(1366, "dark", 5)
#: A panel of Grafana, as much of it as is looked at.
_PANEL = """<div class="react-grid-item" style="width: 300px">
<h2 style="overflow: hidden; white-space: nowrap; width: {title_width}px">{title}</h2>
{content}</div>"""
_TABLE = """<div role="table" style="overflow: auto; width: 280px"><div style="width: {width}px">
<div role="cell" style="overflow: hidden; white-space: nowrap; width: {cell}px">
{text}</div></div></div>"""


def _panel(content: str, *, title: str = "Requests", title_width: int = 280) -> str:
    return _PANEL.format(title=title, title_width=title_width, content=content)


def _table(text: str, *, width: int = 270, cell: int = 200) -> str:
    return _TABLE.format(text=text, width=width, cell=cell)


def _board(kind: str, expr: str = "up", no_value: str = "none yet") -> Json:
    target = {"refId": "A", "expr": expr, "datasource": {"type": "prometheus"}}
    panel: Json = {"title": "Requests", "type": kind, "targets": [] if kind == "text" else [target]}
    panel["fieldConfig"] = {"defaults": {"noValue": no_value}}
    return {"uid": "b", "title": "Board", "panels": [panel]}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> object:
    if not chromium.program():
        pytest.skip("needs Chromium on PATH")
    with chromium.chromium(tmp_path_factory.mktemp("look") / "profile") as page:
        yield page


@pytest.mark.parametrize(
    ("html", "board", "fault"),
    [
        (_panel("5 req/s"), _board("stat"), ""),
        (_panel("5", title="Other"), _board("stat"), "«Requests» is not shown"),
        (_panel("No data"), _board("timeseries"), "shows no data"),
        (_panel("none yet"), _board("table"), "shows no data"),
        (_panel("No data"), _board("timeseries", "beyla_x"), ""),
        (_panel('<i class="panel-loading"></i>'), _board("stat"), "does not stop loading"),
        (_panel("5", title_width=30), _board("stat"), "has a title that is cut off"),
        (_panel(_table("cart")), _board("table"), ""),
        (_panel(_table("a-service-with-a-name", cell=40)), _board("table"), "cuts off"),
        (_panel(_table("0123456789abcdef", cell=40)), _board("table"), ""),
        (_panel(_table("cart", width=900)), _board("table"), "has columns beyond its right edge"),
        (
            _panel("5") + '<div class="markdown-html"><a>Traces</a></div>',
            _board("stat"),
            "the link «Traces» has no target",
        ),
        (
            _panel('5<i data-testid="data-testid Panel status error"></i>'),
            _board("stat"),
            "shows an error",
        ),
    ],
)
def test_a_fault_of_a_page_is_found(
    html: str,
    board: Json,
    fault: str,
    page: chromium.Page,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8>{html}")

    monkeypatch.setattr(looking, "PATIENCE_SECONDS", 1)
    shown = open_page(page, file.as_uri(), _VIEW.width)

    faults = list(Shown(board, _VIEW, shown, ()).faults(_ALL))
    assert len(faults) == bool(fault), faults
    assert fault in "".join(faults)


def test_a_request_that_is_refused_is_a_fault() -> None:
    shown: Json = {"panels": [], "dead": [], "alerts": []}
    board: Json = {"title": "Board", "panels": []}

    faults = Shown(board, _VIEW, shown, ("500 /api/ds/query",)).faults(_ALL)

    assert list(faults) == ["Board (1366-dark): 500 /api/ds/query"]


def test_what_is_missing_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    here = missing("")
    there = missing("http://grafana:3000")

    assert here.endswith("grafana-server, chromium on PATH")
    assert "grafana-server" not in there


def test_a_dashboard_is_opened_with_its_range_theme_and_filters() -> None:
    url = address(Grafana("http://g"), "tracing-slo", _VIEW, {"slo": "a b"})

    assert url == "http://g/d/tracing-slo?var-slo=a+b&from=now-5m&to=now&theme=dark&orgId=1"
