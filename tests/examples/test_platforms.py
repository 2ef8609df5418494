"""The tables of examples/platforms are true: each line of a values file became what they say."""

import functools
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.checks.messages import all_keys
from components.checks.validate import validate
from config.loader import PROJECT
from plan import policies
from plan.write import documents
from tests.rendered.objects import CHARTS, needs_charts, objects_of, pods
from tests.stack.variants import PLATFORMS, chart_of, groups_of, recorded, releases, unknown_values
from tests.sweep import sweep

#: One worker plans and renders each platform, once.
pytestmark = pytest.mark.xdist_group("platforms")

KEYS = set(all_keys())
_UNITS = {"": 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a values file, in the notation of Helm's option `--set`, and what it became."""

    platform: str
    system: str
    line: str
    became: str

    @property
    def path(self) -> list[str | int]:
        """Keys and indices of the line, without its value."""
        found = re.findall(r"((?:[^.\[\]\\]|\\.)+)|\[(\d+)\]", self.line.partition("=")[0])
        return [int(index) if index else key.replace("\\", "") for key, index in found]

    @property
    def value(self) -> Any:
        """The value of the line."""
        return yaml.safe_load(self.line.partition("=")[2])

    @property
    def tree(self) -> Any:
        """The line as values."""
        tree = self.value
        for key in reversed(self.path):
            tree = [tree] if isinstance(key, int) else {key: tree}
        return tree


def rows() -> Iterator[Row]:
    """Yield the rows of all tables; the heading above each names the system."""
    for platform, file in PLATFORMS.items():
        system = ""
        for text in file.with_name("README.md").read_text().splitlines():
            if heading := re.fullmatch(r"## (\w+)", text):
                system = heading[1].lower()
            cells = [cell.strip() for cell in text.strip("|").split(" | ")]
            if line := re.fullmatch(r"\| `(.+=.*)`", text.partition(" | ")[0]):
                yield Row(platform=platform, system=system, line=line[1], became=cells[1])


ROWS = list(rows())
REFUSED = [row for row in ROWS if row.became == "refused"]
SAME = [row for row in ROWS if row.became == "default" or row.became.startswith("`")]


def settings_in(text: str) -> set[str]:
    return set(re.findall(r"`((?:\w+\.)+\w+)`", text)) & KEYS


@functools.cache
def settings_of(platform: str) -> dict[str, Any]:
    """Return the groups of a stack file by their names."""
    groups = groups_of(PLATFORMS[platform])
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in groups.items()}


@functools.cache
def given(platform: str) -> dict[str, Any]:
    """Return the settings of a stack file by their dotted keys, without lists' and maps' own."""
    found = dict[str, Any]()

    def add(prefix: str, value: Any) -> None:
        below = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if below and any(f"{prefix}.{key}" in KEYS for key in below):
            for key, inner in below.items():
                add(f"{prefix}.{key}", inner)
        else:
            found[prefix] = value

    for group, value in settings_of(platform).items():
        add(group, value)
    return found


def at(tree: Any, path: list[str | int]) -> list[Any]:
    """Return what stands at a path, where an index is any entry of a list."""
    if not path:
        return [tree]
    if isinstance(tree, list):
        return [found for entry in cast("list[Any]", tree) for found in at(entry, path[1:])]
    below = cast("dict[str | int, Any]", tree) if isinstance(tree, dict) else {}
    return at(below[path[0]], path[1:]) if path[0] in below else []


def plain(value: Any) -> Any:
    """Return a value in which quantities of Kubernetes and strings can be compared."""
    if quantity := re.fullmatch(r"(\d+)(m|Mi|Gi|)", str(value)):
        return float(quantity[1]) * _UNITS[quantity[2]]
    return str(value).lower() if isinstance(value, str | bool) else value


@functools.cache
def defaults(chart: str, version: str) -> Any:
    """Return the default values of a chart; None without the charts."""
    if not CHARTS:
        return None
    with tarfile.open(Path(CHARTS) / f"{chart}-{version}.tgz") as archive:
        file = archive.extractfile(f"{chart}/values.yaml")
        assert file
        # PyYAML's own parser takes seconds.
        return yaml.load(file, yaml.CSafeLoader)


@sweep("row", SAME, ids=str)
def test_values_of_the_line_are_those_of_the_release(row: Row) -> None:
    found = {r.inputs["name"]: r for r in releases(recorded(row.platform))}
    release = found[row.system]
    values = at(release.inputs["values"], row.path)
    if not values:
        chart = chart_of(release)
        if (own := defaults(chart.name, chart.version)) is None:
            return
        values = at(own, row.path)
    assert plain(row.value) in [plain(value) for value in values]


@sweep("row", [row for row in ROWS if "`" in row.became], ids=str)
def test_settings_of_the_line_are_in_the_stack_file(row: Row) -> None:
    named = settings_in(row.became)
    assert named
    for name in named:
        there = given(row.platform).get(name)
        assert there is not None, name
        if name.endswith(".values"):
            assert plain(row.value) in [plain(value) for value in at(there, row.path)]


@sweep("row", REFUSED, ids=str)
def test_refused_lines_are_refused(row: Row) -> None:
    groups = settings_of(row.platform)
    values = {**groups.get(row.system, {}), "values": row.tree}
    problems = validate({**groups, row.system: values})[1]
    assert [p.key for p in problems if p.key.startswith(f"{row.system}.values.")]


@sweep("platform", PLATFORMS)
def test_the_table_has_every_setting_of_the_stack_file(platform: str) -> None:
    text = PLATFORMS[platform].with_name("README.md").read_text()
    keys = {
        key for key in given(platform) if key.partition(".")[0] not in ("environment", "cluster")
    }
    assert keys
    assert keys <= settings_in(text)
    assert len([row for row in SAME if row.platform == platform]) > 5


@sweep("platform", PLATFORMS)
def test_charts_and_policies_accept_the_plan(platform: str) -> None:
    plan = recorded(platform)
    tier = validate(settings_of(platform))[0].environment.tier
    assert unknown_values(plan) == []
    assert policies.ask(documents(plan), tier) == []


@needs_charts
@sweep(
    ("platform", "text"),
    [
        ("tempo", '"nodeSelector": {"workload": "o11y"}'),
        ("tempo-distributed", "s3.dualstack.eu-west-1.amazonaws.com"),
        ("alloy-gateway", '"secretProviderClass": "grafana-alloy-credentials"'),
        ("alloy-gateway", "/mnt/secrets-store/traces_username"),
        ("beyla", "wakeup_len: 100"),
    ],
)
def test_charts_render_the_plan(platform: str, text: str) -> None:
    """The values of the tables are in the objects; the API server's test takes these."""
    objects = objects_of(platform)
    assert pods(objects)
    assert text in json.dumps(objects)
