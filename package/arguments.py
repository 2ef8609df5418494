"""Converts the inputs that Pulumi passes into a component's arguments, and validates them."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

import pulumi
from pulumi.output import Unknown
from pulumi.provider.experimental.analyzer import is_input
from pydantic import BaseModel, Field, ValidationError, create_model

from components import SettingsError, TracingStackArgs, parse_settings
from components.checks import Problem
from components.checks.messages import problem_of
from components.core.base import Settings
from package.inference import SettingsAnalyzer


def arguments(component: type[pulumi.ComponentResource], name: str, inputs: pulumi.Inputs) -> Any:  # noqa: ANN401
    """Return the arguments of a component, from values by their names in the schema.

    Raises:
        SettingsError: with every problem, by the key as it is written.
    """
    kind: type[Any] = inspect.get_annotations(component.__init__)["args"]
    values = dict(inputs)
    unknown = [
        problem
        for field in dataclasses.fields(kind)
        if not is_input(cast(type, field.type))
        for key in [str(_model(kind).model_fields[field.name].alias)]
        for problem in _not_plain(values.get(key), key)
    ]
    if unknown:
        raise SettingsError(name, unknown)
    if kind is TracingStackArgs and isinstance(values.get("settings"), Mapping):
        # Same as in a stack file: keys, defaults by tier, checks across settings.
        values["settings"] = parse_settings(cast(Mapping[str, Any], values["settings"]), name)
    try:
        checked = _model(kind).model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise SettingsError(name, [problem_of(d, _model(kind)) for d in details]) from None
    return kind(**{field: getattr(checked, field) for field in type(checked).model_fields})


@cache
def _model(kind: type[Any]) -> type[BaseModel]:
    """Return a model that checks arguments; an argument that can be an output is skipped."""
    text = SettingsAnalyzer("").get_docstring
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        given: dict[str, Any] = {"description": text(kind, field.name)}
        if field.default is not dataclasses.MISSING:
            given["default"] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            given["default_factory"] = field.default_factory
        annotation: Any = Any if is_input(cast(type, field.type)) else field.type
        fields[field.name] = (annotation, Field(**given))
    return create_model(kind.__name__, __base__=Settings, **fields)


def _not_plain(value: object, key: str) -> Iterator[Problem]:
    """Yield a problem for each value that is secret or only known after an update."""
    if isinstance(value, pulumi.Output | Unknown):
        yield Problem(
            key=key,
            message="is an output of a resource, or secret; it must be a plain value, because "
            "charts can be checked at preview only with values that are known then",
        )
    elif isinstance(value, Mapping):
        for name, item in cast(Mapping[str, object], value).items():
            yield from _not_plain(item, f"{key}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(cast(Sequence[object], value)):
            yield from _not_plain(item, f"{key}[{index}]")
