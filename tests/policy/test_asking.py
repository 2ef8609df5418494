"""Who asks the policies: `make plan`, and with the pack `make preview` and `make up`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.core.tier import Tier
from plan import cli, policies
from plan.__main__ import main
from tests.policy.cases import documents, one
from tests.policy.test_policies import STACKS

ROOT = Path(__file__).parents[2]
UNPROTECTED = {"protect": False, "acknowledgeDataLoss": True}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project whose stack `qa` is prod without protection, and go there."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
    document["config"]["tracing:storage"] |= UNPROTECTED
    (tmp_path / "Pulumi.qa.yaml").write_text(yaml.safe_dump(document))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_plan_that_violates_a_mandatory_policy_fails_and_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["plan", "qa"])
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "error: Pulumi.qa.yaml: 1 violation of mandatory policies; `make up` would be refused.\n"
        "\n"
        "  tracing-storage-bucket: bucket-unprotected\n"
        "    is not protected: Pulumi may delete or replace it\n"
        "    Remove storage.protect: false.\n"
    )
    document = (ROOT / "docs" / "policies.md").read_text()
    assert printed.err.replace("Pulumi.qa.yaml", "Pulumi.prod.yaml") in document
    row = "| mandatory | bucket-unprotected | tracing-storage-bucket | is not protected"
    assert row in printed.out
    written = json.loads((project / "build" / "plan" / "qa" / "policy.json").read_text())
    assert written["tier"] == "production"
    assert [v["policy"] for v in written["violations"]] == ["bucket-unprotected"]


@pytest.mark.usefixtures("project")
def test_for_machines_the_plan_is_all_that_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["plan", "qa", "--json"])
    assert main() == 1
    assert json.loads(capsys.readouterr().out)["stack"] == "qa"


def test_an_advice_refuses_nothing() -> None:
    found = documents("dev")
    one(found, "tempo-release")["inputs"]["maxHistory"] = 0
    violations = policies.ask(found, Tier.DEVELOPMENT)
    assert [v.level for v in violations] == ["advisory"]
    policy = json.loads(policies.as_json(violations, Tier.DEVELOPMENT))
    assert policies.refusal(policy, "Pulumi.dev.yaml") is None
    assert "| advisory | release-unlimited-history" in policies.section(
        violations, Tier.DEVELOPMENT
    )


@pytest.mark.parametrize("stack", STACKS)
def test_the_plan_says_which_policies_were_asked(stack: str) -> None:
    tier = STACKS[stack]
    asked = json.loads(policies.as_json([], tier))["asked"]
    assert "retention-shortened" not in asked
    assert ("bucket-plain-http" in asked) == (stack != "local")
    text = policies.section([], tier)
    assert f"the {len(asked)} policies" in text
    assert ("`retention-shortened` compares with the deployed stack" in text) == (stack != "local")


def fake_cli(folder: Path, exported: str | None) -> Path:
    """Make a CLI that exports a state, or knows no such stack, and notes what it is asked."""
    state = folder / "state.json"
    if exported is not None:
        state.write_text(exported)
    program = folder / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nif [ "$1 $2" = "stack export" ]; then exec cat "{state}"; fi\n'
        f'echo "$@" > "{folder}/asked"\n'
    )
    program.chmod(0o755)
    return program


def install_pack(folder: Path) -> None:
    marker = folder / policies.INSTALLED
    marker.parent.mkdir(parents=True)
    marker.touch()


def exported(*resources: dict[str, Any]) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": list(resources)}})


def test_without_the_pack_the_cli_is_asked_for_no_policies(project: Path) -> None:
    program = fake_cli(project, exported())
    assert policies.pack_options(str(program), "qa", {}) == []


@pytest.mark.parametrize("state", [None, exported(), '{"version": 3, "deployment": {}}'])
def test_what_is_not_deployed_yet_has_nothing_to_shorten(project: Path, state: str | None) -> None:
    install_pack(project)
    program = fake_cli(project, state)
    env = {"PATH": "/usr/bin:/bin"}
    assert policies.pack_options(str(program), "qa", env) == ["--policy-pack", "policy"]


@pytest.mark.parametrize(("command", "asks"), [("preview", True), ("up", True), ("destroy", False)])
def test_preview_and_up_hand_the_deployed_retention_to_the_pack(
    command: str, asks: bool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_pack(project)
    program = fake_cli(project, exported(*documents("prod")))
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", ["plan.cli", command, "qa"])
    assert cli.main() == 0
    options = " --policy-pack policy --policy-pack-config build/policy/qa.json" if asks else ""
    assert (project / "asked").read_text() == f"{command} --stack qa{options}\n"
    if asks:
        config = json.loads((project / "build" / "policy" / "qa.json").read_text())
        assert config == {"retention-shortened": {"deployedRetentionHours": 336}}
