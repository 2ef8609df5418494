"""The two trees that are compared, a commit and the working tree, and the plans of their stacks."""

import concurrent.futures
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from components.checks import SettingsError
from plan.command import CommandError
from plan.dumping import UNKNOWN_SHOWN
from plan.recorder import UNKNOWN
from plan.stackfile import load

_PLANNER = Path(__file__).parent / "planner.py"


@dataclass(frozen=True, kw_only=True)
class Commits:
    """The compared commits, for the head of a report.

    Attributes:
        base: the ref as given.
        changed: whether the working tree differs from that commit.
        missing: number of commits in the base that the checked-out commit lacks.
    """

    base: str
    base_commit: str
    head_commit: str
    changed: bool
    missing: int


def describe(root: Path, base: str) -> Commits:
    """Describe a ref and the working tree."""
    try:
        base_commit = _git(root, "rev-parse", "--verify", "--short", f"{base}^{{commit}}")
    except subprocess.CalledProcessError as error:
        if "not a git repository" in error.stderr:
            raise CommandError("not a Git repository: there is no commit to compare") from None
        raise CommandError(
            f"BASE={base} names no commit here; fetch it first (git fetch origin {base}), "
            "or name another: a branch, a tag or a hash"
        ) from None
    return Commits(
        base=base,
        base_commit=base_commit,
        head_commit=_git(root, "rev-parse", "--short", "HEAD"),
        changed=bool(_git(root, "status", "--porcelain", "--untracked-files=all")),
        missing=int(_git(root, "rev-list", "--count", f"HEAD..{base_commit}")),
    )


def check_out(root: Path, commit: str, folder: Path) -> None:
    """Write the project's files of a commit into a folder.

    An archive and not a worktree: it leaves nothing in the repository if the run is killed.
    """
    done = subprocess.run(  # noqa: S603 - a hash that Git itself gave
        ["git", "archive", "--format=tar", commit],  # noqa: S607
        cwd=root,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        # Python before 3.11.4, as in Debian 12, has no filters. The archive is Git's own.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - `--verify` takes no ref for an option
        ["git", *arguments],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The plan of one stack by one tree.

    Attributes:
        error: why there is no plan; the rest is then empty.
        resources: resources by URN, as in plan.json.
        settings: all settings in effect, by name in a stack file.
        workloads: size of each workload, by name for people.
        cost: content of cost.json, if the tree's plan has it.
    """

    stack: str
    error: str | None = None
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    warnings: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    workloads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Any])
    cost: Any = None
    policy: Any = None
    stack_file: Mapping[str, Any] = field(default_factory=dict[str, Any])


def plan_trees(trees: Sequence[Path], stack: str = "*") -> list[dict[str, Planned]]:
    """Return the plans of every stack file of every tree, or of one; one process plans a tree.

    Importing the SDKs takes longer than planning a stack.
    """
    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(partial(_plan_tree, stack=stack), trees))


def from_plan(stack: str, plan: Mapping[str, Any], stack_file: Mapping[str, Any]) -> Planned:
    """Return the planner's result for one stack."""
    if "error" in plan:
        return Planned(stack=stack, error=plan["error"], stack_file=stack_file)
    document = plan["plan"]
    return Planned(
        stack=stack,
        resources={resource["urn"]: resource for resource in document["resources"]},
        outputs=document["outputs"],
        warnings=document["warnings"],
        settings=plan["settings"],
        workloads=plan["workloads"],
        cost=plan.get("cost"),
        policy=plan.get("policy"),
        stack_file=stack_file,
    )


def _plan_tree(tree: Path, stack: str) -> dict[str, Planned]:
    files = {
        f.name.removeprefix("Pulumi.").removesuffix(".yaml"): f
        for f in sorted(tree.glob(f"Pulumi.{stack}.yaml"))
    }
    if not files:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "plans.json")
        done = subprocess.run(  # noqa: S603 - this interpreter and our own program
            # -P: find the tree's modules, not those next to the planner.
            [sys.executable, "-P", str(_PLANNER), str(target), *files],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            plans = {name: {"error": f"planning ended with {last}"} for name in files}
        else:
            # Plans of older commits hold the SDK's placeholder.
            text = target.read_text(encoding="utf-8").replace(UNKNOWN, UNKNOWN_SHOWN)
            plans = json.loads(text)
    return {stack: from_plan(stack, plans[stack], _read(file)) for stack, file in files.items()}


def _read(path: Path) -> dict[str, Any]:
    """Return a stack file as written; empty if it is not YAML, which its plan then reports."""
    try:
        document = load(path)
    except SettingsError:
        return {}
    return cast(dict[str, Any], document) if isinstance(document, dict) else {}
