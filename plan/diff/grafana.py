"""Dashboards by panel."""

import json
from collections.abc import Iterator
from typing import Any

from plan.diff import markdown
from plan.diff.parts import Part, properties
from plan.diff.values import differences

#: Where a panel stands, and its number: they move with every panel that is put before it.
_PLACE = ("gridPos", "id")


def dashboard(name: str, before: str, after: str) -> Part | None:
    """Return what differs between two versions of a dashboard; None where nothing that shows does.

    Args:
        name: name of the file.
        before: the dashboard as JSON.
        after: the same.
    """
    old, new = json.loads(before), json.loads(after)
    left, right = dict(_panels(old)), dict(_panels(new))
    said: list[str] = []
    body: list[str] = []
    for title in dict.fromkeys([*left, *right]):
        panel = f"panel {markdown.code(title)}"
        if title not in left:
            said.append(f"- new {panel}")
        elif title not in right:
            said.append(f"- {panel} goes")
        else:
            found = list(differences(_content(left[title]), _content(right[title])))
            if found:
                body.append(f"In {panel}:\n\n{properties(found)}")
    rest = list(differences(_frame(old), _frame(new)))
    if rest:
        body.append(f"On the dashboard itself:\n\n{properties(rest)}")
    if not said and not body and _places(left) != _places(right):
        said.append("- panels stand elsewhere; their content is the same")
    if not said and not body:
        return None
    return Part(
        title=f"Dashboard “{new.get('title', name)}”",
        body=markdown.paragraphs(["\n".join(said), *body]),
    )


def datasources(name: str, before: Any, after: Any) -> Part:  # noqa: ANN401
    """Return what differs between two provisioning files of datasources."""
    return Part(title=f"Datasources in {name}", body=properties(differences(before, after)))


def _panels(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all panels with titles that are unique on the dashboard, those in rows included."""
    seen: dict[str, int] = {}
    for panel in _all(dashboard):
        title = str(panel.get("title") or panel["type"])
        seen[title] = seen.get(title, 0) + 1
        yield title if seen[title] == 1 else f"{title} ({seen[title]})", panel


def _all(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in holder.get("panels", []):
        yield panel
        yield from _all(panel)


def _content(panel: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in panel.items() if k not in (*_PLACE, "panels")}


def _frame(dashboard: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in dashboard.items() if k != "panels"}


def _places(panels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {title: [panel.get(key) for key in _PLACE] for title, panel in panels.items()}
