"""The workflows: pinned actions, least permissions, nothing that a fork could take."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from bootstrap.policies import SESSION_SECONDS
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()

#: Every permission to write, by workflow and job. A new one is a decision: add it here.
WRITES = {
    ("preview", "pulumi"): {"id-token"},
    ("comment", "comment"): {"pull-requests"},
    ("deploy", "dev"): {"id-token"},
    ("deploy", "staging"): {"id-token"},
    ("deploy", "prod"): {"id-token"},
    ("deploy-stack", "up"): {"id-token"},
    ("drift", "detect"): {"id-token", "issues"},
    ("release", "publish"): {"attestations", "contents", "id-token"},
}

each_file = sweep("file", [*WORKFLOWS, *ACTIONS], ids=lambda f: f"{f.parent.name}/{f.stem}")
each_workflow = sweep("file", WORKFLOWS, ids=lambda f: f.stem)


def load(file: Path) -> dict[str, Any]:
    """Return a workflow or an action. YAML parses the key `on` as true."""
    document = cast(dict[Any, Any], yaml.safe_load(file.read_text()))
    return {"on" if key is True else key: value for key, value in document.items()}


def workflow(name: str) -> dict[str, Any]:
    return load(ROOT / ".github" / "workflows" / f"{name}.yml")


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    return load(file)["jobs"]


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow or an action."""
    document = load(file)
    if "runs" in document:
        yield from document["runs"]["steps"]
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])


def test_they_are_all_there() -> None:
    names = {file.stem for file in WORKFLOWS}
    assert names >= {"check", "preview", "comment", "deploy", "drift", "e2e", "release"}


@each_file
def test_actions_are_pinned_by_commit(file: Path) -> None:
    for line in file.read_text().splitlines():
        if used := re.match(r"\s*(?:- )?uses: (.*)$", line):
            local = re.fullmatch(r"\./\.github/[\w./-]+", used[1])
            pinned = re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used[1])
            assert local or pinned, line
            assert not local or (ROOT / used[1]).exists()


def test_an_action_has_one_pin() -> None:
    text = "\n".join(file.read_text() for file in [*WORKFLOWS, *ACTIONS])
    pins = set(re.findall(r"uses: ([\w.-]+/[\w./-]+)@(\S+ # \S+)", text))
    assert len(pins) == len({action for action, _ in pins})


@each_workflow
def test_nothing_is_allowed_but_what_a_job_asks_for(file: Path) -> None:
    assert load(file)["permissions"] == {}
    for name, job in jobs(file).items():
        asked: dict[str, str] = job["permissions"]
        assert set(asked.values()) <= {"read", "write"}
        writes = {what for what, level in asked.items() if level == "write"}
        assert writes == WRITES.get((file.stem, name), set())


@each_file
def test_there_is_no_secret(file: Path) -> None:
    """Jobs get all credentials through OIDC, so that none can leak."""
    assert not re.search(r"\bsecrets\b", file.read_text())


@each_workflow
def test_code_of_a_pull_request_never_runs_with_rights(file: Path) -> None:
    triggers = load(file)["on"]
    assert "pull_request_target" not in triggers
    if "workflow_run" in triggers:
        for step in steps(file):
            assert "ref" not in step.get("with", {})
            assert "repository" not in step.get("with", {})
            assert "make" not in step.get("run", "")
    if "pull_request" in triggers:
        for name, job in jobs(file).items():
            if WRITES.get((file.stem, name)):
                same = "github.event.pull_request.head.repo.full_name == github.repository"
                assert same in job["if"]


@each_file
def test_no_text_of_a_stranger_becomes_part_of_a_script(file: Path) -> None:
    for step in steps(file):
        assert "${{" not in step.get("run", "")


