"""The wheel, and environments that hold it with what it asks for and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def build(folder: Path) -> Path:
    """Build the wheel; return its path."""
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    [wheel] = folder.glob("*.whl")
    return wheel


def environment(folder: Path, wheel: Path) -> Path:
    """Make a virtual environment with the wheel; return its Python.

    What the wheel asks for, and what that asks for in turn, is linked from where the tests run: the
    same versions, in no time, without a registry.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    [site] = folder.glob("lib/python*/site-packages")
    [installed] = site.glob("tracing_stack-*.dist-info")
    asked = metadata.Distribution.at(installed).requires or []
    # Pulumi asks pip what is installed.
    for name in closure([*asked, "pip"]):
        link(metadata.distribution(name), site)
    return python


def pip(*arguments: str) -> str:
    """Run pip; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"pip {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def closure(asked: list[str], found: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names of distributions that requirements come to, on this Python."""
    for name in _names(asked):
        if name not in found:
            found = closure(metadata.requires(name) or [], found | {name})
    return found


def _names(asked: list[str]) -> Iterator[str]:
    for text in asked:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name.lower()


def link(distribution: metadata.Distribution, site: Path) -> None:
    """Link what a distribution put into the environment of the tests."""
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        target = Path(str(distribution.locate_file(top)))
        if not (site / top).exists():
            (site / top).symlink_to(target)
