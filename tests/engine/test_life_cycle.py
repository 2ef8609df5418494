"""Each stack file on the real engine: what was planned, up, no changes, one change, down."""

import json
import os
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from plan.dumping import UNKNOWN_SHOWN
from plan.run import run
from plan.write import as_json
from tests.engine import lab as engine
from tests.engine.lab import Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

#: One line changed in a stack file, and all that it may touch.
CHANGES: dict[str, tuple[str, str, Any, set[str]]] = {
    "local": ("tags", "team", "observability", {"tracing-storage-bucket"}),
    "dev": (
        "tempo",
        "retentionHours",
        96,
        {"tracing-storage-lifecycle", "tracing-tempo-release"},
    ),
    "staging": ("beyla", "namespaces", ["shop", "search"], {"tracing-beyla-release"}),
    "prod": ("alloy", "maxRequestMib", 8, {"tracing-alloy-release"}),
}
#: What the Kubernetes provider takes out of a Release's inputs, and the engine puts into a
#: provider's; besides, the provider adds each argument that is not given, empty.
TAKEN_OUT = {"compat"}
PUT_IN = {"__internal", "version"}


@pytest.mark.parametrize("stack", CHANGES)
def test_life_cycle(stack: str, lab: Lab) -> None:
    if stack == "prod":
        own_a_cluster(lab)
    lab.adopt(stack)
    planned_is_previewed(lab, stack)

    lab.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert lab.changes(stack) == {}

    group, key, value, touched = CHANGES[stack]
    document = lab.read(stack)
    document["config"].setdefault(f"tracing:{group}", {})[key] = value
    lab.write(stack, document)
    assert lab.changes(stack) == dict.fromkeys(touched, "update")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert lab.changes(stack) == {}

    if stack == "prod":
        refuses_to_lose_its_bucket(lab, stack)
    else:
        lab.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack)
        assert urns(lab, stack) == []


def test_local_previews_without_a_cluster(lab: Lab) -> None:
    lab.adopt("local", cluster={"kubeconfig": str(lab.folder / "none"), "kubeContext": "none"})
    assert set(lab.changes("local").values()) == {"create"}


def planned_is_previewed(lab: Lab, stack: str) -> None:
    """Compare the plan with the engine's preview, resource by resource and input by input."""
    planned = {r["urn"]: r for r in json.loads(as_json(run(stack, lab.project)))["resources"]}
    previewed = {step["urn"]: step["newState"] for step in lab.preview(stack)}
    assert set(planned) == set(previewed)
    for urn, plan in planned.items():
        state = previewed[urn]
        assert plan["type"] == state["type"]
        assert plan["parent"] == state.get("parent", "")
        assert plan["protect"] == state.get("protect", False)
        assert plan["retainOnDelete"] == state.get("retainOnDelete", False)
        assert plan["dependencies"] == sorted(state.get("dependencies") or [])
        wanted = {k: v for k, v in plan["inputs"].items() if k not in TAKEN_OUT}
        put_in = PUT_IN if plan["type"].startswith("pulumi:providers:") else set[str]()
        given = {k: v for k, v in state.get("inputs", {}).items() if k not in put_in}
        assert differences(wanted, given) == [], urn


def differences(wanted: Any, given: Any, path: str = "") -> list[str]:
    """Return where two values differ; what is unknown to the plan agrees with anything."""
    if wanted == UNKNOWN_SHOWN:
        return []
    if isinstance(wanted, dict) and isinstance(given, dict):
        planned, previewed = cast(dict[str, Any], wanted), cast(dict[str, Any], given)
        found: list[str] = []
        for key in {*planned, *previewed}:
            if key not in planned and previewed[key] in ("", False):
                continue
            found += differences(planned.get(key), previewed.get(key), f"{path}.{key}")
        return found
    if isinstance(wanted, list) and isinstance(given, list):
        pairs = list(zip(cast(list[Any], wanted), cast(list[Any], given), strict=False))
        if len(pairs) == len(cast(list[Any], wanted)) == len(cast(list[Any], given)):
            return [d for i, (w, g) in enumerate(pairs) for d in differences(w, g, f"{path}[{i}]")]
    return [] if wanted == given else [f"{path}: planned {wanted!r}, previewed {given!r}"]


def own_a_cluster(lab: Lab) -> None:
    """Make the stack that prod's stack file names as the owner of the cluster."""
    project = lab.folder / "platform"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        "name: platform\nruntime:\n  name: python\n  options:\n"
        "    toolchain: pip\n    virtualenv: venv\n"
    )
    (project / "__main__.py").write_text(
        "import os, pathlib, pulumi\n"
        "path = pathlib.Path(os.environ['KUBECONFIG'])\n"
        "pulumi.export('kubeconfig', pulumi.Output.secret(path.read_text()))\n"
    )
    (project / "venv").symlink_to(lab.project / "venv")
    folder, lab.project = lab.project, project
    lab.pulumi("stack", "init", "prod")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "prod")
    lab.project = folder


def refuses_to_lose_its_bucket(lab: Lab, stack: str) -> None:
    """A destroy fails; one that leaves the protected out leaves the bucket as it was."""
    s3: Any = cast(Any, boto3).client(
        "s3",
        endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    bucket = "traces-prod-333333333333-eu-west-1"

    def is_there() -> bool:
        return bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]

    refused = lab.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack, ok=False)
    assert refused.returncode != 0
    assert "protected" in refused.stdout + refused.stderr
    assert is_there()

    lab.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected", "--stack", stack)
    left = {urn.rsplit("::", 1)[1] for urn in urns(lab, stack)}
    guards = ("bucket", "encryption", "lifecycle", "ownership", "tls-only")
    assert {f"tracing-storage-{guard}" for guard in guards} <= left
    assert not any("release" in name or "namespace" in name for name in left)
    assert is_there()
    s3.delete_bucket(Bucket=bucket)


def urns(lab: Lab, stack: str) -> list[str]:
    """Return the URNs in a stack's state."""
    done = lab.pulumi("stack", "export", "--stack", stack)
    resources: list[dict[str, str]] = json.loads(done.stdout)["deployment"].get("resources") or []
    return [resource["urn"] for resource in resources]
