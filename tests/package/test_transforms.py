"""Transforms reach inputs without a setting: every component names them, the example works."""

import re
from typing import Any

import pulumi

from package.provider import COMPONENTS
from tests.package.wheel import ROOT
from tests.stack.variants import recorded

LINE = "Inputs without a setting are reached with `transforms`: see docs/reuse.md."


def test_every_component_names_them() -> None:
    assert [n for n, made in COMPONENTS.items() if LINE not in (made.__doc__ or "")] == []


def test_the_example_labels_the_namespaces_and_nothing_else() -> None:
    section = (ROOT / "docs" / "reuse.md").read_text().partition("### Change any input")[2]
    code = re.findall(r"```python\n(.*?)```", section, re.S)[0]
    names: dict[str, Any] = {"pulumi": pulumi}
    exec(code, names)  # noqa: S102 - the example itself
    label = names["label_namespaces"]
    changed = {
        resource.name: result.props
        for resource in recorded("bare").resources
        for result in [
            label(
                pulumi.ResourceTransformArgs(
                    custom=True,
                    type_=resource.type,
                    name=resource.name,
                    props=resource.inputs,
                    opts=pulumi.ResourceOptions(),
                )
            )
        ]
        if result
    }

    assert sorted(changed) == ["tracing-namespace"]
    assert changed["tracing-namespace"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
        "team": "platform",
    }
