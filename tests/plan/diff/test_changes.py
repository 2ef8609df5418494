"""What `up` would do, told from two plans."""

from typing import Any

import pytest

from plan.diff.changes import Change, Operation, changes, protection
from plan.diff.kinds import KUBERNETES_PROVIDER
from plan.dumping import UNKNOWN_SHOWN
from tests.plan.diff.plans import config_map, planned, release, resource, urn

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"


def one(before: dict[str, Any], after: dict[str, Any]) -> Change:
    [change] = changes(planned([before]), planned([after]))
    return change


def test_the_same_plan_changes_nothing() -> None:
    resources = [release("tempo", {"a": 1}), config_map("c", {"x.json": "{}"})]
    assert changes(planned(resources), planned(resources)) == []


def test_what_comes_is_created_and_what_goes_is_deleted() -> None:
    old, new = release("beyla", {}), release("alloy", {})
    found = changes(planned([old]), planned([new]))
    assert [(c.operation, c.name) for c in found] == [
        (Operation.CREATE, "tracing-alloy-release"),
        (Operation.DELETE, "tracing-beyla-release"),
    ]


def test_values_of_a_release_are_updated_in_place() -> None:
    change = one(release("tempo", {"a": 1}), release("tempo", {"a": 2}))
    assert change.operation is Operation.UPDATE
    assert [d.name for d in change.differences] == ["values.a"]


def test_what_the_provider_takes_out_of_a_release_is_no_change() -> None:
    before, after = release("tempo", {}), release("tempo", {}, compat="true")
    assert changes(planned([before]), planned([after])) == []


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        (BUCKET, {"bucket": "a"}, {"bucket": "b"}),
        (ROLE, {"name": "a"}, {"name": "b"}),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}),
        ("kubernetes:helm.sh/v3:Release", {"namespace": "a"}, {"namespace": "b"}),
        (BUCKET, {"region": "eu-west-1"}, {"region": "us-east-1"}),
    ],
)
def test_a_property_that_cannot_change_replaces(
    type_: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    change = one(resource(type_, "x", before), resource(type_, "x", after))
    assert change.operation is Operation.REPLACE
    assert change.because == change.differences


def test_a_property_beside_it_does_not() -> None:
    before = resource(BUCKET, "x", {"bucket": "a", "tags": {"bucket": "a"}})
    after = resource(BUCKET, "x", {"bucket": "a", "tags": {"bucket": "b"}})
    assert one(before, after).operation is Operation.UPDATE


def test_a_protected_resource_refuses_to_go() -> None:
    before = resource(BUCKET, "x", {"bucket": "a"}, protect=True, retainOnDelete=True)
    after = resource(BUCKET, "x", {"bucket": "b"}, protect=True, retainOnDelete=True)
    assert one(before, after).refused
    [gone] = changes(planned([before]), planned([]))
    assert gone.refused
    assert gone.kept


def test_a_protection_may_be_lifted_and_the_resource_replaced_in_one_go() -> None:
    before = resource(BUCKET, "x", {"bucket": "a"}, protect=True)
    after = resource(BUCKET, "x", {"bucket": "b"})
    assert one(before, after).operation is Operation.REPLACE
    assert not one(before, after).refused
    assert protection(planned([before]), planned([after])) == [("x", "no longer protected")]


def test_another_cluster_takes_everything_in_it_along() -> None:
    def plan(cluster: str) -> list[dict[str, Any]]:
        provider = resource(KUBERNETES_PROVIDER, "kubernetes", {"clusterIdentifier": cluster})
        return [provider, release("tempo", {}), resource(BUCKET, "b", {"bucket": "a"})]

    found = changes(planned(plan("a")), planned(plan("b")))
    assert [(c.operation, c.name) for c in found] == [
        (Operation.REPLACE, "kubernetes"),
        (Operation.REPLACE, "tracing-tempo-release"),
    ]


def test_another_way_to_the_same_cluster_replaces_nothing() -> None:
    def plan(context: str) -> list[dict[str, Any]]:
        inputs = {"clusterIdentifier": "a", "context": context}
        return [resource(KUBERNETES_PROVIDER, "kubernetes", inputs), release("tempo", {})]

    [change] = changes(planned(plan("a")), planned(plan("b")))
    assert (change.operation, change.name) == (Operation.UPDATE, "kubernetes")


def test_what_follows_from_a_replaced_resource_changes_though_both_plans_call_it_unknown() -> None:
    def plan(name: str) -> list[dict[str, Any]]:
        needs = [urn(ROLE, "role")]
        known = resource(ASSOCIATION, "known", {"roleArn": "arn"}, dependencies=needs)
        unknown = resource(ASSOCIATION, "unknown", {"roleArn": UNKNOWN_SHOWN}, dependencies=needs)
        apart = resource(ASSOCIATION, "apart", {"roleArn": UNKNOWN_SHOWN})
        return [resource(ROLE, "role", {"name": name}), known, unknown, apart]

    found = changes(planned(plan("a")), planned(plan("b")))
    assert [(c.operation, c.name) for c in found] == [
        (Operation.REPLACE, "role"),
        (Operation.UPDATE, "unknown"),
    ]


def test_a_stack_that_is_only_read_is_neither_made_nor_deleted() -> None:
    reference = resource("pulumi:pulumi:StackReference", "platform", {"name": "platform"})
    assert changes(planned([reference]), planned([])) == []
    assert changes(planned([]), planned([reference])) == []