@each_file
def test_the_token_is_not_left_in_the_checkout(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_jobs_end_by_themselves(file: Path) -> None:
    for job in jobs(file).values():
        assert "uses" in job or job["timeout-minutes"] <= 120


@each_workflow
def test_who_takes_on_a_role_has_an_environment(file: Path) -> None:
    """The roles trust environments, and only `deploy` runs in the one of the deploy role."""
    for job in jobs(file).values():
        uses = [step.get("uses", "") for step in job.get("steps", [])]
        if "./.github/actions/reach-stack" in uses:
            environment: Any = job["environment"]
            deploys = environment == "${{ inputs.stack }}"
            assert deploys == (file.stem == "deploy-stack")
            reads = "-drift" if file.stem == "drift" else "-preview"
            assert deploys or environment["name"].endswith(reads)
            assert job["env"]["PULUMI_BACKEND_URL"] == "${{ vars.PULUMI_BACKEND_URL }}"


def test_deployment_goes_from_dev_to_staging_to_prod() -> None:
    deploy = workflow("deploy")
    assert deploy["on"]["push"]["branches"] == ["main"]
    order: dict[str, dict[str, Any]] = deploy["jobs"]
    assert [(name, job.get("needs")) for name, job in order.items()] == [
        ("dev", None),
        ("staging", "dev"),
        ("prod", ["dev", "staging"]),
    ]
    # Without these, a skipped environment skips those after it, and the run is green.
    for name in ("staging", "prod"):
        assert order[name]["if"].startswith("${{ !cancelled() && !failure() && contains(")
    for name, job in order.items():
        assert job["with"] == {"stack": name}
        assert f"'{name}'" in job["if"]
        assert (ROOT / f"Pulumi.{name}.yaml").exists()


def test_a_deployment_is_alone_and_is_not_cancelled() -> None:
    up = workflow("deploy-stack")["jobs"]["up"]
    assert up["concurrency"] == {
        "group": "deploy-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    assert up["environment"] == "${{ inputs.stack }}"
    runs = [step["run"] for step in up["steps"] if "run" in step]
    assert [run.split()[:3] for run in runs] == [
        ["venv/bin/python", "-m", "delivery.order"],
        ["make", "up", 'STACK="$STACK"'],
        ["make", "verify", 'STACK="$STACK"'],
        ["make", "preview", 'STACK="$STACK"'],
    ]
    assert "--expect-no-changes" in runs[3]
    assert up["steps"][0]["with"]["fetch-depth"] == 0


def test_credentials_last_as_long_as_the_longest_job() -> None:
    [reach] = ACTIONS
    [credentials] = [s for s in steps(reach) if "configure-aws-credentials" in s.get("uses", "")]
    longest = workflow("deploy-stack")["jobs"]["up"]["timeout-minutes"] * 60

    assert credentials["with"]["role-duration-seconds"] == longest == SESSION_SECONDS


@pytest.mark.parametrize("variable", ["STACK", "ARGS", "TAG", "BASE"])
def test_no_variable_of_make_becomes_part_of_a_command(variable: str, tmp_path: Path) -> None:
    recipes = [line for line in MAKEFILE.splitlines() if line.startswith("\t")]
    assert not any(f"$({variable})" in line for line in recipes)

    targets = {"STACK": "plan", "ARGS": "preview", "TAG": "release-check", "BASE": "plan-diff"}
    (tmp_path / "venv/bin").mkdir(parents=True)
    python = tmp_path / "venv/bin/python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    command = ["make", "-f", ROOT / "Makefile", "-o", "venv/.stack", "-o", "policy/venv/.policy"]
    said = subprocess.run(
        [*command, targets[variable], f"{variable}=x; touch ran $$(touch ran) `touch ran`"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert not (tmp_path / "ran").exists()


@each_file
def test_make_knows_what_they_run(file: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9/.-]+):", MAKEFILE, re.M))
    for step in steps(file):
        assert set(re.findall(r"\bmake ([a-z0-9/.-]+)", step.get("run", ""))) <= targets


def test_check_lints_the_workflows() -> None:
    [check] = re.findall(r"^check: (.*?) ##", MAKEFILE, re.M)
    assert "check-workflows" in check.split()
    recipe = MAKEFILE.partition("\ncheck-workflows:")[2].partition("\n\n")[0]
    assert "zizmor" in recipe
    assert "actionlint" in recipe


def test_the_oldest_python_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions: list[str] = workflow("check")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert f">={versions[0]}" == project["requires-python"]


@pytest.mark.parametrize("module", ["comment", "drift_issue"])
def test_what_speaks_to_github_needs_no_package(module: str) -> None:
    """It runs with the runner's Python, in which no package is installed."""
    command = [sys.executable, "-S", "-m", f"delivery.{module}", "--help"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("said", ["preview-report", "drift"])
def test_reports_are_looked_for_where_they_are_written(said: str) -> None:
    name = "preview" if said == "preview-report" else said
    assert f"build/{name}/$(STACK).md" in MAKEFILE
    assert f'"{name}"' in (ROOT / "delivery" / "preview.py").read_text()
