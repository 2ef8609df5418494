"""Plans an example in an environment that has the wheel; prints what it would make.

Run as ``python planned.py FOLDER STACK REFERENCES``, with the outputs of other stacks as JSON.
"""

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


def main() -> None:
    """Run one example and print its resources and outputs."""
    folder, stack, references = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
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
    print(json.dumps({"resources": resources, "outputs": masked(recording.outputs)}))


if __name__ == "__main__":
    main()
