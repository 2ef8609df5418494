"""Measures the time of a command, and compares two commands."""

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command to measure."""

    arguments: Sequence[str]
    env: Mapping[str, str]
    cwd: Path = field(default=ROOT)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds that a command took; `cpu` with those of the processes that it waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure and its goal.

    Attributes:
        what: what was measured.
        measured: seconds.
        against: seconds of what it is compared with; None where the goal is a time.
        goal: what the ratio, or without `against` the seconds, should stay under; None where
            the figure is only reported.
    """

    what: str
    measured: float
    against: float | None = None
    goal: float | None = None

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table: what, measured, against, ratio, goal, met."""
        seconds = f"{self.measured:.2f} s"
        if self.goal is None:
            return self.what, seconds, "-", "-", "-", "-"
        if self.against is None:
            met = self.measured < self.goal
            return self.what, seconds, "-", "-", f"under {self.goal:g} s", _yes(met)
        ratio = self.measured / self.against
        against = f"{self.against:.2f} s"
        met = ratio < self.goal
        return self.what, seconds, against, f"{ratio:.2f}", f"under {self.goal:g}", _yes(met)


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
    return Cost(wall=wall, cpu=user + system)


def compare(
    what: str, measured: Command, against: Command, *, runs: int, goal: float
) -> list[Figure]:
    """Run two commands alternately, so that both see the same load; return medians, CPU and wall.

    One run of each goes first and does not count: it writes bytecode and fills the disk cache.
    """
    cost(measured)
    cost(against)
    pairs = [(cost(measured), cost(against)) for _ in range(runs)]
    ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    return [
        Figure(
            what=f"{what}, CPU",
            measured=statistics.median(c.cpu for c in ours),
            against=statistics.median(c.cpu for c in theirs),
            goal=goal,
        ),
        Figure(
            what=f"{what}, wall",
            measured=statistics.median(c.wall for c in ours),
            against=statistics.median(c.wall for c in theirs),
            goal=goal,
        ),
    ]


def environment(bytecode: Path) -> dict[str, str]:
    """Return the environment of all measured commands.

    Python writes its bytecode into `bytecode`, so that neither the virtual environment's bytecode
    nor a variable that forbids it changes the figures.
    """
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**env, "PYTHONPYCACHEPREFIX": str(bytecode)}


def _yes(met: bool) -> str:
    return "yes" if met else "no"
