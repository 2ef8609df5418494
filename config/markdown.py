"""Markdown tables."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, aligned: bool = False) -> str:
    """Return rows as a Markdown table; the first row is the head.

    An aligned one has padded cells, for a table that is read in a terminal too.
    """
    # A bar would end the cell, in code too.
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if aligned:
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        cells = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in cells]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    dashes = ["-" * (len(cell) + 2) if aligned else " --- " for cell in cells[0]]
    lines.insert(1, f"|{'|'.join(dashes)}|")
    return "\n".join(lines)
