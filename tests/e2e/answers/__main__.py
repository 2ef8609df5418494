"""Runs a stack's programs and asks every query of its dashboards: python -m tests.e2e.answers."""

import argparse
import sys

from tests.e2e.answers.harness import reason_to_skip, run


def main() -> int:
    """Print what came of it; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.e2e.answers", description=__doc__)
    parser.add_argument("stack", nargs="?", default="dev", help="name of a stack; by default dev")
    arguments = parser.parse_args()
    if reason := reason_to_skip():
        print(f"skipped: {reason}")
        return 0
    report = run(arguments.stack)
    print(report.text())
    return 1 if report.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
