"""Writes what an `up` would change as a table: python -m delivery.preview STACK [--drift]."""

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from config.markdown import table
from delivery import DeliveryError
from plan.cli import prepare
from plan.command import CommandError, check_stack_name, reporting

#: Operations in `pulumi preview --json` that an `up` would do, the most severe first.
OPERATIONS = ("delete", "replace", "create", "update", "import", "discard")
#: Parts of a replacement, which is reported as a whole too.
_PARTS = ("create-replacement", "delete-replaced")
#: Maximum number of properties that are named for a resource; the others are counted.
NAMED_PROPERTIES = 8


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that an `up` would change.

    Attributes:
        operation: one of OPERATIONS.
        properties: paths of the inputs and outputs that differ.
    """

    operation: str
    type: str
    name: str
    properties: tuple[str, ...]


def preview(stack: str, *, refresh: bool) -> list[Change]:
    """Return the changes that an `up` would make, the most severe first.

    They hold no values, secret or not, since they may end up in a comment. With `refresh`, the real
    state of each resource is read first. Read-only credentials are enough: nothing is written and
    no lock is taken.

    Raises:
        DeliveryError: the CLI is missing, or the preview failed.
    """
    cli = prepare(stack)
    # Unchanged resources tell what a refresh found from what an `up` would change.
    command = [cli.program, "preview", "--stack", stack, "--json", "--show-sames"]
    command += ["--non-interactive", *(["--refresh"] if refresh else [])]
    done = subprocess.run(command, env=cli.env, stdout=subprocess.PIPE, text=True)  # noqa: S603
    ended = f"pulumi preview ended with status {done.returncode}"
    try:
        digest = cast(dict[str, Any], json.loads(done.stdout))
    except ValueError:
        raise DeliveryError(ended) from None
    diagnostics: list[dict[str, str]] = digest.get("diagnostics", [])
    errors = [
        d.get("message", "").strip().removeprefix("error: ")
        for d in diagnostics
        if d.get("severity") == "error"
    ]
    if errors or done.returncode != 0:
        raise DeliveryError("\n".join(errors) or ended)
    return changes(digest)


def changes(digest: dict[str, Any]) -> list[Change]:
    """Return the changes in a digest of `pulumi preview --json`.

    A refresh lists a resource twice: with what the refresh found, then with what the program would
    do. Only the last counts, since values that AWS sets differ without being changes.
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
    return f"{sentence}.\n\n{table([('', 'resource', 'type', 'changed properties'), *rows])}\n"


def _named(properties: tuple[str, ...]) -> str:
    names = [f"`{name}`" for name in properties[:NAMED_PROPERTIES]]
    more = len(properties) - len(names)
    return ", ".join([*names, f"{more} more"] if more else names)


@reporting()
def main() -> int:
    """Preview one stack; return the exit status, which is 1 for drift and for failure."""
    parser = argparse.ArgumentParser(prog="delivery.preview", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--drift", action="store_true", help="refresh first; fail on changes")
    arguments = parser.parse_args()
    stack, drift = cast(str, arguments.stack), cast(bool, arguments.drift)
    check_stack_name(stack)
    file = Path("build", "drift" if drift else "preview", f"{stack}.md")
    file.parent.mkdir(parents=True, exist_ok=True)
    # A failed run must not leave the report of an earlier one.
    file.unlink(missing_ok=True)
    try:
        found = preview(stack, refresh=drift)
    except CommandError:
        if not drift:
            file.write_text("failed; the log has the reason.\n", encoding="utf-8")
        raise
    text = markdown(found)
    file.write_text(text, encoding="utf-8")
    print(f"{text}\nWritten to {file}.")
    return 1 if drift and found else 0


if __name__ == "__main__":
    sys.exit(main())
