"""Fails if the deployed commit is newer than the checked-out one: python -m delivery.order STACK.

A run that waits for approval can be approved after a newer run has deployed. It would silently roll
the environment back.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from delivery import DeliveryError
from plan.cli import Cli, prepare
from plan.command import reporting

#: Key of the commit in an update's environment (pulumi, pkg/backend/updates.go, `GitHead`).
_COMMIT = "git.head"


def deployed(cli: Cli, stack: str) -> str | None:
    """Return the commit of the last successful update of a stack; None without one."""
    command = [cli.program, "stack", "history", "--stack", stack, "--json"]
    done = subprocess.run(command, env=cli.env, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise DeliveryError(f"the history of {stack} could not be read: {done.stderr.strip()}")
    updates: list[dict[str, Any]] = json.loads(done.stdout or "[]") or []
    succeeded = (u for u in updates if (u["kind"], u["result"]) == ("update", "succeeded"))
    return next((u.get("environment", {}).get(_COMMIT) for u in succeeded), None)


def is_older(commit: str, than: str, root: Path) -> bool:
    """Return whether a commit is a strict ancestor of another. An unknown commit is not."""
    command = ["git", "merge-base", "--is-ancestor", commit, than]
    done = subprocess.run(command, cwd=root, capture_output=True)  # noqa: S603
    return done.returncode == 0 and commit != than


@reporting()
def main() -> int:
    """Compare the checked-out commit with the deployed one; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.order", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    stack: str = parser.parse_args().stack
    root = Path.cwd()
    cli = prepare(stack)
    there = deployed(cli, stack)
    here = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=root, text=True).strip()  # noqa: S607
    if there is not None and is_older(here, there, root):
        raise DeliveryError(
            f"{stack} runs commit {there[:9]}, which is newer than {here[:9]}. Approve the newest "
            "run of the workflow `deploy`. To go back, revert the commit on main."
        )
    print(f"{stack} runs {there[:9] if there else 'no commit yet'}; this is {here[:9]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
