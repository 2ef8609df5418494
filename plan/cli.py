"""Runs the real Pulumi CLI, and gets it first where it is missing: python -m plan.cli up STACK."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pulumi
from pulumi import automation

from plan import policy_pack
from plan.stackfile import read

#: Where the CLI is put if it is missing, and the state of the stack `local`; both git-ignored.
INSTALL_ROOT = Path(".pulumi-cli")
LOCAL_STATE = Path(".pulumi-state")
LOCAL = "local"


def main() -> int:
    """Run one command of the CLI on one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="plan.cli", description=__doc__)
    parser.add_argument("command", choices=("preview", "up", "destroy"))
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    arguments = parser.parse_args()
    stack: str = arguments.stack
    try:
        read(Path.cwd(), stack)
    except pulumi.RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    cli = find()
    if cli is None:
        print(
            "error: the Pulumi CLI is not installed and could not be downloaded; "
            f"`make plan STACK={stack}` needs none.",
            file=sys.stderr,
        )
        return 1
    env = environment(stack)
    if stack == LOCAL:
        LOCAL_STATE.mkdir(exist_ok=True)
        subprocess.run([cli, "stack", "select", "--create", stack], env=env, check=True)  # noqa: S603
    command = [cli, arguments.command, "--stack", stack]
    if arguments.command != "destroy":
        command += policy_pack.options(cli, stack, env)
    return subprocess.run(command, env=env).returncode  # noqa: S603


def find() -> str | None:
    """Return the CLI, from PATH or installed into the project's folder; None if it can't be."""
    found = shutil.which("pulumi") or shutil.which("pulumi", path=str(INSTALL_ROOT / "bin"))
    if found:
        return found
    print(f"The Pulumi CLI is missing: installing the SDK's version into {INSTALL_ROOT}/ ...")
    try:
        installed = automation.PulumiCommand.install(root=str(INSTALL_ROOT.resolve()))
    except Exception:  # noqa: BLE001 - the SDK promises no particular error
        return None
    return installed.command


def environment(stack: str) -> dict[str, str]:
    """Return the environment of the CLI; the stack `local` keeps its state in the project's folder.

    A state backend or passphrase that is set already stays as it is.
    """
    env = dict(os.environ)
    if stack == LOCAL:
        env.setdefault("PULUMI_BACKEND_URL", LOCAL_STATE.resolve().as_uri())
        # Nothing on a laptop's stand-ins is secret.
        env.setdefault("PULUMI_CONFIG_PASSPHRASE", "")
    return env


if __name__ == "__main__":
    sys.exit(main())
