"""Opens every dashboard of a stack in a real Grafana, checks the pages and saves pictures."""

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.answers import questions
from tests.e2e.answers.harness import open_shop, programs, reason_to_skip
from tests.e2e.answers.known import Absent
from tests.e2e.answers.planned import Planned
from tests.e2e.answers.servers import Running
from tests.e2e.look import chromium
from tests.e2e.look.chromium import Page, PageError
from tests.e2e.look.grafana import Grafana, filled, started
from tests.e2e.look.looking import (
    CURRENT,
    Shown,
    View,
    address,
    check_target,
    click,
    is_empty,
    open_page,
    open_titles,
    targets,
    toggle,
)

Json = dict[str, Any]

#: Widths of a laptop and of a screen.
_WIDTHS = (1366, 1920)
_THEMES = ("dark", "light")
#: Filters without a choice of all, set to what has all kinds of neighbours.
_VALUES = {
    "tracing-service": {"service": "checkout"},
    "tracing-operation": {"service": "checkout", "operation": "POST /checkout"},
    "tracing-slo": {"slo": "checkout-availability"},
}
#: Sampling with a rule of each kind.
_SAMPLING = {
    "alloy": {
        "sampling": {
            "mode": "on",
            "slowerThanMs": 1000,
            "keepPercent": 10,
            "rules": [
                {"name": "reports", "service": "reports", "always": True},
                {"name": "search", "service": "search", "keepPercent": 1},
            ],
        }
    },
    "load": {"spansPerSecond": 60, "sentSpansPerSecond": 60, "spansPerTrace": 8},
}
#: Requests of the shop: enough for hours.
_VISITS = 1_000_000
#: Backends that do not run here.
_ABSENT = ("logs", "profiles")
#: A picture in the documentation is of a laptop's first screen.
_PICTURE = {"x": 0, "y": 0, "width": 1366, "height": 900}


