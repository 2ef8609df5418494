"""What is wrong with what a page of Grafana shows."""

import json
import re
import time
import urllib.error
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.e2e.answers import known, questions
from tests.e2e.look.chromium import Page
from tests.e2e.look.grafana import Grafana

Json = dict[str, Any]

_SCRIPT = (Path(__file__).parent / "page.js").read_text()
#: Opens a row of a dashboard, or closes it, by its title.
_TOGGLE = """(() => {
  const rows = [...document.querySelectorAll('[data-testid*="dashboard-row-title"]')];
  const row = rows.find((one) => one.innerText.trim().startsWith(TITLE));
  (row.matches('button') ? row : row.closest('button') || row).click();
})()"""
#: Clicks on a link in a text by its address.
_CLICK = """(() => {
  const links = [...document.querySelectorAll('.markdown-html a')];
  links.find((one) => one.getAttribute('href') === HREF).click();
})()"""
#: Texts of a panel that found nothing, besides its own.
_NOTHING = ("No data", "no data")
#: What is cut on purpose: ids of traces, which are there to be clicked, and what Grafana's own
#: table of traces holds besides, whose names may be as long as they like.
_ID = re.compile(r"[0-9a-f]{8,32}")
#: First version of Grafana that reads all that the dashboards have: lists of selectors, and the
#: addresses of Explore.
CURRENT = 10
#: Shortest window in pixels; it grows with the dashboard, so that each panel is loaded.
_HEIGHT = 768
#: Longest time in seconds until each panel shows something.
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class View:
    """How a dashboard is looked at.

    Attributes:
        width: of the window in pixels.
        theme: `dark` or `light`.
        minutes: time range.
    """

    width: int
    theme: str
    minutes: int

    @property
    def name(self) -> str:
        """The name in a report and a file."""
        return f"{self.width}-{self.theme}"


@dataclass(frozen=True)
class Shown:
    """What a page shows of a dashboard.

    Attributes:
        dashboard: the dashboard as planned.
        view: how it was looked at.
        page: what `page.js` returned.
        refused: requests that were answered with an error.
        old: this Grafana is older than `CURRENT`.
    """

    dashboard: Json
    view: View
    page: Json
    refused: tuple[str, ...]
    old: bool = False

    def faults(self, absent: known.Absent) -> Iterator[str]:
        """Yield what is wrong."""
        where = f"{self.dashboard['title']} ({self.view.name})"
        shown = {one["title"]: one for one in self.page["panels"]}
        for text in self.page["dead"]:
            yield f"{where}: the link «{text}» has no target"
        yield from (f"{where}: {one}" for one in (*self.page["alerts"], *self.refused))
        closed = [one for one in self.dashboard["panels"] if one.get("collapsed")]
        later = {panel["title"] for row in closed for panel in row["panels"]}
        for panel in questions.panels(self.dashboard):
            title = panel["title"]
            if title not in shown:
                if title not in later:
                    yield f"{where}: «{title}» is not shown"
                continue
            for fault in _faults(
                panel, shown[title], _reason(self.dashboard, panel, absent, old=self.old)
            ):
                yield f"{where}: «{title}» {fault}"


def _reason(dashboard: Json, panel: Json, absent: known.Absent, *, old: bool) -> str:
    """Return why a panel may find nothing here; nothing if it must not."""
    if old and any(
        isinstance(one.get("serviceMapQuery"), list) for one in panel.get("targets", [])
    ):
        return "this Grafana reads one selector of a service graph, not a list"
    asked = questions.questions(dashboard, panel)
    programs = {absent.program(text) for one in asked for text in one.texts} - {""}
    if programs:
        return f"needs {' and '.join(sorted(programs))}"
    return next((why for one in asked if (why := known.healthy(one))), "")


def _faults(panel: Json, shown: Json, reason: str) -> Iterator[str]:
    if shown["titleCut"]:
        yield "has a title that is cut off"
    if shown["error"]:
        yield f"shows an error: {shown['text'][:200]}"
    if shown["busy"]:
        yield "does not stop loading"
    own = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue")
    rest = shown["text"].removeprefix(panel["title"])
    if panel["type"] != "text" and not reason and any(t in rest for t in (*_NOTHING, own) if t):
        yield f"shows no data: {rest[:80]}"
    if cells := [one for one in shown["cells"] if not _ID.fullmatch(one)]:
        yield f"cuts off {', '.join(f'«{one}»' for one in cells[:5])}"
    if shown["scrolls"]:
        yield "has columns beyond its right edge"
    if shown["tooTall"]:
        yield "has more text than fits"


