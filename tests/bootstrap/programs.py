"""The bootstrap program, recorded for stack files, and the policies of its roles."""

import functools
import runpy
from collections.abc import Mapping
from pathlib import Path

from plan.recorder import Recording, record

ROOT = Path(__file__).parents[2]
PROJECT = "tracing-bootstrap"
REPOSITORY = "example/tracing"
STACKS = ("dev", "staging", "prod")
PURPOSES = ("preview", "drift", "deploy")


def bootstrap(
    stack: str, own: Mapping[str, str] | None = None, *, preview: bool = False
) -> Recording:
    """Run `bootstrap/__main__.py` for a stack file, with these `tracing-bootstrap` settings."""
    settings = {"repository": REPOSITORY} if own is None else own
    return record(
        lambda: runpy.run_path(str(ROOT / "bootstrap/__main__.py"), run_name="__main__"),
        project=PROJECT,
        stack=stack,
        preview=preview,
        config={f"{PROJECT}:{key}": value for key, value in settings.items()},
    )


@functools.cache
def recorded(stack: str) -> Recording:
    """Return the recording of a stack with nothing special, at update."""
    return bootstrap(stack)


def policies(stack: str, purpose: str) -> dict[str, str]:
    """Return the policies of a role as JSON, by their names: one of PURPOSES."""
    return {
        policy.inputs["name"]: policy.inputs["policy"]
        for policy in recorded(stack).of_type("aws:iam/rolePolicy:RolePolicy")
        if policy.name.startswith(f"access-{purpose}-")
    }
