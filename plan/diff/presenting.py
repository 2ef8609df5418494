"""Changes as a reviewer reads them: each kind of resource in its own way, the rest as a table."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from config.markdown import table
from plan.diff import markdown
from plan.diff.changes import Change, Operation
from plan.diff.kinds import RELEASE
from plan.diff.trees import Planned
from plan.diff.values import MISSING, Difference, differences
from plan.dumping import MASK, dump, load_yaml
from plan.write import CONFIG_MAP, PROMETHEUS_RULE

#: Lines of a body that stay open; a longer one is folded.
_OPEN = 16
#: Keys of the AWS provider and of the stack file whose values a report does not show.
_MASKED: Final = {"aws:accessKey", "aws:secretKey", "aws:token", "encryptedkey", "encryptionsalt"}
#: Where Alloy's chart takes its configuration from.
_ALLOY = ("values", "alloy", "configMap", "content")
#: Position and number of a panel: they change with every panel that is put before it.
_PLACE = ("gridPos", "id")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the report: a title in plain text, and Markdown."""

    title: str
    body: str

    def text(self) -> str:
        """Return the part, collapsed if it is long."""
        if len(self.body.splitlines()) > _OPEN:
            return markdown.folded(self.title, self.body)
        return f"**{self.title}**\n\n{self.body}"


def properties(found: Iterable[Difference], what: str = "property") -> str:
    """Return differences as a table, with `what` above the names; long ones follow as diffs."""
    every = list(found)
    long = [d for d in every if _is_long(d)]
    rows = [(d.name, d.before, d.after) for d in every if d not in long]
    return markdown.paragraphs([before_after(what, rows), *(_long(d) for d in long)])


def of_resources(found: Sequence[tuple[str, Difference]]) -> str:
    """Return differences, each with the name of its resource, like `properties`."""
    rows = [
        (name, d.name, markdown.value(d.before), markdown.value(d.after))
        for name, d in found
        if not _is_long(d)
    ]
    cells = [(*(markdown.code(c) for c in row[:2]), *row[2:]) for row in rows]
    head = ("resource", "property", "before", "after")
    long = [f"{markdown.code(name)}, {_long(d)}" for name, d in found if _is_long(d)]
    return markdown.paragraphs([table([head, *cells]) if cells else "", *long])


def before_after(what: str, rows: Sequence[tuple[str, Any, Any]]) -> str:
    """Return a table of names with old and new values; empty if there are none."""
    if not rows:
        return ""
    cells = [(markdown.code(n), markdown.value(b), markdown.value(a)) for n, b, a in rows]
    return table([(what, "before", "after"), *cells])


def _is_long(difference: Difference) -> bool:
    return any(
        v is not MISSING and markdown.is_long(v) for v in (difference.before, difference.after)
    )


def _long(difference: Difference) -> str:
    before, after = (_lines(v) for v in (difference.before, difference.after))
    name = markdown.code(difference.name)
    if difference.before is MISSING:
        return f"{name} is new:\n\n{markdown.diff('', after)}"
    if difference.after is MISSING:
        return f"{name} goes:\n\n{markdown.diff(before, '')}"
    return f"{name}:\n\n{markdown.diff(before, after)}"


def _lines(given: Any) -> str:  # noqa: ANN401
    if given is MISSING:
        return ""
    return given if isinstance(given, str) else dump(given)


def settings(before: Planned, after: Planned) -> Iterator[Part]:
    """Yield the part about settings, if any changes."""
    written = list(_written(before, after))
    # Each changed setting, and with it all settings of its group.
    keys = tuple(d.name.partition(":")[2].replace("[", ".[") + "." for d in written)
    followed = [
        d
        for d in differences(before.settings, after.settings)
        # A setting that only one side's code has is not a changed value.
        if MISSING not in (d.before, d.after)
        and not f"{d.name.replace('[', '.[')}.".startswith(keys)
    ]
    if written or followed:
        title = f"Settings in Pulumi.{after.stack}.yaml"
        follow = "Settings that follow from these, or whose default is another now:"
        both = [properties(written, "setting"), properties(followed, "setting")]
        body = markdown.paragraphs([both[0], follow if all(both) else "", both[1]])
        yield Part(title=title if written else "Settings whose default is another now", body=body)


def _written(before: Planned, after: Planned) -> Iterator[Difference]:
    """Yield the differences of two stack files by key as written, secrets masked."""
    for found in differences(_flat(before.stack_file), _flat(after.stack_file)):
        encrypted = "secure" in found.path or found.path[0] in _MASKED
        sides = [
            v if v is MISSING else MASK if encrypted else _masked(v)
            for v in (found.before, found.after)
        ]
        path = tuple(key for key in found.path if key != "secure")
        yield Difference(path=path, before=sides[0], after=sides[1])


def _masked(value: Any) -> Any:  # noqa: ANN401
    """Return a value with the encrypted parts masked."""
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        return MASK if set(mapping) == {"secure"} else {k: _masked(v) for k, v in mapping.items()}
    if isinstance(value, list):
        return [_masked(v) for v in cast(list[Any], value)]
    return value