def address(grafana: Grafana, uid: str, view: View, values: Mapping[str, str], **more: str) -> str:
    """Return the address of a dashboard."""
    given = {f"var-{name}": value for name, value in values.items()} | more
    given |= {"from": f"now-{view.minutes}m", "to": "now", "theme": view.theme, "orgId": "1"}
    return f"{grafana.url}/d/{uid}?{urlencode(given)}"


def open_page(page: Page, url: str, width: int, titles: Collection[str] = ()) -> Json:
    """Open a page in a window that is as high as it, and return what it shows.

    Args:
        page: the tab of a browser.
        url: address.
        width: of the window in pixels.
        titles: titles of the panels to wait for.
    """
    page.size(width, _HEIGHT)
    page.goto(url)
    return _whole(page, width, titles)


def toggle(page: Page, row: Json, width: int) -> Json:
    """Open or close a row of the dashboard that is open, and return what it shows."""
    page.evaluate(_TOGGLE.replace("TITLE", json.dumps(row["title"])))
    page.settle()
    return _whole(page, width, ())


def click(page: Page, href: str) -> str:
    """Click on a link in a text, and return the path of the dashboard that it leads to."""
    page.evaluate(_CLICK.replace("HREF", json.dumps(href)))
    page.settle()
    path = str(page.evaluate("location.pathname"))
    # Grafana adds the title to the uid.
    return re.sub(r"(/d/[^/]+)/.*", r"\1", path)


def open_titles(board: Json) -> list[str]:
    """Return the titles of the panels that a dashboard shows without a click."""
    return [one["title"] for one in board["panels"] if one["type"] != "row"]


def _whole(page: Page, width: int, titles: Collection[str]) -> Json:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        bottom = int(page.evaluate(_SCRIPT)["bottom"])
        page.size(width, max(_HEIGHT, bottom + 24))
        page.settle()
        shown = page.evaluate(_SCRIPT)
        complete = {*titles} <= {one["title"] for one in shown["panels"]} and not shown["busy"]
        if complete or time.monotonic() > end:
            return shown


def is_empty(shown: Json) -> bool:
    """Tell whether none of the panels that query something found anything."""
    texts = [str(one["text"]) for one in shown["panels"]]
    endings = (*_NOTHING, "in this time range", "in this time range.")
    return bool(texts) and all(text.endswith(endings) for text in texts)


def targets(shown: Json) -> dict[tuple[str, str], str]:
    """Return one address of each kind of link in a page: by its panel and what it leads to."""
    found: dict[tuple[str, str], str] = {}
    for link in shown["links"]:
        path = urlsplit(str(link["href"])).path
        if match := re.search(r"/(d/[\w-]+|explore)", path):
            found.setdefault((link["panel"], match[1]), link["href"])
    return found


def check_target(grafana: Grafana, href: str, *, menu: bool) -> str:
    """Return what is wrong with where a link leads; nothing if it is there.

    Args:
        grafana: the Grafana.
        href: address.
        menu: it is in the menu of dashboards, which gives each the variables of the one that is
            open.
    """
    parts = urlsplit(href)
    if "explore" in parts.path:
        asked = parse_qs(parts.query)
        text = next(iter(asked.get("panes") or asked.get("left") or ["null"]))
        try:
            panes = json.loads(text)
        except ValueError:
            return f"{href}: Explore cannot read it"
        uids = re.findall(r'"uid": "([^"]+)"', json.dumps(panes))
        return next(
            (wrong for uid in uids if (wrong := _answers(grafana, f"datasources/uid/{uid}"))), ""
        )
    uid = parts.path.split("/d/", 1)[1].split("/", 1)[0]
    if wrong := _answers(grafana, f"dashboards/uid/{uid}"):
        return wrong
    board = grafana.ask(f"api/dashboards/uid/{uid}")["dashboard"]
    has = {one["name"] for one in board.get("templating", {}).get("list", [])}
    given = {name.removeprefix("var-") for name in parse_qs(parts.query) if name.startswith("var-")}
    return "" if menu or given <= has else f"{href}: {uid} has no {', '.join(sorted(given - has))}"


def _answers(grafana: Grafana, path: str) -> str:
    try:
        grafana.ask(f"api/{path}")
    except urllib.error.HTTPError as error:
        return f"{path}: {error.code}"
    return ""
