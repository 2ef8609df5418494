"""Alerts and recording rules by their names."""

from collections.abc import Mapping
from typing import Any

from plan.diff import markdown
from plan.diff.parts import Part, properties
from plan.diff.values import differences


def rules(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Part:
    """Return what differs between two sets of rule groups.

    Args:
        name: name of the object or file that holds them.
        before: the groups as Prometheus reads them.
        after: the same.
    """
    left, right = _rules(before), _rules(after)
    lines: list[str] = []
    body: list[str] = []
    for key in dict.fromkeys([*left, *right]):
        if key not in left:
            lines.append(f"- new {_told(right[key])}")
        elif key not in right:
            lines.append(f"- {_told(left[key])} goes")
        else:
            found = list(differences(left[key], right[key]))
            if found:
                body.append(f"{_told(right[key], capital=True)}:\n\n{properties(found)}")
    groups = list(differences(_groups(before), _groups(after)))
    if groups:
        body.append(f"Rule groups:\n\n{properties(groups)}")
    return Part(
        title=f"Rules in {name}: {_summary(lines, body)}",
        body=markdown.paragraphs(["\n".join(lines), *body]),
    )


def _summary(lines: list[str], body: list[str]) -> str:
    new = sum(line.startswith("- new ") for line in lines)
    counts = ((len(body), "changed"), (new, "new"), (len(lines) - new, "gone"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _rules(document: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return rules by what tells them apart: group, name and place among those of that name."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for group in document.get("groups", []):
        for rule in group["rules"]:
            key = (group["name"], str(rule.get("alert") or rule.get("record")))
            number = sum(1 for k in found if k[:2] == key)
            found[*key, str(number)] = {**rule, "group": group["name"]}
    return found


def _groups(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the groups have beside their rules."""
    return {
        g["name"]: {k: v for k, v in g.items() if k not in ("rules", "name")}
        for g in document.get("groups", [])
    }


def _told(rule: Mapping[str, Any], *, capital: bool = False) -> str:
    kind = "alert" if "alert" in rule else "recording rule"
    name = markdown.code(str(rule.get("alert") or rule.get("record")))
    severity = rule.get("labels", {}).get("severity")
    grade = f", {severity}" if severity else ""
    kind = kind.capitalize() if capital else kind
    return f"{kind} {name} (group {markdown.code(rule['group'])}{grade})"
