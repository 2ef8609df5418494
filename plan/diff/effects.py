"""Effects of a change on the cluster's capacity and on cost."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.markdown import table
from plan.cost.report import NAMES
from plan.diff import markdown
from plan.diff.presenting import Part
from plan.diff.trees import Planned
from plan.sums import COLUMNS, sums, written

#: The report leaves out limits.
_COLUMNS = [column for column in COLUMNS if "limit" not in column]


def capacity(before: Planned, after: Planned) -> Part | None:
    """Return the effect on pods, CPU, memory and volumes; None if there is none.

    Sums are of the minimum number of pods, as in the plan's summary.
    """
    if not (before.workloads and after.workloads) or before.workloads == after.workloads:
        return None
    rows: list[tuple[str, ...]] = [("workload", *_COLUMNS)]
    for name in dict.fromkeys([*before.workloads, *after.workloads]):
        old, new = before.workloads.get(name), after.workloads.get(name)
        if old != new:
            rows.append((markdown.code(name), *_cells([old] if old else [], [new] if new else [])))
    rows.append(("**sum**", *_cells(before.workloads.values(), after.workloads.values())))
    return Part(title="What it asks of the cluster", body=table(rows))


def _cells(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the sums of both sides, or one where they are the same."""
    old, new = sums(before), sums(after)
    both = [[written(column, side[column]) for side in (old, new)] for column in _COLUMNS]
    return [" → ".join(dict.fromkeys(cells)) for cells in both]


def cost(before: Planned, after: Planned) -> Part | None:
    """Return the effect on the monthly cost; None if there is none or a plan has no cost."""
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
    """Return the difference of the monthly cost; empty if unknown."""
    if not (before and after and before.cost and after.cost):
        return ""
    old, new = before.cost["total"], after.cost["total"]
    return "" if old is None or new is None else _more(old, new)


def _known(planned: Planned) -> tuple[Any, ...]:
    return planned.cost["total"], planned.cost["parts"]


def _money(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"


def _more(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return ""
    return f"{new - old:+,.2f}" if round(new - old, 2) else "-"
