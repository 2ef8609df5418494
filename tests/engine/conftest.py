"""A lab for each test of the engine."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.engine import lab as engine
from tests.engine.lab import Lab


@pytest.fixture(scope="session")
def charts() -> Generator[str]:
    with engine.chart_repository() as url:
        yield url


@pytest.fixture
def alone() -> Generator[None]:
    """Let one test at a time have the cluster, whatever worker it runs in."""
    with engine.alone():
        engine.free_volumes()
        yield


@pytest.fixture
def lab(tmp_path: Path, charts: str, alone: None) -> Generator[Lab]:
    if "monitoring" not in engine.kubectl("get", "namespaces", "-o", "name"):
        engine.kubectl("create", "namespace", "monitoring")
    made = Lab(tmp_path, charts)
    yield made
    # What a failed test left would be in the way of the next.
    for file in made.project.glob("Pulumi.*.yaml"):
        stack = file.name.split(".")[1]
        down = ("destroy", "--yes", "--skip-preview", "--exclude-protected", "--stack", stack)
        made.pulumi(*down, ok=False)
