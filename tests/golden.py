"""The expected plans in tests/golden/: compared by tests, written by `make golden`.

A folder per stack holds its plan, and `package` the schema of the Pulumi package. The files are
what a reviewer reads:

- Each text stands in one file only: plan.yaml points to the other files, the values of Alloy to its
  configuration, and that to the modules in components/alloy/modules/.
- plan.yaml leaves out what follows from the rest (URNs) and what is off (`protect`).
- A dashboard is a digest: variables, links, and the title, type, unit and queries of each panel.
  Prod has all dashboards; the other stacks have only what differs from them.
"""

import difflib
import json
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from components.alloy.own_modules import MODULES
from package.provider import TracingProvider
from plan.dumping import dump
from plan.run import Plan, run
from plan.stackfile import stacks
from plan.write import CONFIG_MAP, PROMETHEUS_RULE, RELEASE, files

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
SCHEMA = GOLDEN / "package" / "schema.json"
#: The stack whose dashboards the other stacks' are compared with.
REFERENCE = "prod"
#: Stands for the difference between two dashboards with the same digest.
NOT_IN_DIGEST = "differs in layout or options\n"


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
    found = compact(planned(stack))
    for name in [n for n in found if is_dashboard(n)]:
        text = found.pop(name)
        reference = planned(REFERENCE).get(name, "")
        if stack == REFERENCE or not reference:
            found[f"{name}.txt"] = digest(text)
        elif text != reference:
            found[f"{name}.diff"] = _difference(digest(reference), digest(text))
    return found


def compact(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a plan in which each text stands in one file only."""
    found = dict(files)
    found["plan.yaml"] = dump(_short(json.loads(found.pop("plan.json"))))
    modules = {module.read_text(): module for module in MODULES.glob("*.alloy")}
    for name in [n for n in found if n.startswith("alloy/")]:
        for text, module in modules.items():
            found[name] = found[name].replace(text, f"// {module.relative_to(ROOT)}\n")
        of_release = f"values/{Path(name).stem}.yaml"
        values = yaml.safe_load(found[of_release])
        values["alloy"]["configMap"]["content"] = name
        found[of_release] = dump(values)
    return found


@cache
def plan(stack: str) -> Plan:
    """Return the plan of a stack; each stack is planned once."""
    return run(stack, ROOT)


@cache
def planned(stack: str) -> dict[str, str]:
    """Return the files of a stack's plan."""
    return files(plan(stack))


def is_dashboard(name: str) -> bool:
    """Return whether a file of a plan is the JSON of a dashboard."""
    return name.startswith("grafana/") and "/datasources/" not in name and name.endswith(".json")


def _short(plan: dict[str, Any]) -> dict[str, Any]:
    """Return plan.json without facts that other files have."""
    for resource in plan["resources"]:
        inputs = resource["inputs"]
        if resource["type"] == RELEASE:
            inputs["values"] = f"values/{inputs['name']}.yaml"
        elif resource["type"] == CONFIG_MAP:
            inputs["data"] = sorted(inputs["data"])
        elif resource["type"] == PROMETHEUS_RULE:
            inputs["spec"] = f"rules/{inputs['metadata']['name']}.yaml"
        del resource["urn"]
        resource["parent"] = _reference(resource["parent"])
        resource["dependencies"] = [_reference(urn) for urn in resource["dependencies"]]
    plan["resources"] = [{k: v for k, v in r.items() if v} for r in plan["resources"]]
    return plan


def _reference(urn: str) -> str:
    """Return type and name of the resource that a URN names."""
    return "::".join(urn.split("$")[-1].split("::")[-2:])


def digest(dashboard: str) -> str:
    """Return a digest of a dashboard, a line for each fact."""
    document = json.loads(dashboard)
    return "\n".join(_lines(document)) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['title']} ({document['uid']})"
    for variable in document.get("templating", {}).get("list", []):
        query = variable.get("query", "")
        yield f"variable {variable['name']}: {query if isinstance(query, str) else _line(query)}"
    yield from _links(document)
    for panel in document["panels"]:
        yield from _panel(panel)


def _panel(panel: dict[str, Any]) -> Iterator[str]:
    if panel["type"] == "row":
        yield f"= {panel['title']}" + (" (collapsed)" if panel.get("collapsed") else "")
        for inner in panel["panels"]:
            yield from _panel(inner)
        return
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    yield " | ".join(filter(None, (panel.get("title"), panel["type"], defaults.get("unit"))))
    for target in panel.get("targets", []):
        query = target.get("expr") or target.get("query") or _line(target)
        legend = target.get("legendFormat")
        yield f"  {target['refId']}: {query}" + (f" | {legend}" if legend else "")
    for holder in (panel, defaults):
        yield from (f"  {line}" for line in _links(holder))
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        for item in override["properties"]:
            if item["id"] == "links":
                where = override["matcher"]["options"]
                yield from (f"  {where}: {line}" for line in _links({"links": item["value"]}))


def _links(holder: dict[str, Any]) -> Iterator[str]:
    for link in holder.get("links", []):
        yield f"link {link['title']}: {link.get('url') or ', '.join(link.get('tags', []))}"


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _difference(before: str, after: str) -> str:
    """Return the lines that differ; a dashboard can also differ in what its digest leaves out."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "".join(f"{line}\n" for line in list(lines)[2:]) or NOT_IN_DIGEST


@cache
def provider() -> TracingProvider:
    """Return the Pulumi package; each analyzes all components."""
    return TracingProvider()


def schema() -> str:
    """Return the schema of the Pulumi package as it is now."""
    inferred = _tidy(json.loads(provider().schema or ""))
    return json.dumps(inferred, indent=2, ensure_ascii=False) + "\n"


def _tidy(value: Any) -> Any:
    """Return a schema as `pulumi package get-schema` prints it: without empty values."""
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
    # They import this module, which is not this one when it runs as a program.
    from tests.examples import features
    from tests.reviewing import DOCUMENT, write

    features.write()
    print("wrote what the examples of features change")
    write()
    print(f"wrote the example in {DOCUMENT.name}")
