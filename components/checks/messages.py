"""Turns pydantic's errors into problems, worded with the keys and types of the stack file."""

import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..core.base import EXPLAINED
from ..core.on_change import OnChange
from ..core.problem import Problem, letters, looks_secret, nearest_name, problem
from ..core.texts import Text
from ..settings import TracingSettings

Path = tuple[int | str, ...]

#: Keys of the passwords and tokens in a stack file, each with its backend in `backends`. They are
#: outside the groups because Pulumi hands out a secret inside an object in plain text.
SECRETS = {"metricsPassword": "metrics", "logsPassword": "logs", "profilesPassword": "profiles"}
#: Keys of earlier releases, with the keys that replace them.
_MOVED = {
    **{f"grafana.{name}": f"backends.{name}" for name in ("metrics", "logs", "profiles")},
    **{
        f"{system}.priorityClass": f"{system}.placement.priorityClass"
        for system in ("tempo", "alloy", "beyla", "operator")
    },
}
#: Last part of pydantic's path to a key of a mapping.
_A_KEY = "[key]"


def path_of(detail: ErrorDetails) -> Path:
    """Return the path of the value that an error is about, or of the value under a wrong key."""
    path = detail["loc"]
    return path[:-1] if path[-1:] == (_A_KEY,) else path


def key_of(path: Path) -> str:
    """Return a path as it is written in a stack file: ``("a", "b", 0)`` is ``a.b[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def problem_of(detail: ErrorDetails, settings: type[BaseModel] = TracingSettings) -> Problem:
    """Return one of pydantic's errors as a problem of the model that was validated."""
    path = path_of(detail)
    key, value, kind = key_of(path), detail["input"], detail["type"]
    if key in _MOVED:
        # Without its value, which may contain a password.
        return Problem(key=key, message=f"has moved: move its value to {_MOVED[key]}")
    if kind == "extra_forbidden":
        return problem(key, value, _unknown(path, settings))
    if path != detail["loc"]:
        # The value under the key isn't wrong, and isn't in the error.
        wrong = (
            detail["msg"]
            if kind == EXPLAINED
            else f"the key must be {_kind_at(path, True, settings)}"
        )
        return Problem(key=key, message=wrong)
    if kind == EXPLAINED:
        return problem(key, value, detail["msg"])
    wanted = _kind_at(path, False, settings)
    if kind == "missing":
        about = _description(path, settings) if wanted == "a string" else ""
        return Problem(key=key, message=f"is missing: it must be {wanted}{about}")
    if kind in ("too_long", "too_short"):
        most = kind == "too_long"
        bound = (detail.get("ctx") or {}).get("max_length" if most else "min_length")
        wanted = f"{wanted}, with {'at most' if most else 'at least'} {bound} entries"
    if isinstance(value, int | float) and "string" in kind and "in quotes" not in wanted:
        wanted = f"{wanted}. Put the value in quotes"
    return problem(key, value, f"must be {wanted}")


def _unknown(path: Path, settings: type[BaseModel]) -> str:
    """Return what to say of an unknown key."""
    key = key_of(path)
    if looks_secret(key):
        in_group = [s for s, backend in SECRETS.items() if backend in path[:-1]]
        by_name = [s for s, backend in SECRETS.items() if backend in str(path[-1]).lower()]
        for secret in in_group or by_name:
            return (
                f"is not a setting: the password or token of backends.{SECRETS[secret]} is an "
                f"encrypted key. Remove this key and run `pulumi config set --secret "
                f"tracing:{secret}`"
            )
        return (
            "is not a setting, and would be stored in plain text: remove it. The encrypted keys "
            f"are {', '.join(f'tracing:{secret}' for secret in SECRETS)}"
        )
    if near := nearest(path, settings):
        return f"unknown key; did you mean {near}?"
    group = key_of(path[:-1])
    of_group = f" of {group}" if group else ""
    return f"unknown key; the keys{of_group} are {', '.join(_siblings(path, settings))}"


def nearest(path: Path, settings: type[BaseModel] = TracingSettings) -> str | None:
    """Return the key that was probably meant by an unknown one; None if no key is near.

    It is in the same group: a key of the same name elsewhere usually means something else.
    """
    *parents, last = path
    if near := nearest_name(str(last), _siblings(path, settings)):
        return key_of((*parents, near))
    model = _walk(path[:-1], settings)[1]
    below = [
        key
        for key in (all_keys(model) if model else ())
        if letters(key.rpartition(".")[2]) == letters(last)
    ]
    return key_of((*parents, below[0])) if len(below) == 1 else None


def all_keys(model: type[BaseModel] = TracingSettings, prefix: str = "") -> Iterator[str]:
    """Yield every key that a stack file may have, with the groups, without entries of lists."""
    for key, _ in all_fields(model, prefix):
        yield key


