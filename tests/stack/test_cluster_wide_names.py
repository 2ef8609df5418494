"""Names of objects without a namespace; tests/rendered/ asks the charts for the same."""

from components.core.names import ALLOY_RELEASE, BEYLA_RELEASE, OPERATOR_RELEASE
from tests.stack.variants import PROGRAMS, recorded, releases
from tests.sweep import sweep


@sweep("program", PROGRAMS)
def test_they_begin_with_the_namespace_of_their_release(program: str) -> None:
    """Other releases of these charts, and other stacks, are in other namespaces."""
    made = {r.inputs["name"]: r.inputs for r in releases(recorded(program))}
    for name in (ALLOY_RELEASE, BEYLA_RELEASE):
        if inputs := made.get(name):
            names = {o["metadata"]["name"] for o in inputs["values"]["extraObjects"]}
            assert names == {f"{inputs['namespace']}:{name}"}
            assert inputs["values"]["rbac"] == {"create": False}
    if inputs := made.get(OPERATOR_RELEASE):
        assert inputs["values"]["fullnameOverride"] == f"{inputs['namespace']}-otel"
