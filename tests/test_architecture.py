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
    "plan": {"plan", "config", "components"},
}
FILES = [f for room in MAY_IMPORT for f in sorted((ROOT / room).rglob("*.py"))]
NAMES = [str(f.relative_to(ROOT)) for f in FILES]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_imports_go_one_way(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0]
    rooms = {name.split(".")[0] for name in imported(ast.parse(file.read_text()))}
    assert rooms & {*MAY_IMPORT, "tests", "bench"} <= MAY_IMPORT[room]


COMPONENTS = [f for f in FILES if f.relative_to(ROOT).parts[0] == "components"]


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda f: str(f.relative_to(ROOT)))
def test_components_read_nothing_from_around_them(file: Path) -> None:
    text = file.read_text()
    names = set(imported(ast.parse(text)))
    forbidden = {"__future__.annotations", "os", "os.environ", "time", "datetime", "pulumi.Config"}
    assert not names & forbidden
    assert not re.search(r"pulumi\.(Config|get_stack|get_project)\b|\.get_\w+_output\(", text)
    assert "opts.merge" not in text
