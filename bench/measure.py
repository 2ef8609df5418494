"""Measures the time of a command, and compares two commands."""

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command to measure, with its whole environment."""

    arguments: Sequence[str]
    env: Mapping[str, str]
    cwd: Path = ROOT


class Cost(NamedTuple):
    """Seconds that a command took; `cpu` with those of the processes that it waited for."""

    cpu: float
    wall: float


def cost(command: Command) -> Cost:
    """Run a command and return its time; a failed one is a RuntimeError with its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - the bench's own commands
        command.arguments, cwd=command.cwd, env=command.env, capture_output=True, text=True
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command.arguments)}\n{done.stdout}\n{done.stderr}")
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Cost(cpu=user + system, wall=wall)


def row(
    what: str, seconds: float, against: float | None = None, goal: float | None = None
) -> tuple[str, ...]:
    """Return a figure as a row: what, measured, against, ratio, goal, met.

    The goal is what the ratio, or without `against` the seconds, should stay under; None where the
    figure is only reported.
    """
    value = seconds if against is None else seconds / against
    return (
        what,
        f"{seconds:.2f} s",
        "-" if against is None else f"{against:.2f} s",
        "-" if against is None else f"{value:.2f}",
        "-" if goal is None else f"under {goal:g}{' s' if against is None else ''}",
        "-" if goal is None else "yes" if value < goal else "no",
    )


def compare(
    what: str, measured: Command, against: Command, *, runs: int, goal: float
) -> list[tuple[str, ...]]:
    """Run two commands alternately, so that both see the same load; return rows of medians."""
    pairs = [(cost(measured), cost(against)) for _ in range(runs + 1)][1:]
    ours, theirs = (
        map(statistics.median, zip(*side, strict=True)) for side in zip(*pairs, strict=True)
    )
    return [
        row(f"{what}, {kind}", seconds, other, goal)
        for kind, seconds, other in zip(("CPU", "wall"), ours, theirs, strict=True)
    ]


def environment(bytecode: Path) -> dict[str, str]:
    """Return the environment of all measured commands.

    Python writes its bytecode into `bytecode`, so that neither the virtual environment's bytecode
    nor a variable that forbids it changes the figures.
    """
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**env, "PYTHONPYCACHEPREFIX": str(bytecode)}
