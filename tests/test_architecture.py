"""Imports go one way, and components read nothing from around them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.sweep import sweep

ROOT = Path(__file__).parent.parent
COMPONENTS = sorted((ROOT / "components").rglob("*.py"))
POLICIES = [ROOT / "policy" / "__main__.py", *sorted((ROOT / "policy" / "rules").rglob("*.py"))]


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def imported(file: Path) -> Iterator[str]:
    """Yield the names that a file imports, relative imports by their whole names."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, node.module or "")).strip(".")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_imports_keep_the_contracts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contracts stand in pyproject.toml; `make check` runs them too."""
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@sweep("file", POLICIES, ids=name)
def test_policies_need_nothing_that_their_own_environment_lacks(file: Path) -> None:
    """The pack runs with pulumi-policy and without the stack's dependencies."""
    ours = {name for name in imported(file) if name.startswith("components.")}
    assert ours <= {"components.core.tier.Tier", "components.core.tier.TIERS"}


@sweep("file", COMPONENTS, ids=name)
def test_components_import_each_other_relatively(file: Path) -> None:
    """The package can then be installed under a name that collides with nobody's `components`."""
    assert not re.search(r"^\s*(from|import) components\b", file.read_text(), re.MULTILINE)


@sweep("file", COMPONENTS, ids=name)
def test_components_read_nothing_from_around_them(file: Path) -> None:
    text = file.read_text()
    # It breaks Pulumi's inference of a component's schema.
    assert "__future__.annotations" not in set(imported(file))
    assert not re.search(r"pulumi\.(Config|get_stack|get_project)\b|\.get_\w+_output\(", text)
    assert not re.search(r"from pulumi import .*\b(Config|get_stack|get_project)\b", text)
    assert "opts.merge" not in text
