"""What a reviewer must see first: losses, refusals, protection, changes that need an order."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from plan.diff import markdown
from plan.diff.changes import Change, Operation
from plan.diff.environment import Environment
from plan.diff.losing import loss, sentence
from plan.diff.ordering import Warned, shown
from plan.diff.replacing import COMPONENTS
from plan.diff.values import MISSING


def losses(environment: Environment, docs: str) -> str:
    """Return replacements and deletions with what they lose; empty where there are none.

    Args:
        environment: the environment.
        docs: where docs/ is, for links.
    """
    found = [c for c in environment.changes if c.operation in (Operation.REPLACE, Operation.DELETE)]
    if not found:
        return ""
    grave = [c for c in found if _holds_data(c)]
    rest = [c for c in found if c not in grave and not c.type.startswith(COMPONENTS)]
    return markdown.quoted(
        "CAUTION",
        markdown.paragraphs(
            [
                f"**{_headline(found)}**",
                "\n".join(_loss(change, docs) for change in grave),
                "\n".join(_together(rest)),
                _moved(environment.changes),
            ]
        ),
    )


def _moved(changes: Sequence[Change]) -> str:
    """Say where what is deleted is also created: by its type and name it is the same thing."""
    made = {(c.type, c.name) for c in changes if c.operation is Operation.CREATE}
    gone = [c for c in changes if c.operation is Operation.DELETE and (c.type, c.name) in made]
    if not gone:
        return ""
    them = markdown.counted(len(gone), "deleted resource")
    stand = "stands" if len(gone) == 1 else "stand"
    return (
        f"**{them} also {stand} among the created ones**, with the same type and name, but below "
        "another component: to Pulumi, that is another. `aliases` in the code would keep it."
    )


def _holds_data(change: Change) -> bool:
    found = loss(change)
    return found is None or found.data


def _headline(found: Sequence[Change]) -> str:
    counts = (
        (sum(c.operation is Operation.REPLACE for c in found), "replaced"),
        (sum(c.operation is Operation.DELETE for c in found), "deleted"),
    )
    said = " and ".join(f"{markdown.counted(n, 'resource')} {verb}" for n, verb in counts if n)
    refused = sum(c.refused for c in found)
    if refused:
        whom = "all of them" if refused == len(found) else f"{refused} of them"
        return f"{said}; `up` refuses {whom}, because they are protected."
    return f"{said}."


def _loss(change: Change, docs: str) -> str:
    what = f"{change.kind} {markdown.code(change.name)}"
    verb = "is replaced" if change.operation is Operation.REPLACE else "is deleted"
    said = [f"**{what}** {verb}{_why(change)}.", f"What is lost: {sentence(change)}"]
    if change.refused:
        said.append("It is protected: preview and `up` fail.")
    elif change.kept:
        said.append("It is no longer Pulumi's, but stays where it is.")
    found = loss(change)
    if found and found.section:
        said.append(f"[What to do]({docs}/{found.section})")
    return f"- {' '.join(said)}"


def _why(change: Change) -> str:
    causes = [d for d in change.because if d in change.differences]
    if not causes:
        return " with its provider" if change.because else ""
    said = [
        f"{markdown.code(d.name)} changes from {markdown.value(d.before)} "
        f"to {markdown.value(d.after)}"
        for d in causes
    ]
    return f": {' and '.join(said)}"


def _together(found: Sequence[Change]) -> Iterator[str]:
    """Yield one line for all resources of a kind with which no data goes."""

    def key(change: Change) -> tuple[str, str]:
        return change.operation.value, change.type

    for _, group in groupby(sorted(found, key=key), key):
        same = list(group)
        names = ", ".join(markdown.code(c.name) for c in same)
        verb = "replaced" if same[0].operation is Operation.REPLACE else "deleted"
        yield f"- {same[0].kind} {verb}: {names}. {sentence(same[0])}"


def protection(environment: Environment) -> str:
    """Return whose protection changes; Pulumi itself reports no change for it."""
    if not environment.protection:
        return ""
    said: dict[str, list[str]] = {}
    for name, how in environment.protection:
        said.setdefault(how, []).append(markdown.code(name))
    lines = [f"**{how.capitalize()}**: {', '.join(names)}." for how, names in said.items()]
    lines.append("Pulumi reports no change for this; what is not protected can be deleted.")
    return markdown.quoted("WARNING", "\n".join(lines))


def orders(environment: Environment, docs: str) -> str:
    """Return what needs an order, each with a link to its steps."""
    if not environment.orders:
        return ""
    lines = ["**Needs an order, or a step by hand:**", ""]
    # Several facts may say the same.
    by_text: dict[tuple[str, str], list[Warned]] = {}
    for found in environment.orders:
        by_text.setdefault((found.order.says, found.order.section), []).append(found)
    for (says, section), same in by_text.items():
        facts = "; ".join(_fact(found) for found in same)
        lines.append(f"- {facts}. {says} [What to do]({docs}/{section})")
    return markdown.quoted("WARNING", "\n".join(lines))


def _fact(found: Warned) -> str:
    before, after = shown(found)
    if before is MISSING:
        return f"{markdown.code(found.fact)} changes"
    return f"{markdown.code(found.fact)} {markdown.value(before)} → {markdown.value(after)}"


def policies(environment: Environment) -> str:
    """Return the policies that are violated from now on, and those that no longer are."""
    lines: list[str] = []
    for violation in environment.violations:
        resource = markdown.code(violation["urn"].rsplit("::", 1)[-1])
        rule = f"{markdown.code(violation['policy'])} ({violation['level']})"
        lines.append(f"- {rule} at {resource}: {violation['message']}. {violation['fix']}")
    if lines:
        lines = ["**Violates policies from now on:**", "", *lines]
    if environment.mended:
        rules = ", ".join(dict.fromkeys(markdown.code(v["policy"]) for v in environment.mended))
        lines += [*([""] if lines else []), f"No longer violated: {rules}."]
    if not lines:
        return ""
    return markdown.quoted("WARNING" if environment.violations else "NOTE", "\n".join(lines))


def notices(environment: Environment) -> str:
    """Return what a preview warns of from now on."""
    if not environment.warnings:
        return ""
    lines = ["**A preview warns from now on:**", "", *(f"- {w}" for w in environment.warnings)]
    return markdown.quoted("NOTE", "\n".join(lines))
