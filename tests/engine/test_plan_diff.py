"""What the plan diff says of a change is what `pulumi preview` says of it after an `up`."""

from typing import Any

import pytest

from plan.diff.changes import Operation, changes
from plan.diff.planner import planned
from plan.diff.trees import Planned, from_plan
from tests.engine import lab as engine
from tests.engine.lab import Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

#: Changes of dev: group of the stack file, and what is set in it.
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a value": ("tempo", {"retentionHours": 96}),
    "a size": ("tempo", {"size": "m"}),
    "another chart": ("tempo", {"mode": "distributed", "size": "m"}),
    "tags": ("tags", {"team": "observability"}),
    "another bucket": ("storage", {"bucket": "traces-of-another-name"}),
    "another namespace": ("namespaces", {"tracing": "tracing-two"}),
    "another cluster": ("cluster", {"name": "platform-two"}),
    "something goes": ("beyla", {"enabled": False}),
    "something comes, something goes": ("alerts", {"delivery": "configMap"}),
    "a dashboard's folder": ("grafana", {"folder": "Traces"}),
}
#: Types of which the lab's provider for `aws` does not know what replaces them: it updates them.
UPDATED_BY_THE_STAND_IN = (
    "aws:iam/rolePolicy:RolePolicy",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
)
#: What the engine calls the steps of a replacement.
REPLACEMENT = {"replace", "create-replacement", "delete-replaced"}


def plan(lab: Lab, stack: str) -> Planned:
    """Return the plan of a stack file as it is."""
    return from_plan(stack, planned(stack, lab.project), lab.read(stack))


def previewed(lab: Lab, stack: str) -> dict[str, str]:
    """Return what a preview does, by URN."""
    return {
        step["urn"]: Operation.REPLACE if step["op"] in REPLACEMENT else step["op"]
        for step in lab.preview(stack)
        if step["op"] not in ("same", "read")
    }


def test_the_diff_says_what_a_preview_says(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    deployed, document = plan(lab, "dev"), lab.read("dev")
    differing: dict[str, Any] = {}
    for name, (group, values) in CHANGES.items():
        config = document["config"]
        changed = {**config.get(f"tracing:{group}", {}), **values}
        lab.write("dev", {**document, "config": {**config, f"tracing:{group}": changed}})
        said = {
            change.urn: Operation.UPDATE
            if change.type in UPDATED_BY_THE_STAND_IN and change.operation is Operation.REPLACE
            else change.operation
            for change in changes(deployed, plan(lab, "dev"))
        }
        done = previewed(lab, "dev")
        both = {urn: (said.get(urn), done.get(urn)) for urn in {*said, *done}}
        wrong = {urn.rsplit("::", 1)[1]: ops for urn, ops in both.items() if ops[0] != ops[1]}
        differing |= {name: wrong} if wrong else {}
        assert said, name
    assert differing == {}
    refuses_to_replace_what_is_protected(lab, document)
    lab.write("dev", document)
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    lab.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def refuses_to_replace_what_is_protected(lab: Lab, document: dict[str, Any]) -> None:
    """Where the diff says so, a preview fails; without the protection it does not."""
    config = document["config"]

    def storing(**storage: Any) -> Planned:
        lab.write("dev", {**document, "config": {**config, "tracing:storage": storage}})
        return plan(lab, "dev")

    protected = storing(protect=True)
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    for protect in (True, False):
        found = changes(protected, storing(protect=protect, bucket="traces-of-another-name"))
        refused = {c.name for c in found if c.refused}
        done = lab.pulumi("preview", "--stack", "dev", ok=not protect)
        assert ("tracing-storage-bucket" in refused) is protect
        assert ("marked for protection" in done.stdout + done.stderr) is protect
        assert (done.returncode != 0) is protect
