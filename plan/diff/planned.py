"""The plans of all stacks of both trees, made by each tree's own code at the same time."""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from components.checks import SettingsError
from plan.dumping import UNKNOWN_SHOWN
from plan.recording import UNKNOWN
from plan.stackfile import load

_PLANNER = Path(__file__).parent / "planner.py"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One stack as one tree plans it.

    Attributes:
        stack: name of the stack.
        error: why there is no plan; then the rest is empty.
        resources: resources by their URNs, as in plan.json.
        outputs: what the stack exports.
        warnings: what a preview would warn of.
        settings: all settings in effect, with their names in a stack file.
        workloads: size of each workload, by its name for people.
        cost: what the stack costs, where the tree's plan knows.
        policy: what the policies found, where the tree's plan knows.
        stack_file: content of the stack file.
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


def plan_trees(trees: Sequence[Path]) -> list[dict[str, Planned]]:
    """Plan every stack file of every tree; one process for each tree.

    A process imports the SDKs once, which takes longer than to plan a stack.

    Args:
        trees: folders of Pulumi.yaml.

    Returns:
        For each tree its stacks by name.
    """
    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(_plan_tree, trees))


def from_plan(stack: str, plan: Mapping[str, Any], stack_file: Mapping[str, Any]) -> Planned:
    """Return what the planner has written of one stack."""
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


def _plan_tree(tree: Path) -> dict[str, Planned]:
    files = {
        f.name.removeprefix("Pulumi.").removesuffix(".yaml"): f
        for f in sorted(tree.glob("Pulumi.*.yaml"))
    }
    if not files:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "plans.json")
        done = subprocess.run(  # noqa: S603 - this interpreter and our own program
            # -P: the tree's modules are found, not those beside the planner.
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
    """Return a stack file as written; empty where it is no YAML, which its plan then says."""
    try:
        document = load(path)
    except SettingsError:
        return {}
    return cast(dict[str, Any], document) if isinstance(document, dict) else {}
