"""What a feature changes: the plan of an example with it and without it, as a difference.

Each folder of examples/features has a stack file and `rendered.diff`, which `make golden` writes.
Groups of the stack file that every stack has are in both plans.
"""

import difflib
import json
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from config.loader import PROJECT
from plan.recorder import record
from plan.run import Plan
from plan.stackfile import load
from plan.write import files
from tests import golden

FOLDER = golden.ROOT / "examples" / "features"
#: The stack files by the name of the feature.
FEATURES = {file.parent.name: file for file in sorted(FOLDER.glob("*/Pulumi.*.yaml"))}
#: Groups that are no feature.
BASE = ("environment", "cluster", "backends", "grafana", "load")
#: Parts of a plan that follow from the others.
_DERIVED = ("summary.md", "cost.json", "policy.json")


@cache
def plan(feature: str, *, base: bool = False) -> Plan:
    """Return the plan of an example, or of its stack file without the feature."""
    groups = cast("dict[str, dict[str, Any]]", load(FEATURES[feature]))["config"]
    kept = {
        key: json.dumps(value)
        for key, value in groups.items()
        if not base or key.removeprefix(f"{PROJECT}:") in BASE
    }
    variables: dict[str, Any] = {}

    def program() -> None:
        path = str(golden.ROOT / "__main__.py")
        variables.update(runpy.run_path(path, run_name="__main__"))

    recording = record(program, project=PROJECT, stack="example", config=kept)
    return Plan(stack=feature, settings=variables["config"].settings, recording=recording)


def rendered(feature: str) -> str:
    """Return the lines of the plan that differ, with three lines around each.

    Dashboards are digests, as in tests/golden/.
    """
    before, after = (golden.compact(files(plan(feature, base=base))) for base in (True, False))
    return "".join(
        line
        for name in sorted({*before, *after})
        if name not in _DERIVED
        for line in _difference(name, before.get(name, ""), after.get(name, ""))
    )


def _difference(name: str, before: str, after: str) -> Iterator[str]:
    texts = (before, after)
    if golden.is_dashboard(name):
        texts = tuple(golden.digest(text) if text else "" for text in texts)
    old, new = (text.splitlines() for text in texts)
    if before != after and old == new:
        yield f"--- {name}\n+++ {name}\n{golden.NOT_IN_DIGEST}"
    lines = difflib.unified_diff(old, new, name, name, lineterm="", n=3)
    # Numbers of lines and the checksum change with everything in front of them.
    for line in lines:
        short = re.sub(r"^@@ .* @@$", "@@", re.sub(r"[0-9a-f]{64}$", "(sha256)", line))
        yield f"{short}\n"


def output(feature: str) -> Path:
    """Return where the difference is kept."""
    return FEATURES[feature].with_name("rendered.diff")


def write() -> None:
    """Write the difference of each example."""
    for feature in FEATURES:
        output(feature).write_text(rendered(feature), encoding="utf-8")
