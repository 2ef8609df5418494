"""Runs the real Pulumi CLI and installs it if it is missing: python -m plan.cli up STACK."""

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi import automation

from plan import policies
from plan.command import CommandError, reporting
from plan.stackfile import read

#: Folders of an installed CLI and of the state of the stack `local`; both git-ignored.
INSTALL_ROOT = Path(".pulumi-cli")
LOCAL_STATE = Path(".pulumi-state")
LOCAL = "local"
_MISSING = "the Pulumi CLI is not installed and could not be downloaded"


@reporting()
def main() -> int:
    """Run a command of the CLI on a stack, with the options that follow; return its status."""
    parser = argparse.ArgumentParser(prog="plan.cli", description=__doc__)
    parser.add_argument("command", choices=("preview", "up", "destroy", "install"))
    parser.add_argument("stack", nargs="?", default="", help="x for Pulumi.x.yaml")
    arguments, passed_on = parser.parse_known_args()
    if arguments.command == "install":
        if not install():
            raise CommandError(f"{_MISSING}.")
        return 0
    prepared = prepare(arguments.stack)
    command = [prepared.program, arguments.command, "--stack", arguments.stack]
    if arguments.command != "destroy":
        command += policies.pack_options(prepared.program, arguments.stack, prepared.env)
    command += passed_on
    return subprocess.run(command, env=prepared.env).returncode  # noqa: S603


@dataclass(frozen=True, kw_only=True)
class Cli:
    """The path of the CLI, and its environment for one stack."""

    program: str
    env: dict[str, str]


def prepare(stack: str) -> Cli:
    """Return the CLI for a stack with a readable file.

    Raises:
        CommandError: there is no such file, no CLI, or the state `local` can't be opened.
    """
    try:
        read(Path.cwd(), stack)
    except pulumi.RunError as error:
        raise CommandError(str(error)) from None
    program = find()
    if program is None:
        raise CommandError(f"{_MISSING}; `make plan STACK={stack}` needs none.")
    env = environment(stack)
    if stack == LOCAL:
        LOCAL_STATE.mkdir(exist_ok=True)
        select = [program, "stack", "select", "--create", stack]
        done = subprocess.run(select, env=env, capture_output=True, text=True)  # noqa: S603
        if done.returncode != 0:
            raise CommandError(f"the state of {stack} cannot be opened: {done.stderr.strip()}")
    return Cli(program=program, env=env)


def installed() -> str | None:
    """Return the CLI from the project's folder or PATH, or None."""
    return shutil.which("pulumi", path=str(INSTALL_ROOT / "bin")) or shutil.which("pulumi")


def find() -> str | None:
    """Return the installed CLI, else install it; None if that fails."""
    if found := installed():
        return found
    print(f"The Pulumi CLI is missing: installing the SDK's version into {INSTALL_ROOT}/ ...")
    return install()


def install() -> str | None:
    """Install the CLI of the SDK's version into the project's folder; None if that fails."""
    try:
        installed = automation.PulumiCommand.install(root=str(INSTALL_ROOT.resolve()))
    except Exception:  # noqa: BLE001 - the SDK promises no particular error
        return None
    return installed.command


def environment(stack: str) -> dict[str, str]:
    """Return the environment of the CLI; the stack `local` keeps its state in the project's folder.

    A state backend that is set already stays as it is. The passphrase is the empty one that the
    stack file's `encryptionsalt` belongs to: with another one the CLI would refuse the file.
    """
    env = dict(os.environ)
    if stack == LOCAL:
        env.setdefault("PULUMI_BACKEND_URL", LOCAL_STATE.resolve().as_uri())
        # Nothing in a cluster on a laptop is secret.
        env.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        env["PULUMI_CONFIG_PASSPHRASE"] = ""
    return env


if __name__ == "__main__":
    sys.exit(main())
