"""The bootstrap program, recorded for stack files, and the policies of its roles."""

import contextlib
import functools
import runpy
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from plan.recorder import Recording, record
from plan.stackfile import StackConfig

ROOT = Path(__file__).parents[2]
PROJECT = "tracing-bootstrap"
REPOSITORY = "example/tracing"
STACKS = ("dev", "staging", "prod")
PURPOSES = ("preview", "drift", "deploy")


def bootstrap(
    stack: str,
    own: Mapping[str, str] | None = None,
    *,
    file: StackConfig | None = None,
    preview: bool = False,
) -> Recording:
    """Run `bootstrap/__main__.py` for a stack.

    Args:
        stack: name of the stack.
        own: the `tracing-bootstrap` settings; by default the repository alone.
        file: the tracing stack's file; by default that of the project.
        preview: as in `record`.
    """
    settings = {"repository": REPOSITORY} if own is None else own
    changed = mock.patch("bootstrap.loader.read", return_value=file)
    with changed if file else contextlib.nullcontext():
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
    """Return the policies of a role of a stack, as `policies_in`."""
    return policies_in(recorded(stack), purpose)


def policies_in(recording: Recording, purpose: str) -> dict[str, str]:
    """Return the policies of a role as JSON, by their names.

    Args:
        recording: the recorded program.
        purpose: purpose of the role, one of PURPOSES.
    """
    found = {
        policy.inputs["name"]: policy.inputs["policy"]
        for policy in recording.of_type("aws:iam/rolePolicy:RolePolicy")
        if policy.name.startswith(f"access-{purpose}-")
    }
    assert found, f"the role for {purpose} has no policies"
    return found
