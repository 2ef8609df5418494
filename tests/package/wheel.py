"""The wheel, and environments with the wheel and its requirements only."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def build(folder: Path) -> Path:
    """Build the wheel; return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = subprocess.run(
        [*command, "--directory", folder], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


def environment(folder: Path, wheel: Path) -> Path:
    """Make a virtual environment with the wheel; return its Python.

    Its requirements, and theirs in turn, are linked from the environment of the tests: the same
    versions, in no time, without a registry. A wheel without scripts is
    installed by unpacking it.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    [site] = folder.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    # Pulumi asks pip what is installed.
    for name in closure([*required(wheel), "pip"]):
        link(metadata.distribution(name), site)
    return folder / "bin" / "python"


def required(wheel: Path) -> list[str]:
    """Return a wheel's requirements."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])


def closure(asked: list[str], found: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names of distributions that requirements come to, on this Python.

    Raises:
        AssertionError: an installed version doesn't meet a requirement, as `pip check` reports.
    """
    for name in _names(asked):
        if name not in found:
            found = closure(metadata.requires(name) or [], found | {name})
    return found


def _names(asked: list[str]) -> Iterator[str]:
    for text in asked:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            installed = metadata.version(requirement.name)
            assert requirement.specifier.contains(installed, prereleases=True), text
            yield requirement.name.lower()


def link(distribution: metadata.Distribution, site: Path) -> None:
    """Link the files of a distribution from the environment of the tests."""
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        target = Path(str(distribution.locate_file(top)))
        if not (site / top).exists():
            (site / top).symlink_to(target)
