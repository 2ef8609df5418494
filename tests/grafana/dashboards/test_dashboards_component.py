"""Dashboards as the engine sees them."""

import json

import pytest

from components.grafana.dashboards.component import (
    GrafanaDashboards,
    GrafanaDashboardsArgs,
    dashboard_files,
    dashboards,
)
from components.grafana.layout import Line, Section, dashboard
from components.grafana.links import Uid
from components.grafana.panels import text_panel
from components.grafana.settings import GrafanaSettings
from plan.recorder import Recording, record
from tests.grafana.dashboards.cases import CONTEXTS, FULL

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SETTINGS = GrafanaSettings(
    namespace="grafana",
    folder="Traces",
    dashboard_label="is-dashboard",
    dashboard_label_value="yes",
)

both_modes = pytest.mark.parametrize("preview", [True, False])


def run(context: str, *, preview: bool) -> Recording:
    args = GrafanaDashboardsArgs(settings=SETTINGS, dashboards=dashboards(CONTEXTS[context]))
    return record(lambda: GrafanaDashboards("dashboards", args), preview=preview)


@both_modes
@pytest.mark.parametrize("context", CONTEXTS)
def test_each_dashboard_is_an_object_with_one_file(context: str, preview: bool) -> None:
    made = run(context, preview=preview).of_type(CONFIG_MAP)
    assert len(made) == len(dashboards(CONTEXTS[context]))
    for one in made:
        [(file, text)] = one.inputs["data"].items()
        uid = json.loads(text)["uid"]
        assert file == f"{uid}.json"
        assert one.inputs["metadata"]["name"] == f"dashboard-{uid}"


@both_modes
def test_the_sidecar_finds_them_and_their_folder(preview: bool) -> None:
    for one in run("bare", preview=preview).of_type(CONFIG_MAP):
        metadata = one.inputs["metadata"]
        assert metadata["namespace"] == "grafana"
        assert metadata["labels"]["is-dashboard"] == "yes"
        assert metadata["annotations"] == {"grafana_folder": "Traces"}


@both_modes
def test_outputs_name_them(preview: bool) -> None:
    outputs = run("bare", preview=preview).component_outputs
    [found] = [out for urn, out in outputs.items() if "tracing:index:GrafanaDashboards" in urn]
    assert found == {"uids": [d.uid for d in dashboards(CONTEXTS["bare"])]}


def test_uids_are_the_same_in_both_modes_of_tempo() -> None:
    monolithic, distributed = (
        {d.uid for d in dashboards(CONTEXTS[name])} for name in ("monolithic", "distributed")
    )
    assert monolithic == distributed


def test_a_dashboard_too_large_for_an_object_is_refused() -> None:
    large = dashboard(Uid.HOME, "d", Section("s", Line(text_panel("t", "d", "x" * 1024 * 900))))
    with pytest.raises(ValueError, match=r"tracing-home: \d+ bytes"):
        dashboard_files([large])


def test_a_uid_twice_is_refused() -> None:
    first = dashboards(FULL)[0]
    with pytest.raises(ValueError, match="taken"):
        dashboard_files([first, first])
