"""Imports an existing bucket into a stack: python -m plan.adopt STACK, with the real CLI.

For a bucket that was kept when its stack was removed, or that was created by hand.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from plan.cli import prepare
from plan.command import CommandError, reporting
from plan.run import run

#: Types of the bucket, its guards and its key; the stack creates no others of these.
_OWN = ("aws:s3/", "aws:kms/")
_KEY, _ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"


@reporting(pulumi.RunError)
def main() -> int:
    """Import the bucket of a stack file with its guards; return the exit status."""
    parser = argparse.ArgumentParser(prog="plan.adopt", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--key", help="id of the bucket's KMS key, if the stack creates one")
    arguments, passed_on = parser.parse_known_args()
    stack: str = arguments.stack
    settings = run(stack, Path.cwd()).settings
    if settings.storage.existing:
        raise CommandError("storage.existing is true: the stack doesn't own the bucket")
    prepared = prepare(stack)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "import.json")
        preview = [prepared.program, "preview", "--stack", stack, "--import-file", str(file)]
        done = subprocess.run(preview, env=prepared.env, stdout=subprocess.PIPE)  # noqa: S603
        if done.returncode != 0:
            sys.stderr.write(done.stdout.decode())
            return done.returncode
        chosen = with_ids(json.loads(file.read_text()), settings.bucket, arguments.key)
        file.write_text(json.dumps(chosen))
        command = [prepared.program, "import", "--stack", stack, "--file", str(file)]
        # The program exists already.
        command += ["--generate-code=false", *passed_on]
        return subprocess.run(command, env=prepared.env).returncode  # noqa: S603


def with_ids(planned: Mapping[str, Any], bucket: str, key: str | None) -> dict[str, Any]:
    """Return the bucket and its guards, each with its id in AWS.

    `planned` is what `pulumi preview --import-file` writes; the answer has the same form.

    Raises:
        CommandError: there is nothing to import, or the bucket has its own key and none is given.
    """
    # Pulumi writes null for an empty list.
    listed: list[dict[str, Any]] = planned.get("resources") or []
    resources: dict[str, dict[str, Any]] = {item["name"]: item for item in listed}
    own = [item for item in resources.values() if item["type"].startswith(_OWN)]
    if not own:
        raise CommandError("the stack has its bucket already")
    if key is None and any(item["type"] == _KEY for item in own):
        raise CommandError("the bucket has its own KMS key: add the id of the key, ARGS=--key=...")
    above: set[str] = set()
    names = {item.get(at) for item in own for at in ("parent", "provider")}
    while names:
        # Resources that the state has already are in the name table only.
        found = {name for name in names if name in resources} - above
        above |= found
        names = {resources[name].get("parent") for name in found}
    ids = {_KEY: key, _ALIAS: f"alias/{bucket}"}
    imported = [{**item, "id": ids.get(item["type"], bucket)} for item in own]
    needed = [item for name, item in resources.items() if name in above]
    return {**planned, "resources": [*needed, *imported]}


if __name__ == "__main__":
    sys.exit(main())
