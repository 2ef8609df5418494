"""Groups of tests, each of which one worker runs (tests/conftest.py)."""

import os

import pytest


@pytest.mark.xdist_group("own")
def test_workers_see_the_groups(request: pytest.FixtureRequest) -> None:
    """pytest-xdist 3.8 sends no group to one worker with pytest 9.2, and says nothing."""
    grouped = getattr(request.config.option, "loadgroup", False)
    assert ("@own" in os.environ["PYTEST_CURRENT_TEST"]) is grouped
