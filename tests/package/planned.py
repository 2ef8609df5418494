"""Plans examples in an environment that has the wheel, one for each line on standard input.

A line is ``[folder, stack, outputs of other stacks]`` as JSON; the answer is a line too: what the
example would make. One process plans them all, since importing the SDKs takes seconds.
"""

import contextlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import yaml

# Behind what is installed: the example gets `tracing_stack` from there, and only the recorder here.
sys.path.append(str(Path(__file__).parents[2]))

from plan.recorder import record
from plan.stackfile import read
from plan.write import masked


def planned(folder: Path, stack: str, references: dict[str, Any]) -> dict[str, Any]:
    """Run one example and return its resources and outputs."""
    project: dict[str, Any] = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    config = read(folder, stack)
    recording = record(
        lambda: runpy.run_path(str(folder / "__main__.py"), run_name="__main__"),
        project=project["name"],
        stack=stack,
        config=config.values,
        references=references,
    )
    resources = [[r.type, r.name, masked(r.inputs)] for r in recording.resources]
    return {"resources": resources, "outputs": masked(recording.outputs)}


if __name__ == "__main__":
    for line in sys.stdin:
        example, stack, references = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):
            answer = planned(Path(example), stack, references)
        print(json.dumps(answer), flush=True)
