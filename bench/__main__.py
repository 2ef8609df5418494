"""Measures the figures of docs/figures.md and prints each with its goal: python -m bench."""

import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import preview
from bench.measure import Command, compare, cost, environment, row

_HEAD = ("what", "measured", "against", "ratio", "goal", "met")
#: Programs whose tests `make test` skips where they are missing.
_PROGRAMS = ("pulumi", "helm", "tempo", "alloy", "promtool", "prometheus")
#: Beginnings of the variables that lead to a CLI, a cluster or charts.
_VARIABLES = ("PULUMI_", "KUBECONFIG", "LAB_", "TRACING_TEST_")


def main() -> int:
    """Measure and print; return the exit status."""
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}\n")
    skipped = preview.reason_to_skip()
    with tempfile.TemporaryDirectory() as bytecode:
        env = environment(Path(bytecode))
        for cells in (_HEAD, ["---"] * len(_HEAD), *figures(env, previews=not skipped)):
            print(f"| {' | '.join(cells)} |", flush=True)
    if skipped:
        print(f"\nPreviews were not measured: {skipped}.")
    return 0


def figures(env: Mapping[str, str], *, previews: bool) -> Iterator[tuple[str, ...]]:
    """Measure figures one after the other and yield them as rows."""

    def command(*module: str) -> Command:
        return Command(arguments=(sys.executable, "-m", *module), env=env)

    plan, sdk = command("plan", "dev"), command("bench.sdk")
    yield from compare("plan of dev, against its SDK imports", plan, sdk, runs=9, goal=1.5)
    # Planned one after the other, both sides of four stacks would cost eight plans.
    diff, what = command("plan.diff", "HEAD"), "plan diff of four stacks, against a plan of dev"
    yield from compare(what, diff, plan, runs=5, goal=8)
    if previews:
        yield from preview.figures(env)
    # `make test` as on a machine that has only Python.
    folders = env["PATH"].split(os.pathsep)
    path = [f for f in folders if not any(Path(f, program).exists() for program in _PROGRAMS)]
    bare = {k: v for k, v in env.items() if not k.startswith(_VARIABLES)}
    bare["PATH"] = os.pathsep.join(path)
    # Packages are compiled when they are installed: here, by a run that is not measured.
    cost(Command(arguments=(sys.executable, "-m", "pytest", "--collect-only", "-q"), env=bare))
    took = cost(Command(arguments=("make", "test"), env=bare))
    yield row("make test without CLI or charts, CPU", took.cpu)
    yield row("make test without CLI or charts, wall", took.wall, goal=60)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"error: no figure of a command that fails: {error}")
