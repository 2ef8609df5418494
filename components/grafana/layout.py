"""Layout of dashboards: sections of lines of panels, with computed positions."""

import json
from collections.abc import Sequence
from typing import Protocol

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import stat

from .links import TITLES, Link, Uid

#: Columns of Grafana's grid.
COLUMNS = 24
#: Sizes in pixels of the values of single-value panels by the number of columns that the narrowest
#: in a line has at least, and of the names beside them. By default each panel has its own size.
_VALUE_SIZES = {6: 44, 5: 36, 4: 28, 0: 22}
_NAME_SIZE = 16
#: Tag of every dashboard here; the menu of dashboards lists by it.
TAG = "tracing"

Dashboard = models.Dashboard
Variable = Builder[models.VariableModel]


class PanelBuilder(Protocol):
    """The common part of the SDK's panel builders."""

    def build(self) -> models.Panel:
        """Return the panel."""
        ...


class Line:
    """Panels side by side."""

    def __init__(self, *panels: PanelBuilder, height: int = 8, shares: Sequence[int] = ()) -> None:
        """Put panels side by side.

        The height is in units of Grafana's grid (about 30 pixels), shares are of the width.
        """
        self.panels, self.height = panels, height
        self.shares = tuple(shares) or (1,) * len(panels)
        if not panels or len(self.shares) != len(panels):
            raise ValueError(f"{len(panels)} panels, {len(self.shares)} shares")

    def widths(self) -> list[int]:
        """Return the widths in columns; together they fill the line."""
        ends = [
            COLUMNS * sum(self.shares[: i + 1]) // sum(self.shares) for i in range(len(self.shares))
        ]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]


class Section:
    """Lines of panels under a heading; a collapsed one is queried only when it is opened."""

    def __init__(self, title: str, *lines: Line, collapsed: bool = False) -> None:
        """Put lines under a heading."""
        self.title, self.lines, self.collapsed = title, lines, collapsed


def dashboard(
    uid: Uid,
    description: str,
    *sections: Section,
    title: str = "",
    variables: Sequence[Variable] = (),
    links: Sequence[Link] = (),
    time_from: str = "now-1h",
    refresh: str = "1m",
) -> Dashboard:
    """Return a dashboard of sections, from top to bottom.

    Its uid is also the name of its object in Kubernetes. Links stand beside the menu of all tracing
    dashboards. An empty refresh is none.
    """
    built = builders.Dashboard(title or TITLES[uid]).uid(uid).description(description).tags([TAG])
    built.readonly().time(time_from, "now").refresh(refresh).timezone("browser")
    built.tooltip(models.DashboardCursorSync.CROSSHAIR)
    built.variables(list(variables))
    menu = builders.DashboardLink("Tracing dashboards").type(models.DashboardLinkType.DASHBOARDS)
    menu.tags([TAG]).as_dropdown(True).include_vars(True).keep_time(True)
    built.links([menu, *(_bar_link(link) for link in links)])
    result = built.build()
    result.panels = _placed(sections)
    return result


def as_json(built: Dashboard) -> str:
    """Return a dashboard as Grafana's JSON, the same on each run.

    Line breaks would make the object a third larger, and the JSON module five times slower.
    """
    return json.dumps(built, cls=JSONEncoder, sort_keys=True, separators=(",", ":"))


def _bar_link(link: Link) -> builders.DashboardLink:
    kind = builders.DashboardLink(link.title).type(models.DashboardLinkType.LINK)
    return kind.icon("external link").url(link.url)


def _placed(sections: Sequence[Section]) -> list[models.Panel | models.RowPanel]:
    """Return rows and panels with their positions, and ids that stay as long as the order does."""
    placed: list[models.Panel | models.RowPanel] = []
    y, next_id = 0, 1
    for part in sections:
        row = models.RowPanel(
            title=part.title,
            collapsed=part.collapsed,
            id_val=next_id,
            grid_pos=models.GridPos(h=1, w=COLUMNS, x=0, y=y),
            panels=[],
        )
        placed.append(row)
        y, next_id = y + 1, next_id + 1
        for one in part.lines:
            x = 0
            size = next(s for least, s in _VALUE_SIZES.items() if min(one.widths()) >= least)
            for builder, width in zip(one.panels, one.widths(), strict=True):
                panel = builder.build()
                panel.id_val = next_id
                if isinstance(panel.options, stat.Options):
                    text = common.VizTextDisplayOptions().value_size(size).title_size(_NAME_SIZE)
                    panel.options.text = text.build()
                panel.grid_pos = models.GridPos(h=one.height, w=width, x=x, y=y)
                (row.panels if part.collapsed else placed).append(panel)
                x, next_id = x + width, next_id + 1
            y += one.height
    return placed
