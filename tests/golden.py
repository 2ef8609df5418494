"""What is expected, in tests/golden/: compared by tests, written by `make golden`.

There is a folder for the plan of each stack, and `package` for the schema of the Pulumi package.

Each text stands in one file only, so that a change of it is one change to review: plan.json points
to the other files, the values of Alloy to its configuration.
"""

import json
import shutil
from pathlib import Path
from typing import Any, cast

import yaml

from package.provider import TracingProvider
from plan.dumping import dump
from plan.run import run
from plan.stackfile import stacks
from plan.write import CONFIG_MAP, PROMETHEUS_RULE, RELEASE, files

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
SCHEMA = GOLDEN / "package" / "schema.json"


def expected(stack: str) -> dict[str, str]:
    """Return the files of the expected plan."""
    folder = GOLDEN / stack
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def actual(stack: str) -> dict[str, str]:
    """Return the files of the plan as it is now."""
    found = files(run(stack, ROOT))
    plan = json.loads(found["plan.json"])
    for resource in plan["resources"]:
        inputs = resource["inputs"]
        if resource["type"] == RELEASE:
            inputs["values"] = f"values/{inputs['name']}.yaml"
        elif resource["type"] == CONFIG_MAP:
            inputs["data"] = sorted(inputs["data"])
        elif resource["type"] == PROMETHEUS_RULE:
            inputs["spec"] = f"rules/{inputs['metadata']['name']}.yaml"
    found["plan.json"] = json.dumps(plan, indent=2, ensure_ascii=False) + "\n"
    values = yaml.safe_load(found["values/alloy.yaml"])
    values["alloy"]["configMap"]["content"] = "alloy/alloy.alloy"
    found["values/alloy.yaml"] = dump(values)
    return found


def schema() -> str:
    """Return the schema of the Pulumi package as it is now."""
    inferred = _tidy(json.loads(TracingProvider().schema or ""))
    return json.dumps(inferred, indent=2, ensure_ascii=False) + "\n"


def _tidy(value: Any) -> Any:
    """Return a schema as `pulumi package get-schema` prints it: without what says nothing."""
    if isinstance(value, list):
        return [_tidy(item) for item in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    kept = {k: _tidy(v) for k, v in cast(dict[str, Any], value).items()}
    for entry in ("items", "additionalProperties"):
        if isinstance(kept.get(entry), dict):
            kept[entry].pop("description", None)
    return {k: v for k, v in kept.items() if v not in (None, [], {})}


if __name__ == "__main__":
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for _stack in stacks(ROOT):
        for _name, _text in actual(_stack).items():
            _path = GOLDEN / _stack / _name
            _path.parent.mkdir(parents=True, exist_ok=True)
            _path.write_text(_text, encoding="utf-8")
        print(f"wrote {GOLDEN.name}/{_stack}")
    SCHEMA.parent.mkdir()
    SCHEMA.write_text(schema(), encoding="utf-8")
    print(f"wrote {GOLDEN.name}/{SCHEMA.parent.name}")
    # It imports this module, which is not this one when it runs as a program.
    from tests.reviewing import DOCUMENT, write

    write()
    print(f"wrote the example in {DOCUMENT.name}")
