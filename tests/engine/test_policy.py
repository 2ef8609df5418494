"""Pulumi's policy engine says of a stack what the plan says of it."""

import re
import runpy
from pathlib import Path

import pytest

from config.loader import PROJECT
from plan import policies
from plan.recorder import record
from plan.stackfile import read
from plan.write import documents
from tests.engine import lab as engine
from tests.engine.lab import ROOT, Lab
from tests.engine.test_life_cycle import own_a_cluster
from tests.policy import pack
from tests.policy.test_policies import STACKS

REASON = engine.missing() or pack.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

#: Runs the stack's program with inputs that no stack file can bring about.
VIOLATING = """
import runpy
import pulumi

SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
ALL = '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'


def worse(args):
    props = dict(args.props)
    if args.name == "tracing-storage-public-access-block":
        props["block_public_policy"] = False
    elif args.name == "tracing-storage-tls-only":
        props["policy"] = '{"Statement": []}'
    elif args.name == "tracing-identity-bucket-access":
        props["policy"] = ALL
    elif args.name == "tracing-namespace":
        props["metadata"] = {"name": "tracing"}
    elif args.name == "tracing-alloy-release":
        props["max_history"] = None
        props["values"] = pulumi.Output.from_input(props["values"]).apply(
            lambda values: {
                **values,
                "configReloader": {},
                "controller": {**values["controller"], "hostNetwork": True},
                "rbac": {"rules": [SECRETS]},
            }
        )
    elif args.name == "tracing-beyla-release":
        props["version"] = None
    return pulumi.ResourceTransformationResult(props, args.opts)


pulumi.runtime.register_stack_transformation(worse)
runpy.run_path("PROGRAM", run_name="__main__")
"""


#: What the policies must find in it. The provider puts the version that it found in the place of
#: the missing one, so that the plan alone sees that.
IN_THE_PLAN_ONLY = ("mandatory", "chart-unpinned", "tracing-beyla-release")
IN_BOTH = {
    ("mandatory", "bucket-public", "tracing-storage-public-access-block"),
    ("mandatory", "bucket-plain-http", "tracing-storage-bucket"),
    ("mandatory", "bucket-unprotected", "tracing-storage-bucket"),
    ("mandatory", "iam-wildcard", "tracing-identity-bucket-access"),
    ("mandatory", "privileged-namespace", "tracing-namespace"),
    ("mandatory", "privileged-pods", "tracing-alloy-release"),
    ("mandatory", "release-unlimited-history", "tracing-alloy-release"),
    ("mandatory", "release-without-limits", "tracing-alloy-release"),
    ("mandatory", "secrets-readable", "tracing-alloy-release"),
}


def said(printed: str) -> set[tuple[str, str, str]]:
    """Return level, policy and resource of each violation that the CLI printed."""
    return set(re.findall(r"^ *- \[(\w+)\] +([\w-]+) +\(\S+: ([\w-]+)\)", printed, re.M))


def planned(lab: Lab, stack: str, program: Path) -> set[tuple[str, str, str]]:
    """Return the same of a plan."""
    config = read(lab.project, stack)
    recording = record(
        lambda: runpy.run_path(str(program), run_name="__main__"),
        project=PROJECT,
        stack=stack,
        config=config.values,
        secret_keys=config.secret_keys,
    )
    found = policies.ask(documents(recording), STACKS[stack])
    return {(v.level, v.rule, v.urn.rsplit("::", 1)[1]) for v in found}


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_finds_what_the_plan_finds(stack: str, lab: Lab) -> None:
    if stack == "prod":
        own_a_cluster(lab)
    lab.adopt(stack)
    done = lab.pulumi("preview", "--stack", stack, "--policy-pack", str(pack.FOLDER))
    assert "✅ tracing@v" in done.stdout
    assert said(done.stdout) == planned(lab, stack, ROOT / "__main__.py") == set()


@pytest.mark.parametrize("left_out", ["alloy-release", "beyla-release", "storage-tls-only"])
def test_a_preview_judges_nothing_that_it_leaves_out(left_out: str, lab: Lab) -> None:
    """The engine passes the policies no inputs of a resource that it does not create."""
    lab.adopt("dev")
    excluded = ("--exclude", f"**tracing-{left_out}", "--exclude-dependents")
    options = ("--policy-pack", str(pack.FOLDER))
    done = lab.pulumi("preview", "--stack", "dev", *options, *excluded)
    assert said(done.stdout) == set()


def test_a_preview_refuses_what_the_plan_refuses(lab: Lab) -> None:
    own_a_cluster(lab)
    lab.adopt("prod", storage={"protect": False, "acknowledgeDataLoss": True})
    program = lab.project / "__main__.py"
    program.unlink()
    program.write_text(VIOLATING.replace("PROGRAM", str(ROOT / "__main__.py")))

    done = lab.pulumi("preview", "--stack", "prod", "--policy-pack", str(pack.FOLDER), ok=False)
    print(done.stdout)
    assert done.returncode != 0
    assert said(done.stdout) == IN_BOTH
    assert planned(lab, "prod", program) == IN_BOTH | {IN_THE_PLAN_ONLY}


def test_a_shorter_retention_is_compared_with_what_is_deployed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.adopt("dev")
    (lab.project / "policy").symlink_to(pack.FOLDER)
    monkeypatch.chdir(lab.project)

    def preview(hours: int) -> set[tuple[str, str, str]]:
        document = lab.read("dev")
        document["config"]["tracing:tempo"]["retentionHours"] = hours
        lab.write("dev", document)
        options = policies.pack_options("pulumi", "dev", lab.env)
        done = lab.pulumi("preview", "--stack", "dev", *options)
        assert "tracing@v" in done.stdout
        return said(done.stdout)

    assert preview(hours=24) == set()
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    assert preview(hours=12) == set()
    assert preview(hours=11) == {("advisory", "retention-shortened", "tracing-tempo-release")}
