"""The wheel, built once, and an environment of its own."""

from pathlib import Path

import pytest

from tests.package import wheel as packaging


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaging.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Return the Python of an environment with the wheel and what it asks for."""
    return packaging.environment(tmp_path_factory.mktemp("environment") / "venv", wheel)
