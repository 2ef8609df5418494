"""What a change asks of the cluster and of the budget."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from plan.diff import markdown
from plan.diff.parts import Part
from plan.diff.planned import Planned

#: Columns of the table: field of a workload's size, for one pod, and how a sum is written.
_COLUMNS: Final[Mapping[str, tuple[str, Callable[[int], str]]]] = {
    "CPU request": ("cpu_request_millicores", lambda v: f"{v / 1000:g}" if v else "-"),
    "memory request": ("memory_request_mib", lambda v: f"{v / 1024:.1f} GiB" if v else "-"),
    "volumes": ("volume_gib", lambda v: f"{v} GiB" if v else "-"),
}
_ARROW = " → "


def capacity(before: Planned, after: Planned) -> Part | None:
    """Return the effect on pods, CPU, memory and volumes; None where there is none.

    The sums are of the least number of pods, as in the plan's summary.
    """
    if not (before.workloads and after.workloads) or before.workloads == after.workloads:
        return None
    rows: list[tuple[str, ...]] = [("workload", "pods", *_COLUMNS)]
    for name in dict.fromkeys([*before.workloads, *after.workloads]):
        old, new = before.workloads.get(name), after.workloads.get(name)
        if old != new:
            rows.append((markdown.code(name), *_cells(_sums(old), _sums(new))))
    old, new = (_added(_sums(w) for w in p.workloads.values()) for p in (before, after))
    rows.append(("**sum**", *_cells(old, new)))
    return Part(title="What it asks of the cluster", body=markdown.table(rows))


def _sums(size: Mapping[str, Any] | None) -> tuple[int, ...]:
    if size is None:
        return (0, *(0 for _ in _COLUMNS))
    pods: int = size["replicas"]
    return (pods, *(pods * int(size.get(field) or 0) for field, _ in _COLUMNS.values()))


def _added(sums: Any) -> tuple[int, ...]:  # noqa: ANN401
    return tuple(sum(column) for column in zip(*sums, strict=True))


def _cells(old: tuple[int, ...], new: tuple[int, ...]) -> list[str]:
    writes: list[Callable[[int], str]] = [str, *(write for _, write in _COLUMNS.values())]
    cells: list[str] = []
    for before, after, write in zip(old, new, writes, strict=True):
        same = before == after
        cells.append(write(after) if same else f"{write(before)}{_ARROW}{write(after)}")
    return cells
