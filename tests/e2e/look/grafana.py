"""A Grafana with the files of a plan: one that is started here, or one at a URL."""

import base64
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

from plan.rehearse.programs import HOST, free_ports, get, process, wait_for
from tests.e2e.answers import questions
from tests.e2e.answers.planned import Planned
from tests.e2e.answers.servers import Running
from tests.grafana.grafana_reads import read

Json = dict[str, Any]
#: Everybody may look and use Explore, and nothing is fetched from outside.
_SETTINGS = {
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Editor",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_USERS_DEFAULT_THEME": "dark",
    "GF_LOG_LEVEL": "warn",
}


@dataclass(frozen=True)
class Grafana:
    """A Grafana.

    Attributes:
        url: its address, without a slash at the end.
        login: name and password, if it asks for them.
    """

    url: str
    login: str = ""

    @property
    def version(self) -> str:
        """Its version."""
        return self.ask("api/health")["version"]

    @property
    def base(self) -> str:
        """The path that it is under; empty for none."""
        return urlsplit(self.url).path

    @property
    def major(self) -> int:
        """The first number of its version."""
        return int(self.version.split(".", 1)[0])

    def ask(self, path: str, body: Json | None = None, method: str = "") -> Any:
        """Return the answer to a request of the API.

        Raises:
            urllib.error.HTTPError: Grafana refuses it.
        """
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Content-Type": "application/json", "Accept": "application/json"},
            method=method or ("POST" if body is not None else "GET"),
        )
        if self.login:
            request.add_header(
                "Authorization", f"Basic {base64.b64encode(self.login.encode()).decode()}"
            )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)


@contextlib.contextmanager
def started(planned: Planned, running: Running, folder: Path, path: str = "") -> Generator[Grafana]:
    """Run Grafana with the plan's files, which it reads again when they change.

    Args:
        planned: the plan.
        running: the programs of this run.
        folder: an empty folder.
        path: path that it is served under, as behind a proxy; empty for none.
    """
    provision(planned, running, folder / "provisioning")
    [port] = free_ports(1)
    environment = {
        **_SETTINGS,
        "GF_SERVER_HTTP_ADDR": HOST,
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_PATHS_DATA": str(folder / "grafana-data"),
        "GF_PATHS_LOGS": str(folder / "grafana-logs"),
        "GF_PATHS_PLUGINS": str(folder / "grafana-plugins"),
        "GF_PATHS_PROVISIONING": str(folder / "provisioning"),
    }
    url = f"http://{HOST}:{port}{path}"
    if path:
        environment |= {"GF_SERVER_ROOT_URL": url, "GF_SERVER_SERVE_FROM_SUB_PATH": "true"}
    with process(["grafana-server"], folder / "grafana.log", **environment):
        wait_for("Grafana", lambda: get(f"{url}/api/health"), 180)
        yield Grafana(url)


def provision(planned: Planned, running: Running, folder: Path) -> None:
    """Write the files that Grafana reads: those of the plan, with the addresses of this run."""
    for kind in ("datasources", "dashboards", "plugins", "alerting", "notifiers"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name, file in _datasources(planned, running).items():
        (folder / "datasources" / name).write_text(yaml.safe_dump(file))
    boards = folder / "dashboards" / "tracing"
    boards.mkdir(exist_ok=True)
    for board in planned.dashboards():
        (boards / f"{board['uid']}.json").write_text(json.dumps(_readable(board)))
    provider = {
        "name": "tracing",
        "folder": planned.settings.grafana.folder,
        "type": "file",
        "updateIntervalSeconds": 5,
        "options": {"path": str(boards)},
    }
    file = folder / "dashboards" / "tracing.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": 1, "providers": [provider]}))


def _readable(board: Json) -> Json:
    """Return a dashboard that Grafana 9.4 shows too.

    It knows cells by an older name, and no shades of a colour.
    """
    for panel in questions.panels(board):
        colour = panel.get("fieldConfig", {}).get("defaults", {}).get("color", {})
        if colour.get("mode") == "shades":
            colour["mode"] = "fixed"
        for one in panel.get("fieldConfig", {}).get("overrides", []):
            cells = [its for its in one["properties"] if its["id"] == "custom.cellOptions"]
            one["properties"] += [
                {"id": "custom.displayMode", "value": its["value"]["type"]} for its in cells
            ]
    return board


def _datasources(planned: Planned, running: Running) -> dict[str, Json]:
    """Return the provisioning files of the datasources by name; each `$` is doubled there."""
    addresses = {"tempo": running.tempo, "prometheus": running.prometheus}
    files: dict[str, Json] = {}
    for file in (planned.folder / "grafana").glob("*.yaml"):
        files[file.name] = yaml.safe_load(file.read_text())
        for one in files[file.name]["datasources"]:
            one["url"] = addresses[one["type"]]
    metrics = planned.settings.backends.metrics
    if metrics and not metrics.create_datasource:
        # The one that the platform's Grafana already has.
        own = {"type": "prometheus", "access": "proxy", "url": running.prometheus}
        own |= {"name": metrics.uid, "uid": metrics.uid, "orgId": planned.settings.grafana.org_id}
        files["metrics.yaml"] = {"apiVersion": 1, "datasources": [own]}
    return files


def filled(planned: Planned, running: Running, address: str) -> Grafana:
    """Put the plan's datasources and dashboards into a Grafana at a URL, over its API.

    Args:
        planned: the plan.
        running: the programs of this run, which that Grafana must reach.
        address: URL, with the login of an administrator if it asks for one.
    """
    parts = urlsplit(address)
    login = f"{parts.username}:{parts.password}" if parts.username else ""
    host = parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else ""
    url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    grafana = Grafana(url, login)
    for file in _datasources(planned, running).values():
        for one in read(yaml.safe_dump(file))["datasources"]:
            with contextlib.suppress(urllib.error.HTTPError):
                grafana.ask(f"api/datasources/uid/{one['uid']}", method="DELETE")
            grafana.ask("api/datasources", one)
    folder = planned.settings.grafana.folder
    with contextlib.suppress(urllib.error.HTTPError):
        grafana.ask("api/folders", {"uid": "tracing-look", "title": folder})
    for board in planned.dashboards():
        given = {"dashboard": board, "folderUid": "tracing-look", "overwrite": True}
        grafana.ask("api/dashboards/db", given)
    return grafana
