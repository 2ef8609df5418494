"""Namespaces that the stack uses and others own."""

from components.network import network_policies
from plan.summary import summary_rows
from tests.network.stacks import WORLDS, stack
from tests.stack.variants import recorded, releases

NAMESPACE = "kubernetes:core/v1:Namespace"


def test_the_stack_neither_creates_nor_deletes_them() -> None:
    recording = recorded("monolithic-given")
    made = [r.inputs["metadata"]["name"] for r in recording.of_type(NAMESPACE)]

    assert made == ["observe-agent"]
    assert "observe" in {r.inputs["namespace"] for r in releases(recording)}


def test_policies_there_select_the_pods_of_the_stack_only() -> None:
    made = network_policies(stack(namespaces={"tracing": "shared", "existing": ["tracing"]}))
    there = {n: p for n, p in made.items() if p["metadata"]["namespace"] == "shared"}

    assert there
    for name, policy in there.items():
        # Others may have a policy of the plain name.
        assert policy["metadata"]["name"] == f"tracing-{name}"
        selector = policy["spec"]["podSelector"]
        chosen = selector.get("matchLabels", {}).get("app.kubernetes.io/instance")
        listed = [e["values"] for e in selector.get("matchExpressions", [])]
        assert chosen in {"tempo", "alloy"} or listed == [["tempo", "alloy"]]


def test_policies_in_namespaces_of_the_stack_select_every_pod() -> None:
    made = network_policies(stack(namespaces={"existing": ["tracing"]}))

    assert made["beyla-default-deny"]["metadata"]["name"] == "beyla-default-deny"
    assert made["beyla-default-deny"]["spec"]["podSelector"] == {}


def test_the_plan_names_the_pod_security_that_they_need() -> None:
    rows = dict(summary_rows(WORLDS["monolithic-given"]))

    assert rows["existing namespace"] == "observe, must exist and permit pod security restricted"
