"""Destroy leaves what is protected and nothing else; runs last."""

import os

import pytest

from tests.e2e.cluster import place
from tests.e2e.cluster.stack import Stack


def test_destroy_leaves_nothing_but_the_volumes(ours: Stack) -> None:
    if os.environ.get(place.KEEP):
        pytest.skip(f"{place.KEEP} is set")
    assert ours.lab is not None
    kinds = "clusterroles,clusterrolebindings,mutatingwebhookconfigurations"
    ours.lab.pulumi("destroy", "--yes", "--skip-preview", "--stack", ours.name)
    state = ours.lab.pulumi("stack", "export", "--stack", ours.name).stdout
    assert '"urn"' not in state, "the state still has resources"
    cluster = ours.cluster
    assert cluster.run("get", "namespace", ours.namespace, "--ignore-not-found") == ""
    left = [
        item["metadata"]["name"]
        for item in cluster.items(kinds)
        if item["metadata"]["name"].startswith("tracing:")
    ]
    assert left == [], "objects of the whole cluster are left"
