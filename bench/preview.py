"""A preview without changes of the stack dev, against one of the same resources without components.

The stack is brought up for real, in namespaces of its own. The bare program then takes over a copy
of its state, so that both previews look at the same resources in the same cluster.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import Command, compare
from tests.engine import lab as engine
from tests.engine.lab import Lab

_STACK = "dev"
_NAMESPACES = {"tracing": "bench-tracing", "beyla": "bench-tracing-beyla"}
#: Inputs that the engine or a class of the SDK puts in by itself.
_PUT_IN = {"__internal", "version", "compat"}


def reason_to_skip() -> str | None:
    """Return why this cannot be measured here, or None."""
    if missing := engine.missing():
        return missing
    namespaces = engine.kubectl(
        "get", "namespaces", "tracing", "tracing-beyla", "--ignore-not-found", "-o", "name"
    )
    return "the cluster holds another stack" if namespaces else None


def figures(env: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Bring dev up, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder, engine.chart_repository() as charts:
        stack = _lab(Path(folder, "stack"), charts, env)
        stack.adopt(_STACK, namespaces=_NAMESPACES)
        try:
            stack.pulumi("up", "--yes", "--skip-preview", "--stack", _STACK)
            exported = json.loads(stack.pulumi("stack", "export", "--stack", _STACK).stdout)
            bare = _lab(Path(folder, "bare"), charts, env)
            take_over(bare, exported)
            what = "preview of dev without changes, against bare resources"
            return compare(what, _preview(stack), _preview(bare), runs=5, goal=1.3)
        finally:
            stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", _STACK)


def take_over(bare: Lab, exported: dict[str, Any]) -> None:
    """Make the program of bare resources, and a stack with the state that the CLI exported."""
    resources = exported["deployment"]["resources"]
    components = {r["urn"]: r for r in resources if not r["custom"]}

    def needs(resource: dict[str, Any]) -> set[str]:
        """Return what a resource waits for itself, or because a component above it does."""
        own = {urn for urn in resource.get("dependencies", []) if urn not in components}
        above = components.get(resource.get("parent", ""))
        return own | needs(above) if above else own

    # The stack is a component too, and the one that stays.
    root = resources[0]
    kept = [r for r in resources if r["custom"]]
    for resource in kept:
        resource["dependencies"] = sorted(_flat(urn) for urn in needs(resource))
        resource["propertyDependencies"] = {}
        resource["parent"] = root["urn"]
        resource["urn"] = _flat(resource["urn"])
    exported["deployment"]["resources"] = [{**root, "outputs": {}}, *kept]

    bare.write(_STACK, {})
    bare.pulumi("stack", "init", _STACK)
    state = bare.folder / "state.json"
    state.write_text(json.dumps(exported))
    bare.pulumi("stack", "import", "--stack", _STACK, "--file", str(state))
    program = bare.project / "__main__.py"
    program.unlink()
    program.write_text(Path(__file__).with_name("bare.py").read_text())
    (bare.project / "resources.json").write_text(json.dumps([_entry(r) for r in kept]))


def _lab(folder: Path, charts: str, env: Mapping[str, str]) -> Lab:
    folder.mkdir()
    made = Lab(folder, charts)
    made.env.update(env)
    return made


def _preview(lab: Lab) -> Command:
    arguments = ("pulumi", "preview", "--expect-no-changes", "--non-interactive", "--stack", _STACK)
    return Command(arguments=arguments, cwd=lab.project, env=lab.env)


def _flat(urn: str) -> str:
    """Return a URN without the types of its parents."""
    head, project, types, name = urn.rsplit("::", 3)
    return "::".join((head, project, types.rsplit("$", 1)[-1], name))


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource as the bare program reads it."""
    inputs = {k: v for k, v in resource["inputs"].items() if k not in _PUT_IN}
    if resource["type"].startswith("pulumi:providers:"):
        inputs = {k: _parsed(v) for k, v in inputs.items()}
    return {
        "urn": resource["urn"],
        "type": resource["type"],
        "name": resource["urn"].rsplit("::", 1)[1],
        "inputs": inputs,
        # The state has the provider's id behind its URN.
        "provider": resource.get("provider", "").rsplit("::", 1)[0],
        "dependencies": resource["dependencies"],
    }


def _parsed(value: str) -> Any:  # noqa: ANN401
    """Return a provider's input as it was given: providers take JSON for all but text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
