"""What a change asks of the cluster and of the budget."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from config.markdown import table
from plan.cost.report import NAMES
from plan.diff import markdown
from plan.diff.presenting import Part
from plan.diff.trees import Planned

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
    return Part(title="What it asks of the cluster", body=table(rows))


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


def cost(before: Planned, after: Planned) -> Part | None:
    """Return the effect on what a month costs; None where there is none or a plan tells no cost."""
    if not (before.cost and after.cost) or _known(before) == _known(after):
        return None
    currency: str = after.cost["currency"]
    rows: list[tuple[str, ...]] = [(f"{currency} in a month", "before", "after", "difference")]
    names: dict[str, str] = {part.value: text for part, text in NAMES.items()}
    for name in after.cost["parts"]:
        old, new = (p.cost["parts"].get(name) for p in (before, after))
        if old != new:
            rows.append((names.get(name) or name, _money(old), _money(new), _more(old, new)))
    old, new = before.cost["total"], after.cost["total"]
    rows.append(("**sum**", _money(old), _money(new), _more(old, new)))
    return Part(
        title="What it costs",
        body=markdown.paragraphs(
            [
                table(rows),
                "An estimate from `load` in the stack file; assumptions are in docs/cost.md.",
                "\n".join(f"- {reason}" for reason in after.cost["unknown"]),
            ]
        ),
    )


def monthly(before: Planned | None, after: Planned | None) -> str:
    """Return by how much a month gets dearer or cheaper; empty where that is not known."""
    if not (before and after and before.cost and after.cost):
        return ""
    old, new = before.cost["total"], after.cost["total"]
    return "" if old is None or new is None else _more(old, new)


def _known(planned: Planned) -> tuple[Any, ...]:
    return planned.cost["total"], planned.cost["parts"]


def _money(amount: float | None) -> str:
    return "not known" if amount is None else f"{amount:,.2f}"


def _more(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return ""
    return f"{new - old:+,.2f}" if round(new - old, 2) else "-"
