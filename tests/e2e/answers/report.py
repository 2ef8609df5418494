"""What the run found, as tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.e2e.answers.asking import Answer, Outcome

_COLUMNS = (
    Outcome.DATA,
    Outcome.HEALTHY,
    Outcome.ABSENT,
    Outcome.SKIPPED,
    Outcome.EMPTY,
    Outcome.REFUSED,
)


@dataclass
class Board:
    """A dashboard, with what came of its queries.

    Attributes:
        uid: its uid.
        panels: number of its panels.
        answers: what came of its queries, for each setting of the filters.
        problems: what is wrong with its variables or links.
    """

    uid: str
    panels: int
    answers: list[Answer] = field(default_factory=list[Answer])
    problems: list[str] = field(default_factory=list[str])

    @property
    def wrong(self) -> bool:
        """Whether something must not be so."""
        return bool(self.problems) or any(answer.wrong for answer in self.answers)


@dataclass
class Report:
    """All that a run found.

    Attributes:
        stack: name of the stack.
        boards: the dashboards.
        problems: what is wrong besides.
        notes: what is worth knowing besides.
    """

    stack: str
    boards: list[Board] = field(default_factory=list[Board])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    @property
    def unexplained(self) -> list[str]:
        """Everything that is wrong."""
        of_boards = [problem for board in self.boards for problem in board.problems]
        return [*self.problems, *of_boards, *(_line(a) for a in self._answers() if a.wrong)]

    def text(self) -> str:
        """Return the report as Markdown."""
        rows = [("dashboard", "panels", "queries", "asked", *(str(o) for o in _COLUMNS))]
        rows += [_row(one.uid, one.panels, one.answers) for one in self.boards]
        rows.append(_row("all", sum(b.panels for b in self.boards), list(self._answers())))
        parts = [f"Stack {self.stack}\n", *_table(rows)]
        parts += _listed("Empty, explained", self._explained())
        parts += _listed("Wrong", self.unexplained)
        parts += _listed("Notes", self.notes)
        return "\n".join(parts)

    def _explained(self) -> list[str]:
        """Return the panels that found nothing, by dashboard and reason."""
        found: dict[str, dict[str, None]] = {}
        for answer in self._answers():
            if answer.outcome in {Outcome.HEALTHY, Outcome.ABSENT, Outcome.SKIPPED}:
                why = f"{answer.question.dashboard}, {answer.outcome}, {answer.reason}"
                found.setdefault(why, {})[answer.question.panel] = None
        return [f"{why}: {', '.join(panels)}" for why, panels in found.items()]

    def _answers(self) -> Iterable[Answer]:
        return (answer for board in self.boards for answer in board.answers)


def _row(name: str, panels: int, answers: Sequence[Answer]) -> tuple[str, ...]:
    counts = Counter(answer.outcome for answer in answers)
    queries = len({(a.question.name, a.question.texts) for a in answers})
    return (name, str(panels), str(queries), str(len(answers)), *(str(counts[o]) for o in _COLUMNS))


def _line(answer: Answer) -> str:
    where = f"{answer.question.name} ({answer.outcome}, filters: {answer.setting})"
    sent = f"\n    {answer.text}" if answer.wrong else ""
    return f"{where}: {answer.reason}{sent}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def written(row: Sequence[str]) -> str:
        cells = [
            row[0].ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
        ]
        return f"| {' | '.join(cells)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return [written(rows[0]), rule, *(written(row) for row in rows[1:])]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return [f"\n{title}: {len(lines)}", *(f"- {line}" for line in lines)] if lines else []
