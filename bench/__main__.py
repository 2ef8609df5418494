"""Measures the figures of docs/figures.md and prints each with its goal: python -m bench."""

import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import preview
from bench.measure import Command, Figure, compare, cost, environment

_HEAD = ("what", "measured", "against", "ratio", "goal", "met")
#: Programs whose tests `make test` skips where they are missing.
_PROGRAMS = ("pulumi", "helm", "tempo", "alloy", "promtool", "prometheus")
#: Beginnings of the variables that lead to a CLI, a cluster or charts.
_VARIABLES = ("PULUMI_", "KUBECONFIG", "LAB_", "TRACING_TEST_")


def main() -> int:
    """Measure and print; return the exit status."""
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as bytecode:
        env = environment(Path(bytecode))
        _print(_HEAD)
        _print(["---"] * len(_HEAD))
        _show(plan(env))
        _show(plan_diff(env))
        skipped = preview.reason_to_skip()
        if not skipped:
            _show(preview.figures(env))
        _show(tests(env))
    if skipped:
        print(f"\nPreviews were not measured: {skipped}.")
    return 0


def plan(env: Mapping[str, str]) -> list[Figure]:
    """Measure the plan of dev against importing the parts of the SDKs that it uses."""
    return compare(
        "plan of dev, against its SDK imports",
        Command(arguments=(sys.executable, "-m", "plan", "dev"), env=env),
        Command(arguments=(sys.executable, "-m", "bench.sdk"), env=env),
        runs=9,
        goal=1.5,
    )


def plan_diff(env: Mapping[str, str]) -> list[Figure]:
    """Measure the plan diff of all four stacks against a plan of dev.

    Planned one after the other, both sides of four stacks would cost eight plans.
    """
    return compare(
        "plan diff of four stacks, against a plan of dev",
        Command(arguments=(sys.executable, "-m", "plan.diff", "HEAD"), env=env),
        Command(arguments=(sys.executable, "-m", "plan", "dev"), env=env),
        runs=5,
        goal=8,
    )


def tests(env: Mapping[str, str]) -> list[Figure]:
    """Measure `make test` as on a machine that has only Python."""
    folders = env["PATH"].split(os.pathsep)
    bare = {
        **{k: v for k, v in env.items() if not k.startswith(_VARIABLES)},
        "PATH": os.pathsep.join(
            f for f in folders if not any(Path(f, program).exists() for program in _PROGRAMS)
        ),
    }
    # Packages are compiled when they are installed: here, by a run that is not measured.
    cost(Command(arguments=(sys.executable, "-m", "pytest", "--collect-only", "-q"), env=bare))
    took = cost(Command(arguments=("make", "test"), env=bare))
    return [
        Figure(what="make test without CLI or charts, CPU", measured=took.cpu),
        Figure(what="make test without CLI or charts, wall", measured=took.wall, goal=60),
    ]


def _show(figures: Sequence[Figure]) -> None:
    for figure in figures:
        _print(figure.row())


def _print(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"error: no figure of a command that fails: {error}")
