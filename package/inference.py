"""Schema inference for settings and arguments, on top of Pulumi's own."""

import dataclasses
import re
from typing import Annotated, Any, cast, get_args, get_origin

import pulumi
from pulumi.provider.experimental.analyzer import Analyzer, AnalyzeResult, PropertyDefinition
from pydantic import BaseModel

#: Headings of docstring sections that concern Python only.
_SECTIONS = re.compile(r"\n\s*(Args|Attributes|Raises|Returns):\n.*", re.DOTALL)


class SettingsAnalyzer(Analyzer):
    """Infers the schema of components.

    By itself, the analyzer takes a field for optional only where it may be None, finds no text of
    an inherited field, and hands texts on as they are wrapped in the source.
    """

    def analyze(self, components: list[type[pulumi.ComponentResource]]) -> AnalyzeResult:
        """Return components and types, described in prose."""
        found = super().analyze(components)
        for definition in found["component_definitions"].values():
            definition.description = _prose(definition.description)
        for definition in found["type_definitions"].values():
            definition.description = _prose(definition.description)
        return found

    def analyze_type(
        self, typ: type, *, is_component_output: bool
    ) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """Return the properties of a type, and the Python name of each."""
        properties, names = super().analyze_type(typ, is_component_output=is_component_output)
        if not is_component_output:
            optional = _with_default(typ)
            for key, name in names.items():
                properties[key].optional = name in optional
        return properties, names

    def analyze_property(self, arg: Any, *args: Any, **options: Any) -> PropertyDefinition:  # noqa: ANN401
        """Return a property; of an annotated type, or key of a mapping, the type without checks."""
        if get_origin(arg) is Annotated:
            arg = get_args(arg)[0]
        if get_origin(arg) is dict:
            key, value = get_args(arg)
            arg = dict[get_args(key)[0] if get_origin(key) is Annotated else key, value]
        return super().analyze_property(arg, *args, **options)

    def get_docstring(self, typ: type, name: str) -> str | None:
        """Return the docstring of a field, from its class or the nearest base that has one."""
        for above in typ.__mro__:
            if above not in (BaseModel, object) and (text := super().get_docstring(above, name)):
                return _prose(text)
        return None


def _with_default(typ: type) -> set[str]:
    """Return the optional fields of settings or arguments."""
    if issubclass(typ, BaseModel):
        return {name for name, field in typ.model_fields.items() if not field.is_required()}
    return {
        field.name
        for field in dataclasses.fields(cast(Any, typ))
        if field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
    }


def _prose(text: str | None) -> str | None:
    """Return a docstring without line breaks inside paragraphs, and without sections for Python."""
    if text is None:
        return None
    paragraphs = re.split(r"\n\s*\n", _SECTIONS.sub("", text))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
