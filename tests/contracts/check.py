"""Compare what this stack writes with what the pinned charts and programs accept.

Helm ignores a value that a chart does not know, and Tempo refuses to start with a key that it does
not know: both mistakes are found here instead. ``record.py`` makes the contracts.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from components.tempo.settings import TempoSettings

HERE = Path(__file__).parent
COMPONENTS = HERE.parents[1] / "components"

#: Version of Tempo that the stack runs where a stack file names none.
TEMPO_VERSION: str = TempoSettings().image_tag


def contracts() -> dict[str, Path]:
    """Return the files of all contracts by their names."""
    return {file.stem: file for file in (*HERE.glob("*.json"), *COMPONENTS.glob("*/*.json"))}


@cache
def contract(name: str) -> dict[str, Any]:
    """Return the recorded contract ``<name>.json``.

    Args:
        name: program or chart and its version, for example ``alloy-1.11.1``.

    Raises:
        KeyError: nothing is recorded for that version.
    """
    return json.loads(contracts()[name].read_text())


def unknown_keys(chart: str, version: str, values: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of Helm values that a chart does not know.

    A key is known if values.yaml lists it, if it lies below an empty map or list, if a template
    reads it, something below it or something above it, or if it lies below a path that a template
    copies whole (then it is not the chart's key: check it against what it is copied to).

    Args:
        chart: name of the chart.
        version: its exact version.
        values: the values to install it with.
    """
    recorded = contract(f"{chart}-{version}")
    keys: dict[str, str] = recorded["keys"]
    read: list[str] = recorded["template_only"]
    open_paths = {p for p, kind in keys.items() if kind == "open"} | {*read, *recorded["verbatim"]}
    on_the_way = {p for r in [*read, *recorded["verbatim"]] for p in _prefixes(r)}

    def known(path: str) -> bool:
        return path in keys or path in on_the_way or not open_paths.isdisjoint(_prefixes(path))

    return _unknown(values, known)


def unknown_tempo_config(config: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of a Tempo configuration that Tempo does not know."""
    recorded = contract(f"tempo-config-{TEMPO_VERSION}")
    keys: dict[str, str] = recorded["keys"] | recorded["omitted"]
    open_paths = {p for p, kind in keys.items() if kind == "open"}

    def known(path: str) -> bool:
        return path in keys or not open_paths.isdisjoint(_prefixes(path))

    return _unknown(config, known)


def _prefixes(path: str) -> Iterator[str]:
    """Yield a dotted path and every path above it."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _unknown(tree: Mapping[str, Any], known: Callable[[str], bool], above: str = "") -> list[str]:
    """Return the highest unknown paths of a tree, in its order."""
    found: list[str] = []
    for key, value in tree.items():
        path = f"{above}.{key}" if above else str(key)
        if not known(path):
            found.append(path)
        elif isinstance(value, Mapping):
            found += _unknown(cast("Mapping[str, Any]", value), known, path)
    return found
