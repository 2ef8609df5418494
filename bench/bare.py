"""A program of bare resources: those in resources.json, without components and settings.

The bench runs it as the `__main__.py` of a project of its own. Each entry has the type token,
the name, the inputs, the provider and the dependencies as the engine's state holds them.
"""

import functools
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes


def class_of(token: str) -> Any:  # noqa: ANN401
    """Return the SDK's class of a type token."""
    package, module, name = token.split(":")
    if package == "pulumi":
        return importlib.import_module(f"pulumi_{name}").Provider
    if package == "aws":
        path = module.split("/")[0]
    else:
        group, version = module.split("/")
        path = f"{group.split('.')[0]}.{version}"
        if group == "monitoring.coreos.com":
            # A kind without a class in the SDK.
            its = {"api_version": module, "kind": name}
            return functools.partial(kubernetes.apiextensions.CustomResource, **its)
    return getattr(importlib.import_module(f"pulumi_{package}.{path}"), name)


def snake(name: str) -> str:
    """Return an input's name as the SDK's classes have it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


made: dict[str, Any] = {}
for entry in json.loads(Path(__file__).with_name("resources.json").read_text()):
    made[entry["urn"]] = class_of(entry["type"])(
        entry["name"],
        **{
            snake(key): value
            for key, value in entry["inputs"].items()
            if key not in ("apiVersion", "kind")
        },
        opts=pulumi.ResourceOptions(
            provider=made.get(entry["provider"]),
            depends_on=[made[urn] for urn in entry["dependencies"]],
        ),
    )
