"""Checks a tag for a release and writes the notes: python -m delivery.release vX.Y.Z."""

import argparse
import re
import sys
from pathlib import Path

from plan.command import reporting

_TAG = re.compile(r"v(\d+\.\d+\.\d+)")
_VERSION = re.compile(r"""^__version__ = ["']([^"']+)["']$""", re.M)
#: A section of the changelog (https://keepachangelog.com).
_SECTION = r"^## \[?{}\]?(?: - [^\n]*)?\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)"


def problems_and_notes(tag: str, *, package: str, changelog: str) -> tuple[list[str], str]:
    """Return all errors of a release, and its notes: the changelog's section of the version."""
    tagged = _TAG.fullmatch(tag)
    if not tagged:
        return [f"{tag!r} is not a version, for example v1.2.3"], ""
    problems: list[str] = []
    version = _VERSION.search(package)
    if not version:
        problems.append("components/__init__.py has no __version__")
    elif version[1] != tagged[1]:
        problems.append(f"the tag is {tag}, but __version__ is {version[1]}")
    section = re.search(_SECTION.format(re.escape(tagged[1])), changelog, re.M | re.S)
    notes = section[1].strip() if section else ""
    if not notes:
        problems.append(f"CHANGELOG.md has no text under ## {tagged[1]}")
    return problems, notes


@reporting(UnicodeDecodeError)
def main() -> int:
    """Check one tag; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.release", description=__doc__)
    parser.add_argument("tag", help="vX.Y.Z")
    tag: str = parser.parse_args().tag
    changelog = Path("CHANGELOG.md")
    problems, notes = problems_and_notes(
        tag,
        package=Path("components", "__init__.py").read_text(encoding="utf-8"),
        changelog=changelog.read_text(encoding="utf-8") if changelog.is_file() else "",
    )
    if problems:
        print(f"error: {tag} can't be released:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    file = Path("build", "release-notes.md")
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{notes}\n", encoding="utf-8")
    print(f"{tag} can be released. Its notes are in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
