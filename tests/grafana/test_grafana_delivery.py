"""Delivery to the Grafana operator, and as files that two documented commands import."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Generator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from components.grafana.component import GrafanaDatasources
from components.grafana.dashboards.component import (
    GrafanaDashboards,
    GrafanaDashboardsArgs,
    dashboard_files,
    dashboards,
)
from components.grafana.settings import GrafanaDelivery, GrafanaSettings
from components.stack import grafana_files
from plan.recorder import Recording, record
from tests.contracts.check import contract
from tests.grafana.dashboards.cases import CONTEXTS
from tests.grafana.test_grafana_component import FULL, PASSWORD, SECRET, in_plain
from tests.network.stacks import BACKENDS, stack
from tests.stack.test_stack_contents import secrets

ROOT = Path(__file__).parents[2]
KINDS = contract("grafana-operator-5.24.0")["kinds"]
OPERATOR = GrafanaSettings(
    delivery=GrafanaDelivery.OPERATOR, namespace="grafana", instance_labels={"team": "platform"}
)
FILES = OPERATOR.model_copy(update={"delivery": GrafanaDelivery.FILES})


def custom(recording: Recording) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the specs of the operator's objects by kind and name, each valid for it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for resource in recording.resources:
        kind = resource.type.rpartition(":")[2]
        if "grafana.integreatly.org/v1beta1" in resource.type:
            spec = resource.inputs["spec"]
            jsonschema.validate(spec, KINDS[kind])
            assert spec["instanceSelector"] == {"matchLabels": {"team": "platform"}}
            assert resource.inputs["metadata"]["namespace"] == "grafana"
            found[kind, resource.inputs["metadata"]["name"]] = spec
    return found


@pytest.mark.parametrize("preview", [True, False])
def test_the_operator_gets_each_datasource_without_its_password(preview: bool) -> None:
    args = replace(FULL, settings=OPERATOR)
    recording = record(lambda: GrafanaDatasources("grafana", args), preview=preview)
    made = custom(recording)

    assert {name: spec["uid"] for (_, name), spec in made.items()} == {
        f"tracing-datasource-{role}": f"tracing-{role}"
        for role in ("tempo", "metrics", "logs", "profiles")
    }
    loki = made["GrafanaDatasource", "tracing-datasource-logs"]
    [value] = loki["valuesFrom"]
    source = value["valueFrom"]["secretKeyRef"]
    secret = recording.one(SECRET).inputs
    assert value["targetPath"] == "secureJsonData.basicAuthPassword"
    # The operator replaces the name of the key in these characters.
    assert loki["datasource"]["secureJsonData"] == {"basicAuthPassword": f"${{{source['key']}}}"}
    assert secret["metadata"]["name"] == source["name"]
    assert json.loads(*secrets(secret["stringData"]))[source["key"]] == PASSWORD
    # Not for a sidecar.
    assert "grafana_datasource" not in secret["metadata"]["labels"]
    assert all(PASSWORD[:7] not in in_plain(resource) for resource in recording.resources)


def test_the_operator_gets_each_dashboard_in_its_folder() -> None:
    made = dashboards(CONTEXTS["bare"])
    args = GrafanaDashboardsArgs(settings=OPERATOR, dashboards=made)
    found = custom(record(lambda: GrafanaDashboards("dashboards", args)))
    folder = found.pop(("GrafanaFolder", "tracing"))

    assert folder["title"] == "Tracing"
    assert {(spec["json"], spec["folderRef"]) for spec in found.values()} == {
        (text, "tracing") for text in dashboard_files(made).values()
    }


def test_as_files_nothing_is_created() -> None:
    def program() -> None:
        GrafanaDatasources("grafana", replace(FULL, settings=FILES))
        made = dashboards(CONTEXTS["bare"])
        GrafanaDashboards("dashboards", GrafanaDashboardsArgs(settings=FILES, dashboards=made))

    assert not [r.type for r in record(program).resources if r.type.startswith("kubernetes:")]


class Grafana(BaseHTTPRequestHandler):
    """Takes what the commands import, as Grafana's API does."""

    datasources: dict[str, Any]
    imported: list[Any]

    def do_PUT(self) -> None:
        """Update a datasource that exists."""
        document = self._document()
        uid = self.path.removeprefix("/api/datasources/uid/")
        exists = uid in self.datasources and uid == document["uid"]
        self._answer(200 if exists else 404)

    def do_POST(self) -> None:
        """Create a datasource, or a dashboard."""
        document = self._document()
        if self.path == "/api/datasources":
            self.datasources[document["uid"]] = document
        elif self.path == "/api/dashboards/db":
            self.imported.append(document)
        self._answer(200)

    def _document(self) -> Any:
        assert self.headers["Authorization"] == "Bearer t"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def grafana() -> Generator[str]:
    Grafana.datasources, Grafana.imported = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Grafana)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="needs jq and curl")
def test_the_documented_commands_import_the_files(grafana: str, tmp_path: Path) -> None:
    metrics = {**BACKENDS["metrics"], "createDatasource": True, "username": "reader"}
    settings = stack(
        grafana={"delivery": "files", "tempoUrl": "https://tempo.example.com"},
        backends={"metrics": metrics},
    )
    files = grafana_files(settings)
    for path, text in files.items():
        file = tmp_path / "build/plan/prod/grafana" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    page = (ROOT / "docs/grafana.md").read_text()
    commands = re.findall(r"```sh\n(for file in .*?)```", page, re.DOTALL)
    password = 'a"b$HOME'
    environment = {
        "PATH": os.environ["PATH"],
        "METRICS_PASSWORD": password,
        "GRAFANA_URL": grafana,
        "GRAFANA_TOKEN": "t",
        "GRAFANA_FOLDER": "f",
    }

    assert len(commands) == 2
    # The second time, datasources are updated.
    for command in (*commands, commands[0]):
        subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, check=True)
    assert Grafana.datasources.keys() == {"tracing-tempo", "tracing-metrics"}
    assert Grafana.datasources["tracing-tempo"]["url"] == "https://tempo.example.com"
    assert Grafana.datasources["tracing-metrics"]["secureJsonData"] == {
        "basicAuthPassword": password
    }
    imported = {d["dashboard"]["uid"]: d for d in Grafana.imported}
    assert {f"dashboards/{uid}.json" for uid in imported} == {
        path for path in files if path.startswith("dashboards/")
    }
    assert {(d["folderUid"], d["overwrite"]) for d in imported.values()} == {("f", True)}
