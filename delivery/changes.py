"""What a preview of the real Pulumi says, as a list and as Markdown."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from config.markdown import table
from plan.cli import prepare

#: Operations that `pulumi preview --json` reports of a resource that an `up` would change.
OPERATIONS = ("delete", "replace", "create", "update", "import", "discard")
#: A replacement comes as two parts too.
_PARTS = ("create-replacement", "delete-replaced")
#: Properties that are named for one resource; the rest is counted.
NAMED_PROPERTIES = 8


class PreviewError(Exception):
    """A preview that could not be made; the message is what to tell."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that an `up` would change.

    Attributes:
        operation: one of OPERATIONS.
        type: type token of the resource.
        name: name of the resource.
        properties: paths of the inputs and outputs that differ.
    """

    operation: str
    type: str
    name: str
    properties: tuple[str, ...]


def preview(stack: str, *, refresh: bool) -> list[Change]:
    """Ask the real Pulumi what an `up` would change.

    Values stay out of the answer, secret or not: it may end in a comment.

    Args:
        stack: name of the stack.
        refresh: read the real state of each resource first. Nothing is written and no lock is
            taken, so credentials that can only read are enough.

    Returns:
        The changes, the most severe first.

    Raises:
        PreviewError: the CLI is missing, or the preview failed.
    """
    cli = prepare(stack)
    if isinstance(cli, str):
        raise PreviewError(cli)
    # What stays the same is needed to tell what a refresh found from what an `up` would change.
    command = [cli.program, "preview", "--stack", stack, "--json", "--show-sames"]
    command += ["--non-interactive", *(["--refresh"] if refresh else [])]
    done = subprocess.run(  # noqa: S603
        command, env=cli.env, stdout=subprocess.PIPE, text=True, check=False
    )
    ended = f"pulumi preview ended with status {done.returncode}"
    try:
        digest = cast(dict[str, Any], json.loads(done.stdout))
    except ValueError:
        raise PreviewError(ended) from None
    diagnostics: list[dict[str, str]] = digest.get("diagnostics", [])
    errors = [
        d.get("message", "").strip().removeprefix("error: ")
        for d in diagnostics
        if d.get("severity") == "error"
    ]
    if errors or done.returncode != 0:
        raise PreviewError("\n".join(errors) or ended)
    return changes(digest)


def changes(digest: dict[str, Any]) -> list[Change]:
    """Return what a digest of `pulumi preview --json` would change.

    After a refresh a resource comes twice: as what the refresh found, then as what the program
    does about it. Only the last counts: a value that AWS fills in differs, and changes nothing.
    """
    steps: list[dict[str, Any]] = digest.get("steps", [])
    last = {step["urn"]: step for step in steps if step["op"] not in _PARTS}
    found = [_change(urn, step) for urn, step in last.items() if step["op"] in OPERATIONS]
    return sorted(found, key=lambda c: (OPERATIONS.index(c.operation), c.name))


def _change(urn: str, step: dict[str, Any]) -> Change:
    *_, types, name = urn.split("::", 3)
    differing: dict[str, Any] | list[str] = step.get("detailedDiff") or step.get("diffReasons", [])
    return Change(
        operation=step["op"],
        type=types.rsplit("$", 1)[-1],
        name=name,
        properties=tuple(sorted(differing)),
    )


def markdown(found: list[Change]) -> str:
    """Return changes as a sentence and a table."""
    if not found:
        return "No changes.\n"
    counts = Counter(change.operation for change in found)
    sentence = ", ".join(f"{counts[op]} to {op}" for op in OPERATIONS if counts[op])
    rows = [
        (change.operation, f"`{change.name}`", f"`{change.type}`", _named(change.properties))
        for change in found
    ]
    return f"{sentence}.\n\n{table([('', 'resource', 'type', 'what differs'), *rows])}\n"


def _named(properties: tuple[str, ...]) -> str:
    names = [f"`{name}`" for name in properties[:NAMED_PROPERTIES]]
    more = len(properties) - len(names)
    return ", ".join([*names, f"{more} more"] if more else names)
