"""Settings and fixtures that all tests share."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings

from tests import properties
from tests.package import wheel as packaging
from tests.snapshot import snapshot

BUILD = Path(__file__).parent.parent / "build"
#: Folders whose tests share recorded plans, dashboards, the wheel or a cluster, with their group.
_SHARING = {
    **dict.fromkeys(("bootstrap", "policy", "stack"), "stacks"),
    # Those of the engine share the one cluster: a second worker would wait for the first.
    **{folder: folder for folder in ("engine", "grafana", "package", "plan")},
}

# Container images often forbid bytecode. Each worker, and each program that a test runs, would then
# compile the project and rewrite the assertions of every test: half of the time of a run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Nothing that is imported for the tests is garbage: searching it would take a quarter of the time.
gc.disable()

# An Output put into a text is a mistake that would otherwise print a help text.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"

settings.load_profile(properties.FEW)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run the tests that share what is costly to make, or have by turns."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        own = item.get_closest_marker("xdist_group")
        if not own and (group := _SHARING.get(folder)):
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def build_is_left_alone() -> Generator[None]:
    """Fail if a test writes into build/, where the developer's last plans are."""
    before = snapshot(BUILD)
    yield
    assert snapshot(BUILD) == before, (
        "a test wrote into build/: use a temporary folder. If `make plan` ran meanwhile, run again"
    )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the components."""
    return packaging.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def wheel_python(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Return the Python of an environment with the wheel and what it asks for."""
    return packaging.environment(tmp_path_factory.mktemp("environment") / "venv", wheel)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests by folder and reason."""
    skipped: Counter[tuple[str, str]] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = cast("tuple[str, int, str]", report.longrepr)[2]
        folder = Path(report.nodeid.split("::")[0]).parent.as_posix()
        skipped[folder, reason.removeprefix("Skipped: ")] += 1
    if skipped:
        terminalreporter.section("skipped, by what is missing")
        for (folder, reason), count in sorted(skipped.items()):
            terminalreporter.write_line(f"{count:4} in {folder}: {reason}")
