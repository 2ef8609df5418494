"""Outputs of components."""

import pulumi
from pydantic.alias_generators import to_camel


def register(component: pulumi.ComponentResource) -> None:
    """Register the outputs that a component declares, by their names in other languages."""
    given = {name: getattr(component, name, None) for name in type(component).__annotations__}
    component.register_outputs({to_camel(n): v for n, v in given.items() if v is not None})
