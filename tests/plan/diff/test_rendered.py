"""Rendered objects: with a helm of our own making, and with the real one where it is."""

import copy
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.core.helm import TEMPO
from plan.diff.environment import Environment, environment
from plan.diff.planner import planned as plan_one
from plan.diff.rendered import rendered
from plan.diff.trees import from_plan
from plan.stackfile import MASK
from tests.helm import HELM
from tests.plan.diff.plans import ROOT, planned, release

CHARTS = os.environ.get("TRACING_TEST_CHARTS")

#: Renders what stands in the value `objects`, refuses the value `refused`, and notes its calls.
FAKE = """#!{python}
import pathlib, sys, yaml
with open({calls!r}, "a") as calls:
    print(" ".join(sys.argv[1:]), file=calls)
if sys.argv[1] == "pull":
    if "nowhere" in " ".join(sys.argv):
        sys.exit("Error: no such host")
    name, version = sys.argv[2].rsplit("/", 1)[-1], sys.argv[sys.argv.index("--version") + 1]
    folder = pathlib.Path(sys.argv[sys.argv.index("--destination") + 1])
    (folder / f"{{name}}-{{version}}.tgz").write_text("")
else:
    values = yaml.safe_load(sys.stdin)
    if "refused" in values:
        sys.exit("Error: execution error: refused")
    print(yaml.safe_dump_all(values.get("objects", [])))
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A helm that notes its calls in a file."""
    noted = tmp_path / "calls"
    program = tmp_path / "bin" / "helm"
    program.parent.mkdir()
    program.write_text(FAKE.format(calls=str(noted), python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return noted


def differing(before: Mapping[str, Any], after: Mapping[str, Any], **inputs: Any) -> Environment:
    sides = (planned([release("tempo", values, **inputs)]) for values in (before, after))
    return environment("qa", *sides)


def thing(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, **content}


def test_objects_by_kind_and_name(calls: Path) -> None:
    before = {"objects": [thing("Service", "a", spec=1), thing("Service", "b", spec=1)]}
    after = {"objects": [thing("Service", "b", spec=2), thing("Service", "c", spec=1)]}
    [found], notes = rendered([differing(before, after)], None)
    assert notes == []
    assert [part.title for part in found.rendered] == [
        "Rendered Service a in tracing, gone",
        "Rendered Service b in tracing, changed",
        "Rendered Service c in tracing, new",
    ]
    assert "-spec: 1\n+spec: 2" in found.rendered[1].body
    pulls = [line for line in calls.read_text().splitlines() if line.startswith("pull")]
    assert len(pulls) == 1
    assert "pull tempo --repo https://charts.example.com --version 1.0.0" in pulls[0]


def test_a_chart_in_a_registry_has_no_repository(calls: Path) -> None:
    address: dict[str, Any] = {
        "chart": "oci://registry.example.com/charts/tempo",
        "repositoryOpts": {},
    }
    rendered([differing({}, {"a": 1}, **address)], None)
    assert "pull oci://registry.example.com/charts/tempo --version 1.0.0" in calls.read_text()


def test_a_release_that_does_not_change_is_not_rendered(calls: Path) -> None:
    [found], notes = rendered([differing({}, {})], None)
    assert (list(found.rendered), notes) == ([], [])
    assert not calls.exists()


@pytest.mark.usefixtures("calls")
def test_what_is_in_a_secret_is_masked() -> None:
    before, after = (
        {"objects": [thing("Secret", "s", data={"password": text})]}
        for text in ("aHVudGVy", "eA==")
    )
    [found], _ = rendered([differing(before, after)], None)
    [part] = found.rendered
    assert MASK in part.body
    assert "aHVudGVy" not in part.body


@pytest.mark.usefixtures("calls")
def test_values_that_the_chart_refuses_are_told() -> None:
    [found], _ = rendered([differing({}, {"refused": True})], None)
    [part] = found.rendered
    assert part.title == "The chart of tempo refuses its values"
    assert "execution error: refused" in part.body


@pytest.mark.usefixtures("calls")
def test_a_chart_that_cannot_be_had_is_told_in_one_line() -> None:
    nowhere = {"repositoryOpts": {"repo": "https://nowhere.example.com"}}
    found, notes = rendered([differing({}, {"a": n}, **nowhere) for n in (1, 2)], None)
    assert notes == [
        "Objects are not rendered: tempo-1.0.0.tgz can't be downloaded (no such host)."
    ]
    assert [list(e.rendered) for e in found] == [[], []]


@pytest.mark.usefixtures("calls")
def test_a_folder_without_the_chart_is_told(tmp_path: Path) -> None:
    _, notes = rendered([differing({}, {"a": 1})], tmp_path)
    assert notes == [f"Objects are not rendered: tempo-1.0.0.tgz is not in {tmp_path}."]


def test_without_helm_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _, notes = rendered([differing({}, {"a": 1})], None)
    assert notes == ["Objects are not rendered: helm is not on PATH."]


@pytest.mark.skipif(HELM is None, reason="helm is not on PATH")
@pytest.mark.skipif(CHARTS is None, reason="TRACING_TEST_CHARTS names no folder of charts")
def test_the_real_chart_of_tempo() -> None:
    plan = plan_one("local", ROOT)
    before, after = (from_plan("local", copy.deepcopy(plan), {}) for _ in range(2))
    [values] = [
        r["inputs"]["values"]
        for r in after.resources.values()
        if r["inputs"].get("chart") == TEMPO.name
    ]
    values["tempo"]["retention"] = "1h"
    [found], notes = rendered([environment("local", before, after)], Path(CHARTS or ""))
    assert notes == []
    titles = [part.title for part in found.rendered]
    assert titles == [
        "Rendered ConfigMap tempo in tracing, changed",
        "Rendered StatefulSet tempo in tracing, changed",
    ]
    assert "+        block_retention: 1h\n" in found.rendered[0].body
