"""The keys that the pinned charts and Tempo accept, as recorded by tests/contracts/record.py.

Helm ignores a value that a chart does not know, and Tempo refuses to start with a key that it does
not know: both mistakes are found here instead.
"""

import glob
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

_SYSTEMS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Contract:
    """The recorded keys of one chart or program.

    Attributes:
        name: name and version, for example `alloy 1.11.1`.
        kinds: kind of the default of each dotted key.
        anything: keys below which everything is accepted.
        above: the keys above those that are recorded by themselves.
    """

    name: str
    kinds: Mapping[str, str]
    anything: frozenset[str]
    above: frozenset[str]

    def unknown(self, tree: Mapping[str, Any], group: str = "") -> Iterator[str]:
        """Yield the highest unknown keys of a tree, in its order.

        Args:
            tree: the values.
            group: dotted key of the tree.
        """
        if group in self.anything:
            return
        for key, value in tree.items():
            path = f"{group}.{key}" if group else key
            # A key with a dot must not pass for a key of a group.
            first = path.removesuffix(key) + key.partition(".")[0]
            if not self._has(path) or (first != path and self._has(first)):
                yield path
            elif isinstance(value, Mapping):
                yield from self.unknown(cast("Mapping[str, Any]", value), path)

    def kind(self, path: str) -> str | None:
        """Return the kind of a key's default; None below a key that accepts everything."""
        return self.kinds.get(path) if self.anything.isdisjoint(prefixes(path)) else None

    def below(self, group: str) -> "Contract":
        """Return the contract of a group, with its keys without the group."""
        cut = f"{group}."

        def inner(keys: Iterable[str]) -> frozenset[str]:
            return frozenset(key.removeprefix(cut) for key in keys if key.startswith(cut))

        kinds = {k.removeprefix(cut): kind for k, kind in self.kinds.items() if k.startswith(cut)}
        return Contract(f"{group} of {self.name}", kinds, inner(self.anything), inner(self.above))

    def _has(self, path: str) -> bool:
        return path in self.kinds or path in self.anything or path in self.above

    def keys_of(self, group: str) -> list[str]:
        """Return the keys of a group, without the group."""
        prefix = f"{group}." if group else ""
        known = {*self.kinds, *self.anything, *self.above}
        return sorted(
            {k.removeprefix(prefix).partition(".")[0] for k in known if k.startswith(prefix)}
        )


def prefixes(path: str) -> Iterator[str]:
    """Yield a dotted key and every key above it."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def of_chart(name: str, version: str) -> Contract | None:
    """Return the contract of a chart; None for a version that is not recorded.

    A key is known if values.yaml lists it, or if a template reads it. Everything is accepted below
    an empty or null default, and below a key that a template reads or copies whole: what is copied
    are keys of Kubernetes or of the program.
    """
    return _recorded(name, version)


def of_tempo(version: str) -> Contract | None:
    """Return the contract of Tempo's configuration; None for a version that is not recorded."""
    return _recorded("tempo-config", version)


@cache
def _recorded(name: str, version: str) -> Contract | None:
    files = list(_SYSTEMS.glob(f"*/{glob.escape(f'{name}-{version}')}.json"))
    if not files:
        return None
    found: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
    kinds: dict[str, str] = {**found["keys"], **found.get("omitted", {})}
    alone: list[str] = [*found.get("template_only", ()), *found.get("verbatim", ())]
    return Contract(
        name=f"{name} {version}",
        kinds=kinds,
        anything=frozenset([*alone, *(k for k, kind in kinds.items() if kind in ("open", "null"))]),
        above=frozenset(above for key in alone for above in prefixes(key) if above != key),
    )