def main() -> int:
    """Look at everything; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.e2e.look", description=__doc__)
    parser.add_argument("stack", nargs="?", default="dev", help="name of a stack; by default dev")
    parser.add_argument(
        "--grafana", default="", help="URL of a Grafana, with its administrator's login"
    )
    parser.add_argument("--only", nargs="*", default=[], help="uids of dashboards")
    parser.add_argument("--minutes", type=int, default=2, help="how long the shop is open before")
    parser.add_argument("--sampling", action="store_true", help="add sampling to the stack")
    parser.add_argument("--shops", type=int, default=1, help="number of shops of seven services")
    parser.add_argument("--path", default="", help="path of Grafana, for example /grafana")
    parser.add_argument("--serve", action="store_true", help="keep all running until Ctrl-C")
    parser.add_argument(
        "--pictures", type=Path, help="folder for the pictures in the documentation"
    )
    given = parser.parse_args()
    if reason := missing(given.grafana):
        print(f"make look {reason}")
        return 1
    more = _SAMPLING if given.sampling else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            programs(given.stack, folder, without=_ABSENT, more=more) as (planned, running),
            _grafana(planned, running, folder, given) as grafana,
        ):
            return _look(planned, running, grafana, folder, given)


def missing(address: str) -> str:
    """Return what is missing here, as one sentence; nothing if all is there."""
    needed = ["tempo", "prometheus", "promtool", "alloy", "helm"]
    started_here = [] if address else ["grafana-server"]
    missing = [program for program in needed + started_here if not shutil.which(program)]
    if not chromium.program():
        missing.append("chromium")
    if missing:
        return f"needs {', '.join(missing)} on PATH"
    return reason_to_skip(needed)


@contextlib.contextmanager
def _grafana(
    planned: Planned, running: Running, folder: Path, given: argparse.Namespace
) -> Generator[Grafana]:
    if given.grafana:
        yield filled(planned, running, given.grafana)
        return
    with started(planned, running, folder, given.path) as grafana:
        yield grafana


def _look(
    planned: Planned, running: Running, grafana: Grafana, folder: Path, given: argparse.Namespace
) -> int:
    print(f"Grafana {grafana.version} at {grafana.url}", flush=True)
    boards = [one for one in planned.dashboards() if not given.only or one["uid"] in given.only]
    boards.sort(key=lambda one: one["uid"])
    saved = Path("build/look") / given.stack
    (folder / "profile").mkdir()
    minutes = given.minutes + 1
    with chromium.chromium(folder / "profile") as page:
        page.sign_in(grafana.login)
        for theme in _THEMES if not given.only else ():
            # Before the first span: what a newcomer sees.
            view = View(_WIDTHS[0], theme, minutes)
            open_page(page, address(grafana, "tracing-home", view, {}), view.width)
            page.picture(saved / f"tracing-home-before-{view.name}.png")
        with open_shop(
            planned, running, seconds=60 * given.minutes, visits=_VISITS, shops=given.shops
        ):
            eyes = Eyes(page, grafana, planned, saved, given.pictures, minutes)
            faults = [fault for board in boards for fault in eyes.look(board)]
            if not given.only:
                faults += eyes.follow(boards)
            print(
                "\n".join(["", *faults, f"{len(faults)} faults; pictures in {saved}"]), flush=True
            )
            with contextlib.suppress(KeyboardInterrupt):
                while given.serve:
                    time.sleep(1)
    return 1 if faults else 0


class Eyes:
    """Looks at dashboards, and remembers where their links lead."""

    def __init__(
        self,
        page: Page,
        grafana: Grafana,
        planned: Planned,
        saved: Path,
        pictures: Path | None,
        minutes: int,
    ) -> None:
        """Look with a page.

        Args:
            page: the tab of a browser.
            grafana: the Grafana.
            planned: the plan.
            saved: folder for pictures.
            pictures: folder for the pictures of the documentation, if they are wanted.
            minutes: time range of the dashboards.
        """
        self._page, self._grafana, self._saved = page, grafana, saved
        self._pictures, self._minutes = pictures, minutes
        self._absent = Absent(alloy=False, beyla_namespace=planned.settings.namespaces.beyla)
        self._old = grafana.major < CURRENT
        #: An address of each kind of link, by dashboard, panel and target.
        self._targets: dict[tuple[str, str, str], str] = {}

    def look(self, board: Json) -> Iterator[str]:
        """Yield what is wrong with a dashboard, in each theme and width."""
        for width in _WIDTHS:
            for theme in _THEMES:
                try:
                    yield from self._view(board, View(width, theme, self._minutes))
                except PageError as error:
                    yield f"{board['title']} ({width}-{theme}): {error}"
        print(f"{board['title']} has been looked at", flush=True)

    def _view(self, board: Json, view: View) -> Iterator[str]:
        uid = str(board["uid"])
        url = address(self._grafana, uid, view, _VALUES.get(uid, {}))
        file = self._saved / f"{uid}-{view.name}.png"
        whole = open_page(self._page, url, view.width, open_titles(board))
        yield from self._shown(board, view, whole)
        self._page.picture(file)
        first = view == View(_WIDTHS[0], _THEMES[0], self._minutes)
        if self._pictures and first and not is_empty(whole):
            self._page.picture(self._pictures / f"{uid}.webp", _PICTURE)
        for number, row in enumerate(one for one in board["panels"] if one.get("collapsed")):
            opened = toggle(self._page, row, view.width)
            # All other panels have been looked at.
            open_row = {**board, "panels": [{**row, "collapsed": False}]}
            yield from self._shown(open_row, view, opened)
            self._page.picture(file.with_name(f"{file.stem}-row{number + 1}.png"))
            toggle(self._page, row, view.width)

    def _shown(self, board: Json, view: View, page: Json) -> Iterator[str]:
        for (panel, target), href in targets(page).items():
            self._targets.setdefault((str(board["uid"]), panel, target), href)
        shown = Shown(board, view, page, tuple(self._page.refused), self._old)
        yield from shown.faults(self._absent)
        self._page.refused.clear()

    def follow(self, boards: Sequence[Json]) -> Iterator[str]:
        """Yield the links that lead nowhere, or to a page without data.

        Args:
            boards: the dashboards that were looked at.
        """
        opened: set[str] = set()
        clicked: set[tuple[str, str]] = set()
        texts = {
            (board["uid"], panel["title"])
            for board in boards
            for panel in questions.panels(board)
            if panel["type"] == "text"
        }
        for (uid, panel, target), href in self._targets.items():
            where = f"link of «{panel}» on {uid}" if panel else f"link of {uid}"
            if wrong := check_target(self._grafana, href, menu=not panel):
                yield f"{where}: {wrong}"
            elif (uid, panel) in texts:
                # The rows of a page repeat links of its first text.
                if (uid, href) not in clicked:
                    clicked.add((uid, href))
                    yield from (f"{where}: {wrong}" for wrong in self._clicked(uid, href))
            elif panel and target.startswith("d/") and href not in opened:
                opened.add(href)
                yield from (f"{where}: {wrong}" for wrong in self._empty(href))
        if self._old:
            print("Links into Explore were not opened: this Grafana reads another kind of address")

    def _clicked(self, uid: str, href: str) -> Iterator[str]:
        """Yield where a link in a text leads instead: Grafana adds its own path to a click only."""
        view = View(_WIDTHS[0], _THEMES[0], self._minutes)
        url = address(self._grafana, uid, view, _VALUES.get(uid, {}))
        try:
            open_page(self._page, url, view.width)
            led = click(self._page, href)
        except PageError as error:
            yield str(error)
            return
        if led != self._grafana.base + urlsplit(href).path:
            yield f"{href} leads to {led}"

    def _empty(self, href: str) -> Iterator[str]:
        """Yield why a link leads to a page that shows nothing."""
        try:
            url = self._grafana.url + href.removeprefix(self._grafana.base)
            shown = open_page(self._page, url, _WIDTHS[0])
        except PageError as error:
            yield str(error)
            return
        if is_empty(shown):
            yield f"{href} leads to a page without data"


if __name__ == "__main__":
    sys.exit(main())
