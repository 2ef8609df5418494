"""Each example of a feature is planned, and accepted by charts and policies."""

import pytest

from plan import policies
from plan.write import documents
from tests.examples.features import FEATURES, output, plan, rendered
from tests.stack.variants import unknown_values
from tests.sweep import sweep

#: One worker plans each example, once.
pytestmark = pytest.mark.xdist_group("features")


@sweep("feature", FEATURES)
def test_rendered_output_is_what_the_feature_changes(feature: str) -> None:
    assert output(feature).read_text() == rendered(feature), "run `make golden`"


@sweep("feature", FEATURES)
def test_charts_and_policies_accept_the_plan(feature: str) -> None:
    made = plan(feature)
    assert unknown_values(made.recording) == []
    assert policies.ask(documents(made.recording), made.settings.environment.tier) == []


@sweep("feature", FEATURES)
def test_the_readme_shows_what_it_changes(feature: str) -> None:
    assert "(rendered.diff)" in FEATURES[feature].with_name("README.md").read_text()
