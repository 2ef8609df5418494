"""Sums over all pods of workloads, as the summary and the plan diff show them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f} GiB" if mib else "-"


def _cores(millicores: int) -> str:
    return f"{millicores / 1000:g}" if millicores else "-"


#: Columns: field of a workload for one pod, and how a sum is written.
COLUMNS: Final[Mapping[str, tuple[str, Callable[[int], str]]]] = {
    "pods": ("", str),
    "CPU request": ("cpu_request_millicores", _cores),
    "CPU limit": ("cpu_limit_millicores", _cores),
    "memory request": ("memory_request_mib", _gib),
    "memory limit": ("memory_limit_mib", _gib),
    "volumes": ("volume_gib", lambda gib: f"{gib} GiB" if gib else "-"),
}


def sums(workloads: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the sums over the least number of pods, by column."""
    every = list(workloads)
    return {
        name: sum(w["replicas"] * int((w.get(field) or 0) if field else 1) for w in every)
        for name, (field, _) in COLUMNS.items()
    }


def written(column: str, amount: int) -> str:
    """Return a sum with its unit."""
    return COLUMNS[column][1](amount)
