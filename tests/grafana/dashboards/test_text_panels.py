"""Text panels as Grafana shows them: by its own Markdown and sanitizer, from npm.

A link in there must begin with `/`. The sanitizer drops an address that begins with a letter, and
`./` is no route: Grafana handles the click itself and puts its own base path before an address that
begins with `/`. That holds under a sub-path (`serve_from_sub_path`), and in a kiosk, whose mode a
page that is loaded anew would lose.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.grafana.dashboards.cases import panels, read
from tests.grafana.dashboards.grafana_fills import filled, variables

SANITIZER = Path(__file__).parent / "sanitizer"
#: Where npm installs to; one copy for all runs, beside what pytest keeps between them.
INSTALLED = Path(__file__).parents[3] / ".pytest_cache" / "text-panels"
_HREF = re.compile(r"<a( href(?:=\"([^\"]*)\")?)?")

# test_dashboard_links.py holds that each link begins with `/d/` and leads to a dashboard; npm takes
# long to install the sanitizer.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("text-panels")]


@cache
def missing() -> str:
    """Return what is not here to render text panels with, once it is installed where it can be."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "needs Node and npm on PATH"
    wanted = (SANITIZER / "package.json").read_text()
    INSTALLED.mkdir(parents=True, exist_ok=True)
    done = INSTALLED / "done.json"
    with (INSTALLED / "lock").open("w") as lock:
        # Two runs of the tests at once install it one after the other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            (INSTALLED / "package.json").write_text(wanted)
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            made = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True)
            if made.returncode:
                return f"npm could not install @grafana/data: {made.stderr.strip()[-200:]}"
            done.write_text(wanted)
    return ""


def shown(texts: list[str]) -> list[str]:
    """Return the HTML that Grafana shows for Markdown.

    Raises:
        subprocess.CalledProcessError: Node fails.
    """
    if why := missing():
        pytest.skip(why)
    command = ["node", str(SANITIZER / "render.cjs"), str(INSTALLED)]
    env = {**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")}
    done = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=True, env=env
    )
    return json.loads(done.stdout)


def test_each_link_in_a_text_panel_has_its_target() -> None:
    asked: list[tuple[tuple[str, str], str]] = []
    for key, dashboard in read().items():
        for panel in panels(dashboard):
            if panel["type"] == "text":
                content = panel["options"]["content"].replace("${__url_time_range}", "from=1")
                content = re.sub(r"\$\{(\w+):queryparam\}", r"var-\1=.*", content)
                values = dict.fromkeys(variables(content), ".*")
                asked.append((key, filled(content, values)))
    links = 0
    for (key, content), html in zip(asked, shown([text for _, text in asked]), strict=True):
        found = _HREF.findall(html)
        assert len(found) == len(re.findall(r"\]\(", content)), html
        for _, target in found:
            links += 1
            assert target.startswith("/d/"), html
            assert (key[0], target.partition("?")[0].removeprefix("/d/")) in read()
    assert links


def test_the_sanitizer_drops_what_it_is_said_to_drop() -> None:
    [html] = shown(["[a](d/x?k=1) [b](/d/x?k=1) [c](https://example.com/x)"])
    assert [target for _, target in _HREF.findall(html)] == [
        "",
        "/d/x?k=1",
        "https://example.com/x",
    ]
