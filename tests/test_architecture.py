"""Arrows between the rooms go one way, and components read nothing from around them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "components": {"components"},
    "config": {"config", "components"},
    "package": {"package", "components"},
    "plan": {"plan", "config", "components", "policy"},
    "delivery": {"delivery", "plan", "config", "components"},
    "policy": {"policy", "components"},
    "bootstrap": {"bootstrap", "plan", "config", "components"},
}
FILES = [
    f
    for room in MAY_IMPORT
    for f in sorted((ROOT / room).rglob("*.py"))
    if "venv" not in f.relative_to(ROOT).parts
]
NAMES = [str(f.relative_to(ROOT)) for f in FILES]


def imported(file: Path) -> Iterator[str]:
    """Yield what a file imports, relative imports by their whole names."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, node.module or "")).strip(".")
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_imports_go_one_way(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0]
    rooms = {name.split(".")[0] for name in imported(file)}
    assert rooms & {*MAY_IMPORT, "tests", "bench"} <= MAY_IMPORT[room]


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.is_relative_to(ROOT / "policy")], ids=lambda f: f.name
)
def test_policies_need_nothing_that_their_own_environment_lacks(file: Path) -> None:
    """The pack runs with pulumi-policy and without the stack's dependencies."""
    ours = {name for name in imported(file) if name.startswith("components.")}
    assert ours <= {"components.core.tier.Tier", "components.core.tier.TIERS"}


COMPONENTS = [f for f in FILES if f.relative_to(ROOT).parts[0] == "components"]


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda f: str(f.relative_to(ROOT)))
def test_components_import_each_other_relatively(file: Path) -> None:
    """The package can then be installed under a name that collides with nobody's `components`."""
    assert not re.search(r"^\s*(from|import) components\b", file.read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda f: str(f.relative_to(ROOT)))
def test_components_read_nothing_from_around_them(file: Path) -> None:
    text = file.read_text()
    names = set(imported(file))
    forbidden = {"__future__.annotations", "os", "os.environ", "time", "datetime", "pulumi.Config"}
    assert not names & forbidden
    assert not re.search(r"pulumi\.(Config|get_stack|get_project)\b|\.get_\w+_output\(", text)
    assert "opts.merge" not in text
