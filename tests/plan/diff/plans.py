"""Small plans to compare, and a repository to compare commits of."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plan.diff.trees import Planned

ROOT = Path(__file__).parents[3]
_TREE = "tracing:index:TracingStack"


def resource(type_: str, name: str, inputs: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    """Return a resource as plan.json has it."""
    return {
        "urn": urn(type_, name),
        "type": type_,
        "name": name,
        "parent": "",
        "inputs": dict(inputs),
        "protect": False,
        "retainOnDelete": False,
        "dependencies": [],
        **rest,
    }


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:qa::tracing::{_TREE}${type_}::{name}"


def planned(resources: Sequence[Mapping[str, Any]] = (), **rest: Any) -> Planned:
    """Return the plan of a stack `qa`."""
    return Planned(stack="qa", resources={r["urn"]: r for r in resources}, **rest)


def release(name: str, values: Mapping[str, Any], **inputs: Any) -> dict[str, Any]:
    return resource(
        "kubernetes:helm.sh/v3:Release",
        f"tracing-{name}-release",
        {
            "name": name,
            "namespace": "tracing",
            "chart": name,
            "version": "1.0.0",
            "repositoryOpts": {"repo": "https://charts.example.com"},
            "values": dict(values),
            **inputs,
        },
    )


def config_map(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "monitoring"}
    return resource("kubernetes:core/v1:ConfigMap", name, {"metadata": metadata, "data": data})


def git(folder: Path, *arguments: str) -> str:
    """Run Git as somebody, whatever the machine's own settings are."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a repository with one commit on `main` and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, files)
    return folder


def commit(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=change")
