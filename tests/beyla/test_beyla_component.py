"""The component as the engine sees it."""

import pytest

from components.beyla.component import Beyla, BeylaArgs
from components.beyla.settings import BeylaSettings
from components.beyla.values import values
from components.core.helm import BEYLA, MAX_HISTORY
from components.core.settings import ServiceMonitorSettings
from plan.recorder import record

ARGS = BeylaArgs(
    settings=BeylaSettings(namespaces=["shop"]),
    namespace="tracing-beyla",
    chart=BEYLA,
    atomic=True,
    image_registry=None,
    nodes=3,
    cluster_name="dev",
    otlp_endpoint="http://alloy.tracing.svc.cluster.local:4317",
    excluded_namespaces=["tracing"],
    excluded_annotations=[],
    ignored_paths=["/healthz"],
    service_monitor=ServiceMonitorSettings(),
)


@pytest.mark.parametrize("preview", [True, False])
def test_one_release_below_the_component(preview: bool) -> None:
    recording = record(lambda: Beyla("beyla", ARGS), preview=preview)
    component = recording.one("tracing:index:Beyla")
    release = recording.one("kubernetes:helm.sh/v3:Release")
    assert (release.parent, release.name) == (component.urn, "beyla-release")
    assert recording.component_outputs[component.urn] == {}


@pytest.mark.parametrize("preview", [True, False])
def test_the_release_is_pinned_bounded_and_fully_known(preview: bool) -> None:
    recording = record(lambda: Beyla("beyla", ARGS), preview=preview)
    inputs = recording.one("kubernetes:helm.sh/v3:Release").inputs
    assert inputs["name"] == "beyla"
    assert inputs["version"] == BEYLA.version
    assert inputs["namespace"] == "tracing-beyla"
    assert inputs["atomic"] is True
    assert inputs["maxHistory"] == MAX_HISTORY
    assert inputs["values"] == values(ARGS)
