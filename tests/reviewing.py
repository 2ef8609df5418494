"""The example in docs/reviewing.md: compared by a test, written by `make golden`."""

import shutil
import tempfile
from pathlib import Path

from config.schema import with_section
from plan.diff import MARKER
from plan.diff.environment import environment
from plan.diff.report import report
from plan.diff.trees import Commits, plan_trees
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
            for part in ("__main__.py", "components", "config", "plan", "policy"):
                if (ROOT / part).exists():
                    (tree / part).symlink_to(ROOT / part)
            shutil.copy(ROOT / "Pulumi.yaml", tree)
            (tree / "Pulumi.prod.yaml").write_text(content, encoding="utf-8")
        before, after = plan_trees(trees)
    commits = Commits(
        base="main", base_commit="4f2a91c", head_commit="9d03b7e", changed=False, missing=0
    )
    compared = environment("prod", before["prod"], after["prod"])
    return report([compared], commits, docs=".").removeprefix(MARKER).strip()


def document() -> str:
    """Return docs/reviewing.md with the example as it is now."""
    return with_section(DOCUMENT.read_text(encoding="utf-8"), BEGIN, END, example())


def write() -> None:
    """Write the example into the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")
