"""A use case: how to read what answers it, and the answers."""

from .kit import text_panel
from .layout import PanelBuilder, Section, line, section
from .links import dashboard_url
from .uids import Uid


def case(title: str, sentence: str, leads_to: tuple[str, Uid], *answers: PanelBuilder) -> Section:
    """Return the row of a use case.

    Args:
        title: the use case.
        sentence: how to read the answers.
        leads_to: title and uid of the dashboard where it goes on.
        answers: panels with the queries.
    """
    name, uid = leads_to
    url = dashboard_url(uid).removeprefix("/")
    how = text_panel(f"How to read: {title}", sentence, f"{sentence}\n\n[{name}]({url})")
    return section(title, line(how, *answers, shares=[2, *[5] * len(answers)]))
