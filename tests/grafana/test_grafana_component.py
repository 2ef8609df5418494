"""The component as the engine sees it."""

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.backends.settings import (
    BackendSettings,
    LogsSettings,
    MetricsSettings,
    ProfilesSettings,
)
from components.grafana.component import GrafanaDatasources, GrafanaDatasourcesArgs
from components.grafana.settings import GrafanaSettings
from plan.recorder import Recording, Resource, Secret, record
from tests.grafana.grafana_reads import read

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
PASSWORD = "hunter2$HOME"

METRICS = MetricsSettings(
    url="http://mimir.mimir.svc/prometheus",
    remote_write_url="http://mimir.mimir.svc/api/v1/push",
    create_datasource=True,
)
LOGS = LogsSettings(
    url="http://loki.loki.svc",
    otlp_url="http://loki.loki.svc/otlp",
    create_datasource=True,
    username="reader",
)
PROFILES = ProfilesSettings(url="http://pyroscope.pyroscope.svc:4040", create_datasource=True)
FULL = GrafanaDatasourcesArgs(
    settings=GrafanaSettings(org_id=2),
    backends=BackendSettings(metrics=METRICS, logs=LOGS, profiles=PROFILES),
    tempo_query_url="http://tempo.tracing.svc.cluster.local:3200",
    tenant=None,
    metrics_password=None,
    logs_password=PASSWORD,
)
BARE = replace(FULL, settings=GrafanaSettings(), backends=BackendSettings(), logs_password=None)

both_modes = pytest.mark.parametrize("preview", [True, False])


def run(args: GrafanaDatasourcesArgs, *, preview: bool) -> Recording:
    return record(lambda: GrafanaDatasources("grafana", args), preview=preview)


def files(recording: Recording) -> dict[str, dict[str, Any]]:
    """Return the one datasource in each file that the sidecar would write."""
    texts: dict[str, Any] = {}
    for resource in recording.of_type(CONFIG_MAP) + recording.of_type(SECRET):
        data: Any = resource.inputs["stringData" if resource.type == SECRET else "data"]
        texts |= data.value if isinstance(data, Secret) else data
    found: dict[str, dict[str, Any]] = {}
    for name, text in texts.items():
        (found[name],) = read(text.value if isinstance(text, Secret) else text)["datasources"]
    return found


@both_modes
def test_tempo_alone_where_nothing_else_is_asked_for(preview: bool) -> None:
    recording = run(BARE, preview=preview)
    assert [r.name for r in recording.of_type(CONFIG_MAP)] == ["grafana-tempo"]
    assert recording.of_type(SECRET) == []


@both_modes
def test_a_backend_that_exists_gets_no_datasource(preview: bool) -> None:
    existing = METRICS.model_copy(update={"create_datasource": False})
    args = replace(BARE, backends=BackendSettings(metrics=existing))
    assert run(args, preview=preview).one(CONFIG_MAP).name == "grafana-tempo"


@both_modes
def test_each_asked_for_is_made_once(preview: bool) -> None:
    sources = files(run(FULL, preview=preview))
    assert {source["uid"]: source["url"] for source in sources.values()} == {
        "tracing-tempo": "http://tempo.tracing.svc.cluster.local:3200",
        "tracing-metrics": "http://mimir.mimir.svc/prometheus",
        "tracing-logs": "http://loki.loki.svc",
        "tracing-profiles": "http://pyroscope.pyroscope.svc:4040",
    }
    assert {source["orgId"] for source in sources.values()} == {2}


@both_modes
def test_the_sidecar_finds_all_of_them(preview: bool) -> None:
    settings = FULL.settings.model_copy(
        update={"datasource_label": "find", "datasource_label_value": "me", "namespace": "obs"}
    )
    recording = run(replace(FULL, settings=settings), preview=preview)
    made = recording.of_type(CONFIG_MAP) + recording.of_type(SECRET)
    assert len(made) == 4
    for resource in made:
        assert resource.inputs["metadata"]["labels"]["find"] == "me"
        assert resource.inputs["metadata"]["namespace"] == "obs"


@both_modes
def test_a_password_is_in_a_secret_only(preview: bool) -> None:
    recording = run(FULL, preview=preview)
    assert recording.one(SECRET).name == "grafana-logs"
    assert is_secret(recording.one(SECRET).inputs["stringData"])
    for resource in recording.resources:
        assert PASSWORD[:7] not in in_plain(resource)
    loki = files(recording)["tracing-datasource-logs-login.yaml"]
    assert loki["secureJsonData"] == {"basicAuthPassword": PASSWORD}


@both_modes
def test_a_password_may_come_as_an_output(preview: bool) -> None:
    def program() -> None:
        args = replace(FULL, logs_password=pulumi.Output.secret(PASSWORD))
        GrafanaDatasources("grafana", args)

    loki = files(record(program, preview=preview))["tracing-datasource-logs-login.yaml"]
    assert loki["secureJsonData"] == {"basicAuthPassword": PASSWORD}


def test_a_user_without_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="logs: the datasource has no password"):
        run(replace(FULL, logs_password=None), preview=True)


@both_modes
def test_children_outputs_and_names(preview: bool) -> None:
    recording = run(FULL, preview=preview)
    component = recording.one("tracing:index:GrafanaDatasources")
    assert recording.component_outputs[component.urn] == {"tempoUid": "tracing-tempo"}
    children = recording.of_type(CONFIG_MAP) + recording.of_type(SECRET)
    assert {child.parent for child in children} == {component.urn}
    assert all(child.name.startswith("grafana-") for child in children)
    names = [child.inputs["metadata"]["name"] for child in children]
    assert len(set(names)) == len(files(recording)) == len(children)


def is_secret(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(below, Secret) for below in value.values())  # pyright: ignore
    return isinstance(value, Secret)


def in_plain(resource: Resource) -> str:
    return json.dumps(resource.inputs, default=lambda _: "***")
