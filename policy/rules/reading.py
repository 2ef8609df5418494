"""Reads inputs of any shape: a missing, unknown or unexpected value is empty, not an error."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from .rule import UNKNOWN, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
BEYLA = "beyla"


def mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """Return a mapping, or an empty one for anything else."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def items(value: Any) -> Sequence[Any]:  # noqa: ANN401
    """Return a list; a single value is a list of one, as in IAM, and None an empty list."""
    if value is None:
        return []
    return cast(list[Any], value) if isinstance(value, list) else [value]


def at(value: object, path: str, default: object = None) -> Any:  # noqa: ANN401
    """Return the value at a dotted path, or the default; everything below an unknown is unknown."""
    for key in path.split("."):
        if value == UNKNOWN:
            return UNKNOWN
        value = mapping(value).get(key)
    return default if value is None else value


def entries(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:  # noqa: ANN401
    """Yield path, key and value of every entry of every mapping in a value."""
    if isinstance(value, Mapping):
        for key, inner in mapping(value).items():
            here = f"{path}.{key}" if path else key
            yield here, key, inner
            yield from entries(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(items(value)):
            yield from entries(inner, f"{path}[{index}]")


def statements(document: object) -> list[Mapping[str, Any]]:
    """Return the statements of an IAM policy document; none if it is unknown."""
    try:
        read: object = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return []
    return [mapping(statement) for statement in items(mapping(read).get("Statement"))]


def chart(release: Resource) -> str:
    """Return the name of a release's chart, without repository or folder."""
    return str(release.inputs.get("chart", "")).rstrip("/").rsplit("/", 1)[-1]


def is_kind(resource: Resource, *kinds: str) -> bool:
    """Return whether a resource has one of some AWS types, such as `s3/bucketPolicy`.

    Some older types end in V2.
    """
    found = re.fullmatch(r"aws:([A-Za-z0-9]+/[A-Za-z0-9]+?)(V2)?:[A-Za-z0-9]+", resource.type)
    return found is not None and found[1] in kinds