def _flat(stack_file: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the keys below `config` together with the other keys of the file."""
    document = cast(dict[str, Any], dict(stack_file))
    config: Any = document.pop("config", None)
    return {**document, **cast(dict[str, Any], config if isinstance(config, dict) else {})}


def parts(changes: Iterable[Change]) -> Iterator[Part]:
    """Yield the changes in updated and replaced resources.

    First Helm values and Alloy's configuration, then rules and dashboards, then all other
    properties in one table.
    """
    every = list(changes)
    rest: list[tuple[str, Difference]] = []
    for change in every:
        if change.type == RELEASE:
            yield from _release(change)
    for change in every:
        if change.type == PROMETHEUS_RULE:
            if change.before["spec"] != change.after["spec"]:
                name = str(change.after["metadata"]["name"])
                yield _rules(name, change.before["spec"], change.after["spec"])
        elif change.type == CONFIG_MAP:
            yield from _config_map(change)
        rest += [(change.name, d) for d in change.differences if not _is_shown(change, d)]
    if rest:
        resources = markdown.counted(len({name for name, _ in rest}), "resource")
        yield Part(title=f"Properties of {resources}", body=of_resources(rest))


def _is_shown(change: Change, found: Difference) -> bool:
    """Whether `parts` shows a difference elsewhere than in the table."""
    if change.type == CONFIG_MAP:
        # A new or deleted file is shown as a property.
        both = [side.get("data", {}) for side in (change.before, change.after)]
        return found.path[0] == "data" and all(found.path[1] in files for files in both)
    return found.path[0] == {RELEASE: "values", PROMETHEUS_RULE: "spec"}.get(change.type)


def whole(change: Change) -> Part:
    """Return a created or deleted resource with all its inputs."""
    comes = change.operation is Operation.CREATE
    held = change.after if comes else change.before
    verb = "is created" if comes else "goes"
    return Part(
        title=f"{change.kind} {change.name} {verb}", body=markdown.fence(dump(dict(held)), "yaml")
    )


def _release(change: Change) -> Iterator[Part]:
    name = str(change.after["name"])
    values = [d for d in change.differences if d.path[0] == "values" and d.path != _ALLOY]
    if values:
        shorter = [Difference(path=d.path[1:], before=d.before, after=d.after) for d in values]
        yield Part(
            title=f"Helm values of {name}: {len(values)} changed", body=properties(shorter, "value")
        )
    for found in (d for d in change.differences if d.path == _ALLOY):
        texts = ["" if v is MISSING else str(v) for v in (found.before, found.after)]
        yield Part(title=f"Alloy's configuration, {name}.alloy", body=markdown.diff(*texts))


def _config_map(change: Change) -> Iterator[Part]:
    before: Mapping[str, str] = change.before.get("data", {})
    for name, text in change.after.get("data", {}).items():
        if before.get(name, text) == text:
            continue
        if name.endswith(".json"):
            yield from _dashboard(name, json.loads(before[name]), json.loads(text))
            continue
        old, new = load_yaml(before[name]), load_yaml(text)
        if "groups" in new:
            yield _rules(name, old, new)
        else:
            yield Part(title=f"Datasources in {name}", body=properties(differences(old, new)))


def _dashboard(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Part]:
    """Yield what differs between two versions of a dashboard, if anything visible does."""
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
            before, after = (_without(side[title], *_PLACE, "panels") for side in (left, right))
            if found := list(differences(before, after)):
                body.append(f"In {panel}:\n\n{properties(found)}")
    if rest := list(differences(_without(old, "panels"), _without(new, "panels"))):
        body.append(f"On the dashboard itself:\n\n{properties(rest)}")
    if not said and not body and _places(left) != _places(right):
        said.append("- panels stand elsewhere; their content is the same")
    if said or body:
        text = markdown.paragraphs(["\n".join(said), *body])
        yield Part(title=f"Dashboard “{new.get('title', name)}”", body=text)


def _panels(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all panels with unique titles, including those in rows."""
    seen: dict[str, int] = {}
    for panel in _all(dashboard):
        title = str(panel.get("title") or panel["type"])
        seen[title] = seen.get(title, 0) + 1
        yield title if seen[title] == 1 else f"{title} ({seen[title]})", panel


def _all(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in holder.get("panels", []):
        yield panel
        yield from _all(panel)


def _without(mapping: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k not in keys}


def _places(panels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {title: [panel.get(key) for key in _PLACE] for title, panel in panels.items()}


def _rules(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Part:
    """Return what differs between the rule groups of an object or file."""
    left, right = _by_name(before), _by_name(after)
    new = [f"- new {_rule(rule)}" for key, rule in right.items() if key not in left]
    gone = [f"- {_rule(rule)} goes" for key, rule in left.items() if key not in right]
    # Rules by what differs in them: often it is the same in many.
    changed: dict[str, list[str]] = {}
    for key in (k for k in right if k in left):
        found = list(differences(left[key], right[key]))
        if found:
            changed.setdefault(properties(found), []).append(_rule(right[key]))
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
    """Return the beginning of a sentence about rules."""
    if len(rules) == 1:
        return f"In {rules[0]}"
    return f"In {len(rules)} rules:\n\n" + "\n".join(f"- {rule}" for rule in rules) + "\n\nthe same"


def _by_name(document: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return rules by group, name and position among those of the same name."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for group in document.get("groups", []):
        for rule in group["rules"]:
            key = (group["name"], str(rule.get("alert") or rule.get("record")))
            number = sum(1 for k in found if k[:2] == key)
            found[*key, str(number)] = {**rule, "group": group["name"]}
    return found


def _groups(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups without their rules."""
    return {g["name"]: _without(g, "rules", "name") for g in document.get("groups", [])}


def _rule(rule: Mapping[str, Any]) -> str:
    kind = "alert" if "alert" in rule else "recording rule"
    name = markdown.code(str(rule.get("alert") or rule.get("record")))
    severity = rule.get("labels", {}).get("severity")
    grade = f", {severity}" if severity else ""
    return f"{kind} {name} (group {markdown.code(rule['group'])}{grade})"
