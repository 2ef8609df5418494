"""The component Alloy, recorded as the engine sees it."""

import pytest

from components.alloy.component import Alloy
from components.alloy.values import values
from plan.recorder import Recording, record
from tests.alloy.cases import arguments

RELEASE = "kubernetes:helm.sh/v3:Release"

each_mode = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def run(*, preview: bool, atomic: bool = True) -> Recording:
    return record(lambda: Alloy("gateway", arguments(atomic=atomic)), preview=preview)


@each_mode
def test_the_release_is_pinned_and_known(preview: bool) -> None:
    inputs = run(preview=preview).one(RELEASE).inputs

    assert (inputs["name"], inputs["namespace"]) == ("alloy", "tracing")
    assert (inputs["chart"], inputs["version"]) == ("alloy", "1.11.1")
    assert inputs["values"] == values(arguments())


@each_mode
def test_the_release_is_a_child_named_after_the_component(preview: bool) -> None:
    recording = run(preview=preview)

    assert recording.one(RELEASE).parent == recording.one("tracing:index:Alloy").urn
    assert recording.one(RELEASE).name == "gateway-release"


@each_mode
@pytest.mark.parametrize("atomic", [True, False])
def test_a_failed_upgrade_is_rolled_back_where_asked(preview: bool, atomic: bool) -> None:
    assert run(preview=preview, atomic=atomic).one(RELEASE).inputs["atomic"] is atomic


@each_mode
def test_the_endpoints_are_known_at_preview(preview: bool) -> None:
    recording = run(preview=preview)

    assert recording.component_outputs[recording.one("tracing:index:Alloy").urn] == {
        "otlpGrpcEndpoint": "http://alloy.tracing.svc.cluster.local:4317",
        "otlpHttpEndpoint": "http://alloy.tracing.svc.cluster.local:4318",
    }
