"""The component Tempo, recorded as the engine sees it."""

import pytest

from components.tempo.component import Tempo, values
from components.tempo.settings import TempoMode
from plan.recorder import Recording, record
from tests.tempo.cases import CHARTS, arguments

RELEASE = "kubernetes:helm.sh/v3:Release"
BOTH = pytest.mark.parametrize("mode", TempoMode)
RUNS = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def run(mode: TempoMode, *, preview: bool) -> Recording:
    return record(lambda: Tempo("tempo", arguments(mode)), preview=preview)


@BOTH
@RUNS
def test_the_release_is_pinned_and_known(mode: TempoMode, preview: bool) -> None:
    inputs = run(mode, preview=preview).one(RELEASE).inputs

    assert inputs["name"] == "tempo"
    assert inputs["namespace"] == "tracing"
    assert (inputs["chart"], inputs["version"]) == (CHARTS[mode].name, CHARTS[mode].version)
    assert inputs["values"] == values(arguments(mode))


@BOTH
@RUNS
def test_the_release_is_a_child_named_after_its_component(mode: TempoMode, preview: bool) -> None:
    recording = run(mode, preview=preview)

    component = recording.one("tracing:index:Tempo")
    assert recording.one(RELEASE).parent == component.urn
    assert recording.one(RELEASE).name == "tempo-release"


@BOTH
@RUNS
def test_the_outputs_are_known_at_preview(mode: TempoMode, preview: bool) -> None:
    recording = run(mode, preview=preview)

    outputs = recording.component_outputs[recording.one("tracing:index:Tempo").urn]
    assert set(outputs) == {"queryUrl", "otlpEndpoint"}
    assert outputs["queryUrl"].endswith(".tracing.svc.cluster.local:3200")
    assert outputs["otlpEndpoint"].endswith(".tracing.svc.cluster.local:4317")
