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
    new = [f"- new {_told(rule)}" for key, rule in right.items() if key not in left]
    gone = [f"- {_told(rule)} goes" for key, rule in left.items() if key not in right]
    #: Rules by what differs in them: often it is the same in many.
    changed: dict[str, list[str]] = {}
    for key in (k for k in right if k in left):
        found = list(differences(left[key], right[key]))
        if found:
            changed.setdefault(properties(found), []).append(_told(right[key]))
    body = [f"{_in(rules)}:\n\n{text}" for text, rules in changed.items()]
    groups = list(differences(_groups(before), _groups(after)))
    if groups:
        body.append(f"In the groups themselves:\n\n{properties(groups)}")
    counts = ((sum(map(len, changed.values())), "changed"), (len(new), "new"), (len(gone), "gone"))
    summary = ", ".join(f"{count} {word}" for count, word in counts if count)
    return Part(
        title=f"Rules in {name}{summary and f': {summary}'}",
        body=markdown.paragraphs(["\n".join([*new, *gone]), *body]),
    )


def _in(rules: list[str]) -> str:
    """Return the rules that have something in common, at the beginning of a sentence."""
    if len(rules) == 1:
        return f"In {rules[0]}"
    return f"In {len(rules)} rules:\n\n" + "\n".join(f"- {rule}" for rule in rules) + "\n\nthe same"


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


def _told(rule: Mapping[str, Any]) -> str:
    kind = "alert" if "alert" in rule else "recording rule"
    name = markdown.code(str(rule.get("alert") or rule.get("record")))
    severity = rule.get("labels", {}).get("severity")
    grade = f", {severity}" if severity else ""
    return f"{kind} {name} (group {markdown.code(rule['group'])}{grade})"
