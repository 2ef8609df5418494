"""Plans every stack file of the project in the current folder: a program, run by its path.

It runs in a process of its own in the tree of either commit, and plans with the code of that tree.
So it can use only what the trees of both commits have; these names are a contract between commits:
`plan.run.run`, `plan.write.files` and, for the effect on sizes, `workloads` of one of `_SIZES`.
"""

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Any

#: Compared files of the plan, if the tree's plan writes them.
_FILES = ("plan.json", "cost.json", "policy.json")
#: Modules that hold the sizes of workloads, the newest first.
_SIZES = ("components.core.registry", "components.core.workloads", "components.workloads")


def planned(stack: str, root: Path) -> dict[str, Any]:
    """Return the plan of one stack in plain values, or an error message."""
    try:
        from plan.run import run
        from plan.write import files

        plan = run(stack, root)
        found: dict[str, str] = files(plan)
        return {
            **{n.removesuffix(".json"): json.loads(found[n]) for n in _FILES if n in found},
            "settings": plan.settings.model_dump(mode="json", by_alias=True),
            "workloads": _workloads(plan.settings),
        }
    except Exception as error:  # noqa: BLE001 - the code of any commit may run here
        # The message about a stack file is complete; for other errors the type matters too.
        told = type(error).__name__ in ("RunError", "SettingsError")
        return {"error": str(error) if told else f"{type(error).__name__}: {error}"}


def _workloads(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - of the tree's own making
    """Return the size of each workload; empty if the tree has none of the modules."""
    for module in _SIZES:
        try:
            found = importlib.import_module(module).workloads(settings)
        except ImportError:
            continue
        return {name: dataclasses.asdict(size) for name, size in found.items()}
    return {}


def main() -> None:
    """Plan the stacks named after the output file and write the plans to it."""
    target, *names = sys.argv[1:]
    plans = {name: planned(name, Path.cwd()) for name in names}
    Path(target).write_text(json.dumps(plans), encoding="utf-8")


if __name__ == "__main__":
    main()
