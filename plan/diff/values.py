"""Finds where two values differ, by path: lists by name of their items, and inside JSON strings."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: Stands for a value that one side lacks.
MISSING: Final = _Missing()

#: Keys that identify items of a list, the first that all of them have: Kubernetes and Helm,
#: Grafana's targets, S3 and IAM.
_IDENTITIES = ("name", "id", "uid", "refId", "Sid", "sid", "alert", "record")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference between two values.

    Attributes:
        path: keys from the top down; an item of a list is named in brackets.
        before: the old value, or MISSING.
        after: the new value, or MISSING.
    """

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The path as a string: `rules[expire].days`, `labels["a.b/c"]`."""
        text = ""
        for key in self.path:
            if key.startswith("["):
                text += key
            elif re.fullmatch(r"[\w:/ -]+", key):
                text += f".{key}" if text else key
            else:
                text += f"[{json.dumps(key, ensure_ascii=False)}]"
        return text


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:  # noqa: ANN401
    """Yield the differences of two values, in the order of their keys."""
    if _same(before, after):
        return
    old, new = _opened(before), _opened(after)
    inside = list(_inside(old, new, path))
    if inside:
        yield from inside
    else:
        # The same JSON can be written in two ways.
        yield Difference(path=path, before=before, after=after)


def _inside(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:  # noqa: ANN401
    """Yield the differences inside two lists or mappings."""
    if isinstance(old, dict) and isinstance(new, dict):
        left, right = cast(dict[str, Any], old), cast(dict[str, Any], new)
        for key in sorted({*left, *right}):
            yield from differences(left.get(key, MISSING), right.get(key, MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(cast(list[Any], old), cast(list[Any], new), path)
    elif isinstance(old, dict) and new is MISSING and old:
        for key, value in sorted(cast(dict[str, Any], old).items()):
            yield from differences(value, MISSING, (*path, key))
    elif isinstance(new, dict) and old is MISSING and new:
        for key, value in sorted(cast(dict[str, Any], new).items()):
            yield from differences(MISSING, value, (*path, key))


def _same(before: Any, after: Any) -> bool:  # noqa: ANN401
    if before != after or before is MISSING:
        return before is after
    # In Python, 1 equals true.
    return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def _opened(value: Any) -> Any:  # noqa: ANN401
    """Return the content of a JSON string, such as an IAM policy; any other value unchanged."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _of_lists(
    before: Sequence[Any], after: Sequence[Any], path: tuple[str, ...]
) -> Iterator[Difference]:
    identity = _identity([*before, *after])
    if identity:
        left = {item[identity]: item for item in before}
        right = {item[identity]: item for item in after}
        if len(left) == len(before) and len(right) == len(after):
            for name in dict.fromkeys([*left, *right]):
                place = (*path, f"[{name}]")
                yield from _of_items(left.get(name, MISSING), right.get(name, MISSING), place)
            return
    texts = [[json.dumps(i, sort_keys=True) for i in items] for items in (before, after)]
    matcher = difflib.SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        for offset in range(max(b - a, d - c)):
            old = before[a + offset] if a + offset < b else MISSING
            new = after[c + offset] if c + offset < d else MISSING
            place = (*path, f"[{(c if c + offset < d else a) + offset}]")
            yield from _of_items(old, new, place)


def _of_items(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[Difference]:  # noqa: ANN401
    """Yield the differences of two items; a new or deleted one is one difference."""
    if before is MISSING or after is MISSING:
        yield Difference(path=path, before=before, after=after)
    else:
        yield from differences(before, after, path)


def _identity(items: Sequence[Any]) -> str | None:
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    found = (key for key in _IDENTITIES if all(isinstance(i.get(key), str) for i in items))
    return next(found, None)
