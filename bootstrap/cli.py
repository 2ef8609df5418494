"""Sets up an AWS account with the Pulumi CLI: python -m bootstrap.cli up STACK, then move STACK."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pulumi

from bootstrap.loader import PROJECT, tracing_settings
from bootstrap.names import state_bucket
from bootstrap.state import backend_url
from components.checks import Problem, SettingsError
from plan.cli import find
from plan.command import CommandError, reporting
from plan.stackfile import load, read

#: Folder of the project. Its state is in a git-ignored folder below until the bucket exists.
FOLDER = Path("bootstrap")
LOCAL_STATE = FOLDER / ".pulumi-state"


@reporting(pulumi.RunError)
def main() -> int:
    """Run one command on one stack, passing on further options; return the exit status."""
    parser = argparse.ArgumentParser(prog="bootstrap.cli", description=__doc__)
    parser.add_argument("command", choices=("up", "move"))
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    arguments, passed_on = parser.parse_known_args()
    stack: str = arguments.stack
    moved = _has_moved(stack)
    found = find()
    if found is None:
        raise CommandError("the Pulumi CLI is missing and could not be downloaded.")
    # The CLI runs in the project's folder, so a relative path would not be found.
    cli = str(Path(found).resolve())
    run = _up if arguments.command == "up" else _move
    try:
        return run(cli, stack, moved, passed_on)
    except subprocess.CalledProcessError:
        # The CLI has already printed the error.
        return 1


def _has_moved(stack: str) -> bool:
    """Return whether the state is in its bucket: the project's stack file then names the key."""
    read(Path.cwd(), stack)
    file = FOLDER / f"Pulumi.{stack}.yaml"
    if not os.path.lexists(file):
        missing = f"does not exist. It must set {PROJECT}:repository to your GitHub repository"
        raise SettingsError(str(file), [Problem(key=str(file), message=missing)])
    read(FOLDER, stack)
    return "secretsprovider" in cast(dict[str, object], load(file))


def _up(cli: str, stack: str, moved: bool, passed_on: Sequence[str]) -> int:
    """Set up or update the account, with the state in its current backend."""
    if moved:
        tracing, wrong = tracing_settings(Path.cwd(), stack)
        if wrong:
            raise SettingsError(f"Pulumi.{stack}.yaml", wrong)
        url = backend_url(state_bucket(tracing), region=tracing.cluster.region)
        # The variable may be set for another environment.
        env = {**os.environ, "PULUMI_BACKEND_URL": url}
    else:
        LOCAL_STATE.mkdir(exist_ok=True)
        env = _local()
        _run([cli, "stack", "select", "--create", stack], env)
    command = [cli, "up", "--stack", stack, *passed_on]
    return subprocess.run(command, cwd=FOLDER, env=env).returncode  # noqa: S603


def _move(cli: str, stack: str, moved: bool, passed_on: Sequence[str]) -> int:
    """Move the state from the project's folder into the bucket that it describes."""
    if moved:
        print(f"Nothing to move: the state of {stack} is already in its bucket.")
        return 0
    local = _local()
    outputs: dict[str, str] = {}
    if (LOCAL_STATE / ".pulumi" / "stacks" / PROJECT / f"{stack}.json").is_file():
        show = [cli, "stack", "output", "--json", "--stack", stack]
        outputs = json.loads(_run(show, local))
    if "deployRoleArn" not in outputs:
        raise CommandError(f"nothing to move yet; first run: make bootstrap STACK={stack}")
    backend, provider = outputs["backendUrl"], outputs["secretsProvider"]
    backups = set(FOLDER.glob(f"Pulumi.{stack}.yaml.bak.*"))
    command = [cli, "stack", "migrate", local["PULUMI_BACKEND_URL"], stack, "--yes", *passed_on]
    done = subprocess.run(  # noqa: S603
        [*command, "--secrets-provider", provider],
        cwd=FOLDER,
        env={**local, "PULUMI_BACKEND_URL": backend},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        print(f"{done.stdout}{done.stderr}".strip(), file=sys.stderr)
        return 1
    # The migration leaves backups and the old state behind.
    for backup in set(FOLDER.glob(f"Pulumi.{stack}.yaml.bak.*")) - backups:
        backup.unlink()
    _run([cli, "stack", "rm", stack, "--force", "--yes", "--preserve-config"], local)
    print(f"Moved to {backend}. Commit bootstrap/Pulumi.{stack}.yaml.")
    print(f"Create stack {stack} in the same backend:")
    print(f"  export PULUMI_BACKEND_URL='{backend}'")
    print(f"  pulumi stack init {stack} --secrets-provider='{provider}'")
    return 0


def _local() -> dict[str, str]:
    """Return the environment of the CLI while the state is in the project's folder."""
    return {
        # The state has no secrets.
        "PULUMI_CONFIG_PASSPHRASE": "",
        **os.environ,
        "PULUMI_BACKEND_URL": LOCAL_STATE.resolve().as_uri(),
    }


def _run(command: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a command in the project's folder; return what it prints."""
    done = subprocess.run(command, cwd=FOLDER, env=env, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return done.stdout.decode()


if __name__ == "__main__":
    sys.exit(main())
