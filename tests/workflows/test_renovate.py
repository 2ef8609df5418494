"""Renovate finds what is pinned by a comment."""

import re
from pathlib import Path

import pytest

from components.core.helm import TEMPO_3, TEMPO_DISTRIBUTED_3
from components.core.registry import CHARTS

ROOT = Path(__file__).parents[2]


def patterns() -> list[re.Pattern[str]]:
    """Return the expressions of renovate.json5, as Python writes them."""
    found = re.findall(r"^ *'(# renovate: .*)',$", (ROOT / "renovate.json5").read_text(), re.M)
    return [re.compile(p.replace("\\\\", "\\").replace("(?<", "(?P<")) for p in found]


def pins(file: str) -> list[tuple[str, str]]:
    """Return names and versions in a file."""
    text = (ROOT / file).read_text()
    matches = [match for pattern in patterns() for match in pattern.finditer(text)]
    return [(match["depName"], match["currentValue"]) for match in matches]


def test_every_chart_is_found() -> None:
    files = (ROOT / "components").rglob("*.py")
    found = sorted(pin for file in files for pin in pins(str(file)))
    assert found == sorted(
        (chart.name, chart.version) for chart in (*CHARTS, TEMPO_3, TEMPO_DISTRIBUTED_3)
    )


@pytest.mark.parametrize("file", ["Makefile", "local/cluster", ".github/workflows/e2e.yml"])
def test_every_pin_with_a_comment_is_found(file: str) -> None:
    named = re.findall(r"# renovate: .* depName=(\S+)", (ROOT / file).read_text())
    found = dict(pins(file))
    assert named
    assert set(found) == set(named)
    assert [version for version in found.values() if not re.match(r"v?\d", version)] == []


def test_the_program_of_the_makefile_has_the_version_of_its_module() -> None:
    assert dict(pins("Makefile"))["github.com/rhysd/actionlint"].startswith("v")


def test_locked_requirements_name_their_command_as_renovate_reads_it() -> None:
    """It takes options with their values behind `=` only, and no short ones."""
    sources = {
        "requirements.txt": "requirements.in",
        # The group `dev` of pyproject.toml, on top of the stack's own versions.
        "requirements-dev.txt": "requirements.txt",
        "policy/requirements.txt": "policy/requirements.in",
    }
    for file, source in sources.items():
        command = (ROOT / file).read_text().splitlines()[1].removeprefix("#").split()
        assert command[:3] == ["uv", "pip", "compile"]
        assert command[-1] == source
        options = command[3:-1]
        assert f"--output-file={file}" in options
        assert all(option.startswith("--") for option in options)


def versions(file: str) -> dict[str, str]:
    """Return the locked versions by their packages."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.M))


def test_the_tests_run_with_the_versions_of_the_stack() -> None:
    stack = versions("requirements.txt")
    assert len(stack) > 10
    assert stack.items() <= versions("requirements-dev.txt").items()


def test_the_pinned_foundation_sdk_is_of_the_line_that_renovate_follows() -> None:
    """Versions of old lines sort above the living one, so an update would lead back to them."""
    rule = re.search(
        r"matchPackageNames: \['grafana-foundation-sdk'\],\s*allowedVersions: '/(.+)/'",
        (ROOT / "renovate.json5").read_text(),
    )
    pinned = re.search(
        r"^grafana-foundation-sdk==(.+)$", (ROOT / "requirements.in").read_text(), re.M
    )
    assert rule
    assert pinned
    allowed = re.compile(rule[1].replace("\\\\", "\\"))
    assert allowed.search(pinned[1])
    assert not allowed.search("1769699379!11.6.0")