def all_fields(
    model: type[BaseModel] = TracingSettings, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every field by its key, with the groups, without entries of lists."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field
        inner = inner_model(field)
        if inner:
            yield from all_fields(inner, f"{key}.")


def on_changes() -> Iterator[tuple[str, OnChange]]:
    """Yield the settings whose change has a consequence that a preview doesn't show."""
    for key, field in all_fields():
        yield from ((key, found) for found in field.metadata if isinstance(found, OnChange))


def _siblings(path: Path, settings: type[BaseModel]) -> list[str]:
    model = _walk(path[:-1], settings)[1]
    return keys_of(model) if model else []


def _walk(path: Path, settings: type[BaseModel]) -> tuple[Any, type[BaseModel] | None]:
    """Follow a path; return the annotated type of the value there, and its model if it has one."""
    found: Any = settings
    for part in path:
        bare, _ = _unwrapped(found)
        if model := _model(bare):
            field = _field(model, part)
            found = _annotated(field) if field else None
        elif get_origin(bare) in (list, dict):
            found = get_args(bare)[-1]
        else:
            return None, None
    return found, _model(found)


def _field(model: type[BaseModel], key: int | str) -> FieldInfo | None:
    """Return the field of a model by its key in a stack file."""
    return next((f for n, f in model.model_fields.items() if (f.alias or n) == key), None)


def _annotated(field: FieldInfo) -> Any:  # noqa: ANN401
    """Return the annotation of a field with the metadata that pydantic takes out of it."""
    metadata = tuple(field.metadata)
    return Annotated[(field.annotation, *metadata)] if metadata else field.annotation


def _unwrapped(annotation: Any, metadata: tuple[Any, ...] = ()) -> tuple[Any, tuple[Any, ...]]:  # noqa: ANN401
    """Return an annotation without ``| None`` and ``Annotated``, and all of its metadata."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _unwrapped(inner, (*metadata, *more))
    if get_origin(annotation) in (Union, types.UnionType):
        one = next(a for a in get_args(annotation) if a is not type(None))
        return _unwrapped(one, metadata)
    return annotation, metadata


def _kind_at(path: Path, a_key: bool, settings: type[BaseModel]) -> str:
    """Return what a value must be, or the key of a mapping."""
    if a_key:
        bare, _ = _unwrapped(_walk(path[:-1], settings)[0])
        return _kind(get_args(bare)[0])
    return _kind(_walk(path, settings)[0])


def _description(path: Path, settings: type[BaseModel]) -> str:
    """Return the description of a field in parentheses; arguments of components have no types."""
    model = _walk(path[:-1], settings)[1]
    field = _field(model, path[-1]) if model else None
    text = (field.description if field else None) or ""
    return f" ({' '.join(text.split()).rstrip('.')})" if text else ""


def kind_of(field: FieldInfo) -> str:
    """Return what the value of a field must be, with bounds and an example, to follow "must be"."""
    return _kind(_annotated(field))


def _kind(annotation: Any) -> str:  # noqa: ANN401
    bare, metadata = _unwrapped(annotation)
    if text := text_in(metadata):
        return str(text)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return f"one of {', '.join(str(member.value) for member in bare)}"
    if bare is bool:
        return "true or false"
    if bare in (int, float):
        return _number("an integer" if bare is int else "a number", metadata)
    if model := _model(bare):
        return f"a mapping with the keys {', '.join(keys_of(model))}"
    if get_origin(bare) is list:
        (entry,) = get_args(bare)
        if model := _model(entry):
            return f"a list of mappings with the keys {', '.join(keys_of(model))}"
        return f"a list, each entry {_kind(entry)}"
    if get_origin(bare) is dict:
        key, value = get_args(bare)
        if value is Any:
            return "a mapping of any values"
        return f"a mapping, each key {_kind(key)}, and each value {_kind(value)}"
    return "a string"


def _number(kind: str, metadata: tuple[Any, ...]) -> str:
    low = next((m.ge for m in metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in metadata if isinstance(m, annotated_types.Le)), None)
    above = next((m.gt for m in metadata if isinstance(m, annotated_types.Gt)), None)
    if above is not None:
        return f"{kind} above {above}" + (f", up to {high}" if high is not None else "")
    if low is None:
        return kind
    return f"{kind} from {low} to {high}" if high is not None else f"{kind}, {low} or more"


def text_in(metadata: tuple[Any, ...]) -> Text | None:
    """Return the description of a string in its metadata."""
    return next((m for m in metadata if isinstance(m, Text)), None)


def texts_of(field: FieldInfo) -> Iterator[Text]:
    """Yield the descriptions of a string, of the entries of a list, or of keys and values."""
    held = [_annotated(field)]
    while held:
        bare, metadata = _unwrapped(held.pop())
        if text := text_in(metadata):
            yield text
        held += get_args(bare)


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a group, as written in a stack file."""
    return [f.alias or n for n, f in model.model_fields.items()]


def _model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    bare, _ = _unwrapped(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def inner_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that holds a group."""
    return _model(field.annotation)


def entry_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of the entries of a field that holds a list of mappings."""
    bare, _ = _unwrapped(field.annotation)
    return _model(get_args(bare)[0]) if get_origin(bare) is list else None
