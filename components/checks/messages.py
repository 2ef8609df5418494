"""From pydantic's errors to problems in the words of the stack file."""

import difflib
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..core.base import EXPLAINED
from ..core.on_change import OnChange
from ..core.texts import Text
from ..settings import TracingSettings
from . import Problem, problem

Path = tuple[int | str, ...]

#: Keys of earlier releases, with where their settings are now.
_MOVED = {f"grafana.{name}": f"backends.{name}" for name in ("metrics", "logs", "profiles")}


def key_of(path: Path) -> str:
    """Return a path as it is written in a stack file: ``("a", "b", 0)`` is ``a.b[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def problem_of(detail: ErrorDetails, settings: type[BaseModel] = TracingSettings) -> Problem:
    """Return one of pydantic's errors about some settings as a problem."""
    path = detail["loc"]
    key, value = key_of(path), detail["input"]
    if key in _MOVED:
        # Without its value, which may hold a password.
        return Problem(key=key, message=f"has moved to {_MOVED[key]}: move its keys there")
    if detail["type"] == "extra_forbidden":
        near = nearest(path, settings)
        hint = (
            f"did you mean {near}?"
            if near
            else f"known here: {', '.join(_siblings(path, settings))}"
        )
        return problem(key, value, f"unknown key; {hint}")
    if detail["type"] == EXPLAINED:
        return problem(key, value, detail["msg"])
    field = _field(path, settings)
    if detail["type"] == "missing":
        about = f": {_sentence(field)}" if field else ""
        return Problem(key=key, message=f"is missing{about}")
    wanted = kind_of(field) if field else detail["msg"]
    if field and isinstance(path[-1], int):
        entry, text = entry_model(field), text_of(field)
        wanted = _a_mapping(entry) if entry else str(text) if text else wanted
    if field and wanted in ("a text", *_KINDS.values()):
        wanted = f"{wanted}: {_sentence(field)}"
    if isinstance(value, int) and "string" in detail["type"]:
        wanted = f"{wanted}; put it in quotes"
    return problem(key, value, f"must be {wanted}")


def nearest(path: Path, settings: type[BaseModel] = TracingSettings) -> str | None:
    """Return the valid key that somebody most likely meant by an unknown one."""
    *parents, last = path
    name = str(last)
    siblings = _siblings(path, settings)
    if to_camel(name) in siblings:
        return key_of((*parents, to_camel(name)))
    close = difflib.get_close_matches(name, siblings, n=1, cutoff=0.7)
    if close:
        return key_of((*parents, close[0]))
    # The right name in the wrong place, or nearly so.
    everywhere = {key: key.rsplit(".", 1)[-1] for key in all_keys(settings)}
    elsewhere = [key for key, leaf in everywhere.items() if leaf in (name, to_camel(name))]
    if len(elsewhere) == 1:
        return elsewhere[0]
    close = difflib.get_close_matches(name, siblings, n=1, cutoff=0.5)
    return key_of((*parents, close[0])) if close else None


def all_keys(model: type[BaseModel] = TracingSettings, prefix: str = "") -> Iterator[str]:
    """Yield every key that a stack file may have, groups included; entries of lists have none."""
    for key, _ in all_fields(model, prefix):
        yield key


def all_fields(
    model: type[BaseModel] = TracingSettings, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every field by its key, groups included; entries of lists have none."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field
        inner = inner_model(field)
        if inner:
            yield from all_fields(inner, f"{key}.")


def on_changes() -> Iterator[tuple[str, OnChange]]:
    """Yield the settings whose change loses something or needs an order, with what that is."""
    for key, field in all_fields():
        yield from ((key, found) for found in field.metadata if isinstance(found, OnChange))


def _siblings(path: Path, settings: type[BaseModel]) -> list[str]:
    model = _walk(path[:-1], settings)[1]
    return keys_of(model) if model else []


def _field(path: Path, settings: type[BaseModel]) -> FieldInfo | None:
    """Return the field that a path leads to; an entry of a list or mapping leads to the field."""
    return _walk(path, settings)[0]


def _walk(path: Path, settings: type[BaseModel]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """Follow a path; return the field it leads to and the model of what stands there."""
    model: type[BaseModel] | None = settings
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int) and field:
            model = entry_model(field)
            continue
        if model is None:
            break
        field = _named(model, part)
        model = inner_model(field) if field else None
    return field, model


def _named(model: type[BaseModel], part: int | str) -> FieldInfo | None:
    return next((f for n, f in model.model_fields.items() if (f.alias or n) == part), None)


def _bare(annotation: Any) -> Any:  # noqa: ANN401
    """Return an annotation without ``| None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    bare = _bare(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _sentence(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def kind_of(field: FieldInfo) -> str:
    """Say what kind of value a field takes, with its bounds."""
    bare = _bare(field.annotation)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return f"one of {', '.join(str(member.value) for member in bare)}"
    if bare is bool:
        return "true or false"
    if bare in (int, float):
        kind = "a whole number" if bare is int else "a number"
        low = next((m.ge for m in field.metadata if isinstance(m, annotated_types.Ge)), None)
        high = next((m.le for m in field.metadata if isinstance(m, annotated_types.Le)), None)
        above = next((m.gt for m in field.metadata if isinstance(m, annotated_types.Gt)), None)
        if above is not None:
            return f"{kind} above {above}" + (f", {high} at most" if high is not None else "")
        bounds = f" from {low} to {high}" if high is not None else f", {low} or more"
        return f"{kind}{bounds}" if low is not None else kind
    model = inner_model(field)
    if model:
        return _a_mapping(model)
    entry = entry_model(field)
    if entry:
        return f"a list of mappings with the keys {', '.join(keys_of(entry))}"
    text = text_of(field)
    if text:
        return f"a list, each {text}" if get_origin(bare) is list else str(text)
    return _KINDS.get(get_origin(bare), "a text")


def text_of(field: FieldInfo) -> Text | None:
    """Return what a string, or each string of a list, must be; None where any will do."""
    held: list[Any] = [*field.metadata, field.annotation]
    while held:
        one = held.pop()
        if isinstance(one, Text):
            return one
        held += [*getattr(one, "__metadata__", ()), *get_args(one)]
    return None


def _a_mapping(model: type[BaseModel]) -> str:
    return f"a mapping with the keys {', '.join(keys_of(model))}"


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a group, as written in a stack file."""
    return [f.alias or n for n, f in model.model_fields.items()]


def inner_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that holds a group."""
    return _model(field.annotation)


def entry_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of the entries of a field that holds a list of mappings."""
    bare = _bare(field.annotation)
    return _model(get_args(bare)[0]) if get_origin(bare) is list else None


_KINDS: dict[Any, str] = {list: "a list of texts", dict: "a mapping of texts"}
