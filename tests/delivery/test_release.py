"""A tag can be released if it matches the package's version and has a section in the changelog."""

import re
from pathlib import Path

import pytest

from delivery.release import problems_and_notes

ROOT = Path(__file__).parents[2]

PACKAGE = '"""Doc."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = """# Changelog

## [Unreleased]

- Later.

## [1.2.3] - 2026-08-01

### Added

- A bucket.

## 1.2.2

- Before.

[1.2.3]: https://example.com
"""


def test_the_notes_are_the_section_of_the_changelog() -> None:
    problems, notes = problems_and_notes("v1.2.3", package=PACKAGE, changelog=CHANGELOG)
    assert problems == []
    assert notes == "### Added\n\n- A bucket."


def test_a_heading_may_be_the_bare_version_and_the_last() -> None:
    package = PACKAGE.replace("1.2.3", "1.2.2")
    assert problems_and_notes("v1.2.2", package=package, changelog=CHANGELOG) == ([], "- Before.")


def test_all_errors_are_reported_at_once() -> None:
    problems, _ = problems_and_notes("v1.2.4", package=PACKAGE, changelog=CHANGELOG)
    assert problems == [
        "the tag is v1.2.4, but __version__ is 1.2.3",
        "CHANGELOG.md has no text under ## 1.2.4",
    ]


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "", "v1.2.3\n"])
def test_a_tag_is_a_version(tag: str) -> None:
    [problem], _ = problems_and_notes(tag, package=PACKAGE, changelog=CHANGELOG)
    assert "not a version" in problem


def test_the_package_as_it_is_can_be_released() -> None:
    package = (ROOT / "components" / "__init__.py").read_text()
    [version] = re.findall(r'^__version__ = "(.*)"$', package, re.M)
    changelog = (ROOT / "CHANGELOG.md").read_text()
    problems, notes = problems_and_notes(f"v{version}", package=package, changelog=changelog)
    assert problems == []
    assert notes
