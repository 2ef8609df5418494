"""What changes in the stack file, and which other settings change with it."""

from collections.abc import Iterator
from typing import Any, Final, cast

from plan.diff.markdown import paragraphs
from plan.diff.parts import Part, properties
from plan.diff.planned import Planned
from plan.diff.values import MISSING, Difference, differences
from plan.dumping import MASK

#: Keys of the AWS provider and of the stack file that a report does not show the values of.
_MASKED: Final = {"aws:accessKey", "aws:secretKey", "aws:token", "encryptedkey", "encryptionsalt"}


def parts(before: Planned, after: Planned) -> Iterator[Part]:
    """Yield the part about settings, if any changes."""
    written = list(_written(before, after))
    keys = {d.name.partition(":")[2].replace("[", ".[") for d in written}
    followed = [
        d
        for d in differences(before.settings, after.settings)
        # A setting that one side's code does not know is no change of a value.
        if MISSING not in (d.before, d.after) and not _is_in(d.name.replace("[", ".["), keys)
    ]
    if written or followed:
        title = f"Settings in Pulumi.{after.stack}.yaml"
        follow = "Settings that follow from these, or whose default is another now:"
        body = paragraphs(
            [
                properties(written, "setting"),
                follow if followed and written else "",
                properties(followed, "setting"),
            ]
        )
        yield Part(title=title if written else "Settings whose default is another now", body=body)


def _is_in(name: str, keys: set[str]) -> bool:
    """Whether a setting, or the group that it is in, is one that changes in the file."""
    return any(name == key or name.startswith(f"{key}.") for key in keys)


def _written(before: Planned, after: Planned) -> Iterator[Difference]:
    """Yield the differences of two stack files, by keys as written there, secrets masked."""
    for found in differences(_flat(before.stack_file), _flat(after.stack_file)):
        encrypted = "secure" in found.path or found.path[0] in _MASKED
        sides = [
            v if v is MISSING else MASK if encrypted else _masked(v)
            for v in (found.before, found.after)
        ]
        path = tuple(key for key in found.path if key != "secure")
        yield Difference(path=path, before=sides[0], after=sides[1])


def _masked(value: Any) -> Any:  # noqa: ANN401
    """Return a value without what is encrypted in it."""
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        return MASK if set(mapping) == {"secure"} else {k: _masked(v) for k, v in mapping.items()}
    if isinstance(value, list):
        return [_masked(v) for v in cast(list[Any], value)]
    return value


def _flat(stack_file: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the keys below `config` beside those of the file itself."""
    document = cast(dict[str, Any], dict(stack_file))
    config: Any = document.pop("config", None)
    return {**document, **cast(dict[str, Any], config if isinstance(config, dict) else {})}
