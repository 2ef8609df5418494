"""The report of a plan diff as Markdown: short enough for a comment, or with everything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from config.markdown import table
from plan.diff import MARKER, effects, markdown, presenting
from plan.diff.changes import Change, Operation, kind
from plan.diff.environment import Environment, made
from plan.diff.kinds import COMPONENTS
from plan.diff.ordering import Warned, shown
from plan.diff.presenting import Part, before_after
from plan.diff.trees import Commits
from plan.diff.values import MISSING

#: Characters of a report: a comment on GitHub takes 65,536, and a workflow adds lines to it.
LIMIT = 60_000
#: Characters from which a part that another environment has too is shown once.
_TOLD_ONCE = 200
_FULL = "`build/plan-diff/full.md`, an artefact of the run"


#: Text of a piece of the report, and its name in the note that it was left out; empty for a piece
#: that always stays.
_Block = tuple[str, str]


def report(
    environments: Sequence[Environment],
    commits: Commits,
    *,
    docs: str,
    notes: Sequence[str] = (),
    limit: int | None = LIMIT,
) -> str:
    """Return the report.

    `docs` is where docs/ is, for links: a URL, or a path from the report. Without a limit of
    characters, the report also holds all of what comes and goes.
    """
    head = [
        MARKER,
        "## What this change does to each environment",
        _compared(commits),
        *(markdown.quoted("NOTE", note) for note in _notes(commits, notes)),
        _table(environments),
        _same(environments),
    ]
    blocks = [(text, "") for text in head]
    told: dict[str, str] = {}
    for environment in environments:
        if not environment.is_same:
            blocks += _section(environment, docs, told, everything=limit is None)
    more = "" if limit is None else f" Everything: {_FULL}."
    blocks.append((f"How to read this: [reviewing.md]({docs}/reviewing.md).{more}", ""))
    return markdown.paragraphs(_fitting(blocks, limit)) + "\n"


def _compared(commits: Commits) -> str:
    changed = ", with changes that are not committed" if commits.changed else ""
    return (
        f"From {markdown.code(commits.base)} ({commits.base_commit}) to the working tree "
        f"({commits.head_commit}{changed}), each planned by its own code."
    )


def _notes(commits: Commits, notes: Sequence[str]) -> Iterator[str]:
    if commits.missing:
        commit = markdown.counted(commits.missing, "commit")
        yield (
            f"{markdown.code(commits.base)} has {commit} that the working tree does not have: what "
            "they do is shown here as if it were undone. Merge or rebase first."
        )
    yield from notes


def _table(environments: Sequence[Environment]) -> str:
    differing = [e for e in environments if not e.is_same]
    costs = {e.stack: effects.monthly(e.before, e.after) for e in differing}
    counted = ("created", "updated", "replaced", "deleted")
    cost = ("per month",) if any(costs.values()) else ()
    rows: list[tuple[str, ...]] = [("environment", *counted, *cost, "look at first")]
    for e in differing:
        counts = [e.count(operation) for operation in Operation]
        if e.before is None and e.after is not None and not e.error:
            counts[0] = len(made(e.after))
        compared = e.is_compared or (e.before is None and not e.error)
        cells = [str(count) if count else "-" for count in counts] if compared else ["?"] * 4
        month = (costs[e.stack] or "unknown",) if cost else ()
        rows.append((f"**{e.stack}**", *cells, *month, _first(e)))
    return table(rows) if len(rows) > 1 else ""


def _first(e: Environment) -> str:
    if not e.is_compared:
        return f"**{e.state}**" if e.error or e.after is None else e.state
    refused = sum(c.refused for c in e.changes)
    said = (
        f"**`up` refuses {markdown.counted(refused, 'change')}**" if refused else "",
        "**no longer protected**" if "no longer protected" in dict(e.protection).values() else "",
        f"{markdown.counted(len(e.orders), 'change')} with an order" if e.orders else "",
        markdown.counted(len(e.violations), "policy violation") if e.violations else "",
        markdown.counted(len(e.warnings), "new warning") if e.warnings else "",
    )
    return ", ".join(s for s in said if s)


def _same(environments: Sequence[Environment]) -> str:
    same = [e.stack for e in environments if e.is_same]
    if not environments:
        return "There is no stack file on either side."
    return f"Nothing changes in {', '.join(same)}." if same else ""


def _section(
    e: Environment, docs: str, told: dict[str, str], *, everything: bool
) -> Iterator[_Block]:
    yield f"### {e.stack}", ""
    if not e.is_compared:
        yield from ((text, "") for text in _not_compared(e))
        return
    front = (_losses(e, docs), _protection(e), _orders(e, docs), _policies(e), _notices(e.warnings))
    yield from ((text, "") for text in front)
    for part in _parts(e, everything=everything):
        yield _block(part, e.stack, told)
    if not e.changes:
        yield "No resource changes.", ""


def _parts(e: Environment, *, everything: bool) -> Iterator[Part]:
    yield from e.settings
    if e.before and e.after:
        for found in (effects.capacity(e.before, e.after), effects.cost(e.before, e.after)):
            if found:
                yield found
    if e.exports:
        rows = [(d.name, d.before, d.after) for d in e.exports]
        yield Part(title="Exports, which other stacks read", body=before_after("export", rows))
    created = [c for c in e.changes if c.operation is Operation.CREATE]
    if created:
        lines = [f"- {c.kind} {markdown.code(c.name)}" for c in created]
        yield Part(title=f"Created: {_kinds([c.type for c in created])}", body="\n".join(lines))
    stays = (Operation.UPDATE, Operation.REPLACE)
    yield from presenting.parts(c for c in e.changes if c.operation in stays)
    yield from e.rendered
    if everything:
        yield from (presenting.whole(c) for c in e.changes if c.operation not in stays)


def _not_compared(e: Environment) -> Iterator[str]:
    if e.error:
        refusal = f"`make plan STACK={e.stack}` refuses this stack file:"
        yield f"{refusal}\n\n{markdown.fence(e.error, 'text')}"
    if e.after is None and e.before:
        number = len(made(e.before))
        count = f"the {markdown.counted(number, 'resource')} that" if number else "what"
        yield markdown.quoted(
            "CAUTION",
            f"The stack file is gone, the environment is not: nothing deletes {count} it made. To "
            f"remove them, run `make destroy STACK={e.stack}` on a commit that has the file.",
        )
    if e.base_error and e.after is not None:
        said = "The base can't plan this stack, so there is nothing to compare with. Its error:"
        yield f"{said}\n\n{markdown.fence(e.base_error, 'text')}"
    if e.before is None and e.after is not None and not e.error:
        every = made(e.after)
        count = markdown.counted(len(every), "resource")
        yield f"A new environment of {count}: {_kinds([str(r['type']) for r in every])}."
        yield _notices(e.after.warnings)
        yield f"`make plan STACK={e.stack}` shows all of it."


def _kinds(types: Sequence[str]) -> str:
    """Return how many there are of each kind of thing; components and providers are none."""
    own = (t for t in types if not t.startswith((COMPONENTS, "pulumi:providers:")))
    counts = Counter(kind(t) for t in own)
    return ", ".join(f"{number} {name}" for name, number in counts.most_common()) or "components"


def _block(part: Part, stack: str, told: dict[str, str]) -> _Block:
    """Return a part as a block; if another environment has the same part, a pointer to it."""
    if len(part.body) >= _TOLD_ONCE:
        if part.body in told:
            return f"**{part.title}**: the same as in {told[part.body]}.", ""
        told[part.body] = stack
    return part.text(), part.title


def _fitting(blocks: Sequence[_Block], limit: int | None) -> list[str]:
    """Return the texts, the longest parts left out until the rest fits."""
    texts = [text for text, _ in blocks]
    parts = [n for n, (_, title) in enumerate(blocks) if title]
    for n in sorted(parts, key=lambda n: -len(texts[n])):
        if limit is None or sum(len(text) + 2 for text in texts) <= limit:
            break
        lines = markdown.counted(len(texts[n].splitlines()), "line")
        texts[n] = f"**{blocks[n][1]}**: left out here, {lines}; see {_FULL}."
    return texts


def _losses(environment: Environment, docs: str) -> str:
    """Return replacements and deletions with what they lose; empty if there are none."""
    found = [c for c in environment.changes if c.operation in (Operation.REPLACE, Operation.DELETE)]
    if not found:
        return ""
    grave = [c for c in found if c.loss is None or c.loss.data]
    rest = [c for c in found if c not in grave and not c.type.startswith(COMPONENTS)]
    body = [
        f"**{_headline(found)}**",
        "\n".join(_loss(change, docs) for change in grave),
        "\n".join(_together(rest)),
        _moved(environment.changes),
    ]
    return markdown.quoted("CAUTION", markdown.paragraphs(body))


def _moved(changes: Sequence[Change]) -> str:
    """Return which deleted resources are also created: the same by type and name."""
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
    said = [f"**{what}** {verb}{_why(change)}.", f"What is lost: {change.lost}"]
    if change.refused:
        said.append("It is protected: preview and `up` fail.")
    elif change.kept:
        said.append("It is no longer Pulumi's, but stays where it is.")
    if change.loss and change.loss.section:
        said.append(f"[What to do]({docs}/{change.loss.section})")
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
        yield f"- {same[0].kind} {verb}: {names}. {same[0].lost}"


def _protection(environment: Environment) -> str:
    """Return whose protection changes; Pulumi itself reports no change for it."""
    if not environment.protection:
        return ""
    said: dict[str, list[str]] = {}
    for name, how in environment.protection:
        said.setdefault(how, []).append(markdown.code(name))
    lines = [f"**{how.capitalize()}**: {', '.join(names)}." for how, names in said.items()]
    lines.append("Pulumi reports no change for this; what is not protected can be deleted.")
    return markdown.quoted("WARNING", "\n".join(lines))


def _orders(environment: Environment, docs: str) -> str:
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


def _policies(environment: Environment) -> str:
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


def _notices(warnings: Sequence[str]) -> str:
    """Return the new warnings of a preview."""
    if not warnings:
        return ""
    lines = ["**A preview warns from now on:**", "", *(f"- {w}" for w in warnings)]
    return markdown.quoted("NOTE", "\n".join(lines))
