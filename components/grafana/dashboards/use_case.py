"""A use case: its question, how to read what answers it, and the answers."""

from dataclasses import dataclass

from ..layout import PanelBuilder, Section, line, section
from ..links import dashboard_url
from ..panels import text_panel
from ..uids import Uid


@dataclass(frozen=True)
class UseCase:
    """A use of traces.

    Attributes:
        title: the use case.
        question: what it answers.
        reading: how to read the answers.
        leads_to: title and uid of the dashboard where it goes on.
        answers: one or two panels with the queries.
    """

    title: str
    question: str
    reading: str
    leads_to: tuple[str, Uid]
    answers: tuple[PanelBuilder, ...]

    @property
    def link(self) -> str:
        """Where it goes on, in Markdown."""
        name, uid = self.leads_to
        return f"[{name}]({dashboard_url(uid)})"

    def section(self) -> Section:
        """Return its row, which is closed until somebody asks."""
        how = text_panel(
            f"How to read: {self.title}",
            self.reading,
            f"**{self.question}** {self.reading} More: {self.link}.",
        )
        return section(
            self.title, line(how, height=3), line(*self.answers, height=10), collapsed=True
        )


def case(
    title: str,
    question: str,
    reading: str,
    leads_to: tuple[str, Uid],
    *answers: PanelBuilder,
) -> UseCase:
    """Return a use case; see ``UseCase`` for the arguments."""
    return UseCase(title, question, reading, leads_to, answers)


def contents(cases: list[UseCase]) -> Section:
    """Return the table of contents: each use case with its question and its dashboard."""
    rows = "\n".join(f"| {one.title} | {one.question} | {one.link} |" for one in cases)
    table = f"| Row below | Question | Goes on in |\n|---|---|---|\n{rows}"
    panel = text_panel(
        "Nine questions that traces answer",
        "Open the row of a use case below for its answer.",
        table,
    )
    return section("Contents", line(panel, height=11))
