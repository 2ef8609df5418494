"""Prints and writes what `pulumi up` would create from a stack file: python -m plan STACK."""

import argparse
import json
import sys
from pathlib import Path

import pulumi

from plan.command import reporting
from plan.policies import refusal
from plan.run import run
from plan.write import write


@reporting(pulumi.RunError)
def main() -> int:
    """Plan one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="plan", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--json", action="store_true", help="print plan.json and nothing else")
    arguments = parser.parse_args()
    plan = run(arguments.stack, Path.cwd())
    folder = Path("build", "plan", plan.stack)
    written = write(plan, folder)
    if arguments.json:
        sys.stdout.write(written["plan.json"])
    else:
        print(written["summary.md"])
        print(f"Written to {folder}/: plan.json, Helm values and more.")
    refused = refusal(json.loads(written["policy.json"]), f"Pulumi.{plan.stack}.yaml")
    if refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
