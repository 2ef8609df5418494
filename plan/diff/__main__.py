"""Reports what the working tree changes in each environment: python -m plan.diff BASE."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from plan.command import reporting
from plan.diff.changes import Operation
from plan.diff.environment import Environment, environments
from plan.diff.rendered import rendered
from plan.diff.report import report
from plan.diff.trees import Commits, check_out, describe, plan_trees
from plan.rehearse.command import compared
from plan.write import replace_folder

_FOLDER = Path("build", "plan-diff")
#: Path of docs/ from the report.
_DOCS = "../../docs"


@reporting()
def main() -> int:
    """Compare, write the reports and print where they are; return the exit status."""
    parser = argparse.ArgumentParser(prog="plan.diff", description=__doc__)
    parser.add_argument("base", help="any Git ref: a branch, a tag, a hash")
    parser.add_argument("--render", action="store_true", help="render the charts with helm too")
    parser.add_argument("--charts", type=Path, help="folder of packaged charts to render")
    parser.add_argument("--rehearse", action="store_true", help="replay traffic through Alloy too")
    arguments = parser.parse_args()
    root = Path.cwd()
    commits = describe(root, arguments.base)
    with tempfile.TemporaryDirectory() as folder:
        check_out(root, commits.base_commit, Path(folder))
        before, after = plan_trees([Path(folder), root])
    found = list(environments(before, after))
    notes: list[str] = []
    if arguments.render:
        found, notes = rendered(found, arguments.charts)
    if arguments.rehearse:
        found, reasons = compared(found, arguments.charts)
        notes += reasons
    short = report(found, commits, docs=_docs(), notes=notes)
    full = report(found, commits, docs=_docs(), notes=notes, limit=None)
    replace_folder(_FOLDER, {"report.md": short, "full.md": full})
    return _say(found, commits)


def _docs() -> str:
    """Return the location of docs/: a URL on GitHub, where a path in a comment would be broken."""
    server, repository, commit = (
        os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "SHA")
    )
    if server and repository and commit:
        return f"{server}/{repository}/blob/{commit}/docs"
    return _DOCS


def _say(found: Sequence[Environment], commits: Commits) -> int:
    """Print one line per environment; return the exit status."""
    print(f"From {commits.base} ({commits.base_commit}) to the working tree:")
    for e in found:
        print(f"  {e.stack}: {_line(e)}")
    refused = [e for e in found if e.error]
    for e in refused:
        print(f"error: {e.error}", file=sys.stderr)
    print(f"Written to {_FOLDER}/: report.md, and full.md with everything.")
    return 1 if refused else 0


def _line(e: Environment) -> str:
    if not e.is_compared:
        return e.state
    counts = [
        f"{e.count(operation)} to {operation}" for operation in Operation if e.count(operation)
    ]
    orders = [f"{len(e.orders)} with an order"] if e.orders else []
    other = "" if e.is_same else "no resource changes"
    return ", ".join(counts + orders) or other or "nothing changes"


if __name__ == "__main__":
    sys.exit(main())
