"""Every object of a stack lies in a namespace that the settings tell: roles follow from them."""

import json

from components.checks.validate import validate
from config.loader import GROUPS, PROJECT
from plan.stackfile import read
from tests.stack.variants import CLUSTER, PROGRAMS, ROOT, VARIANTS, recorded
from tests.sweep import sweep


@sweep("name", PROGRAMS)
def test_no_object_lies_elsewhere(name: str) -> None:
    if name in VARIANTS:
        groups = VARIANTS[name]
    else:
        values = read(ROOT, name).values
        given = {k.removeprefix(f"{PROJECT}:"): v for k, v in values.items()}
        groups = {k: json.loads(v) for k, v in given.items() if k in GROUPS}
    settings, problems = validate(groups)
    assert problems == []
    found: set[str] = set()
    for resource in recorded(name).resources:
        if resource.type.startswith("kubernetes:"):
            metadata = resource.inputs.get("metadata", {})
            named = (resource.inputs.get("namespace"), metadata.get("namespace"))
            found |= {str(name) for name in named if name is not None}
            if resource.type == "kubernetes:core/v1:Namespace":
                found.add(metadata["name"])
    assert found
    assert found <= set(settings.object_namespaces)


def test_the_operators_and_the_rules_namespaces_belong_to_them() -> None:
    settings, problems = validate(
        {
            "environment": {"name": "dev"},
            "cluster": CLUSTER,
            "operator": {"enabled": True},
            "grafana": {"namespace": "grafana"},
            "alerts": {"namespace": "rules", "sloRules": {"namespace": "slo-rules"}},
        }
    )
    assert problems == []
    assert settings.object_namespaces == [
        "grafana",
        "rules",
        "slo-rules",
        "tracing",
        "tracing-beyla",
        settings.namespaces.operator,
    ]
