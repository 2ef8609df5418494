"""The example in docs/reviewing.md: compared by a test, written by `make golden`."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

from config.schema import with_section
from plan.diff import MARKER
from plan.diff.environment import environment
from plan.diff.planner import planned
from plan.diff.report import report
from plan.diff.trees import Commits, Planned, from_plan
from plan.dumping import UNKNOWN_SHOWN
from plan.recorder import UNKNOWN
from plan.stackfile import load
from tests.golden import ROOT

DOCUMENT = ROOT / "docs/reviewing.md"
#: The one line that the example changes in Pulumi.prod.yaml.
OLD, NEW = "retentionHours: 336", "retentionHours: 168"
BEGIN, END = "<!-- example: make golden writes it -->", "<!-- end of the example -->"


def example() -> str:
    """Return the report on the changed line, as it would stand in docs/."""
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    assert OLD in text
    with tempfile.TemporaryDirectory() as name:
        trees = [Path(name, side) for side in ("base", "head")]
        for tree, content in zip(trees, (text, text.replace(OLD, NEW)), strict=True):
            tree.mkdir()
            shutil.copy(ROOT / "Pulumi.yaml", tree)
            (tree / "Pulumi.prod.yaml").write_text(content, encoding="utf-8")
        before, after = map(_planned, trees)
    commits = Commits(
        base="main", base_commit="4f2a91c", head_commit="9d03b7e", changed=False, missing=0
    )
    compared = environment("prod", before, after)
    return report([compared], commits, docs=".").removeprefix(MARKER).strip()


def _planned(tree: Path) -> Planned:
    """Plan the stack in this process: both trees have the code that runs here."""
    text = json.dumps(planned("prod", tree)).replace(UNKNOWN, UNKNOWN_SHOWN)
    stack_file = cast(dict[str, Any], load(tree / "Pulumi.prod.yaml"))
    return from_plan("prod", json.loads(text), stack_file)


def document() -> str:
    """Return docs/reviewing.md with the example as it is now."""
    return with_section(DOCUMENT.read_text(encoding="utf-8"), BEGIN, END, example())


def write() -> None:
    """Write the example into the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")
