"""The plan: complete, the same on each run, and without secrets."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.checks import SettingsError
from plan import cli
from plan.__main__ import main
from plan.dumping import UNKNOWN_SHOWN
from plan.recorder import UNKNOWN
from plan.run import run
from plan.stackfile import MASK, read, stacks
from plan.write import files
from tests.golden import GOLDEN, REFERENCE, ROOT, actual, digest, expected, plan, planned

STACKS = ("dev", "local", "prod", "staging")


def test_all_four_stacks_are_there() -> None:
    assert tuple(stacks(ROOT)) == STACKS


@pytest.mark.parametrize("stack", STACKS)
def test_the_plan_is_the_expected_one(stack: str) -> None:
    found = actual(stack)
    assert set(found) == set(expected(stack)), f"run `make golden` and review {GOLDEN}"
    for name, text in expected(stack).items():
        assert found[name] == text, f"{stack}/{name}: run `make golden` and review the difference"


def test_the_digest_of_a_dashboard_has_every_query_and_link() -> None:
    seen = 0
    for name, text in planned(REFERENCE).items():
        if name.startswith("grafana/") and name.endswith(".json"):
            lines = digest(text)
            for fact in re.findall(r'"(?:expr|url)": (".*")', text):
                assert json.loads(fact) in lines, name
                seen += 1
    assert seen


def test_two_runs_write_the_same_bytes() -> None:
    assert files(run("prod", ROOT)) == planned("prod")


def project(folder: Path, stack: str, text: str) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / f"Pulumi.{stack}.yaml").write_text(text)


def with_login() -> str:
    document: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    document["encryptionsalt"] = "v1:salt"
    backends = document["config"]["tracing:backends"]
    for backend in ("metrics", "logs"):
        backends[backend] |= {
            "username": "tempo",
            "url": "http://backend.example.com",
            "createDatasource": True,
        }
        document["config"][f"tracing:{backend}Password"] = {"secure": "v1:AAABAhunter2"}
    return yaml.safe_dump(document)


def test_a_secret_stands_in_no_file(tmp_path: Path) -> None:
    project(tmp_path, "qa", with_login())
    written = files(run("qa", tmp_path))
    assert not [name for name, text in written.items() if "hunter2" in text]
    document = json.loads(written["plan.json"])
    secrets = [r for r in document["resources"] if r["type"] == "kubernetes:core/v1:Secret"]
    assert {r["name"] for r in secrets} == {
        "tracing-credentials",
        "tracing-datasources-metrics",
        "tracing-datasources-logs",
    }
    assert all(r["inputs"]["stringData"] == MASK for r in secrets)


def test_the_command_prints_a_summary_and_writes_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, "qa", (ROOT / "Pulumi.prod.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plan", "qa"])
    assert main() == 0
    printed = capsys.readouterr().out
    assert "traces-prod-333333333333-eu-west-1" in printed
    assert "336 hours (14 days)" in printed
    folder = tmp_path / "build" / "plan" / "qa"
    assert (folder / "summary.md").read_text() in printed
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == set(planned("prod"))


def test_an_unknown_value_is_written_as_the_documents_say() -> None:
    """The SDK's placeholder is a UUID, which a reader would take for a real value."""
    written = planned("prod")
    assert [name for name, text in written.items() if UNKNOWN in text] == []
    assert json.loads(written["plan.json"])["outputs"]["tempoRoleArn"] == UNKNOWN_SHOWN
    assert f"`{UNKNOWN_SHOWN}`" in (ROOT / "docs/reviewing.md").read_text()


def test_json_is_for_machines_and_nothing_else_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, "qa", (ROOT / "Pulumi.local.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plan", "qa", "--json"])
    assert main() == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"stack", "resources", "outputs", "warnings"}
    assert set(document["resources"][0]) == {
        "urn",
        "type",
        "name",
        "parent",
        "inputs",
        "protect",
        "retainOnDelete",
        "dependencies",
    }


def test_what_a_preview_warns_of_stands_in_the_plan() -> None:
    warnings: list[str] = plan("dev").recording.warnings
    assert any(w.startswith("alerts.delivery prometheusRule: the cluster must") for w in warnings)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("yes", "yes"),
        ("true", "true"),
        ("12:30:00", "12:30:00"),
        ("'2026-01-02'", "2026-01-02"),
        ("0123", "83"),
        ("012345678901", "12345678901"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1.5e3", "1500"),
        ("1e999", "1e999"),
        ("{a: on}", '{"a": "on"}'),
        ("~", ""),
        ("", ""),
    ],
)
def test_yaml_is_read_as_the_cli_reads_it(written: str, text: str, tmp_path: Path) -> None:
    project(tmp_path, "qa", f"config:\n  tracing:x: {written}\n")
    assert read(tmp_path, "qa").values["tracing:x"] == text


def test_a_date_without_quotes_is_refused(tmp_path: Path) -> None:
    project(tmp_path, "qa", "config:\n  tracing:tags:\n    since: 2026-01-02\n")
    with pytest.raises(SettingsError, match=r"line 3.*2026-01-02 is a date.*in quotes"):
        read(tmp_path, "qa")


def test_keys_without_a_project_are_the_projects_own(tmp_path: Path) -> None:
    project(tmp_path, "qa", "config:\n  tempo:\n    size: m\n")
    assert read(tmp_path, "qa").values["tracing:tempo"] == '{"size": "m"}'


def test_the_stack_local_keeps_its_state_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    # A passphrase for other stacks does not open this one.
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-prod")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/of/prod")
    env = cli.environment("local")
    assert env["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in env
    assert cli.environment("prod")["PULUMI_CONFIG_PASSPHRASE"] == "of-prod"
    assert env["PULUMI_BACKEND_URL"].endswith("/.pulumi-state")
    assert "PULUMI_BACKEND_URL" not in cli.environment("prod")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    assert cli.environment("local")["PULUMI_BACKEND_URL"] == "s3://states"


def test_without_a_cli_one_sentence_points_to_the_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(**_: object) -> None:
        raise OSError("no network")

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("pulumi.automation.PulumiCommand.install", no_network)
    monkeypatch.setattr(sys, "argv", ["plan.cli", "preview", "dev"])
    assert cli.main() == 1
    assert "`make plan STACK=dev` needs none" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["plan.cli", "install"])
    assert cli.main() == 1
    assert "could not be downloaded" in capsys.readouterr().err


def test_options_go_to_the_cli_and_its_status_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, "qa", "config: {}\n")
    own = tmp_path / ".pulumi-cli" / "bin" / "pulumi"
    own.parent.mkdir(parents=True)
    own.write_text('#!/bin/sh\necho "$@" > asked\nexit 3\n')
    own.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plan.cli", "up", "qa", "--yes", "--non-interactive"])
    assert cli.main() == 3
    assert (tmp_path / "asked").read_text() == "up --stack qa --yes --non-interactive\n"


def test_the_cli_is_not_asked_for_a_stack_that_is_not_there(tmp_path: Path) -> None:
    project(tmp_path, "qa", "config: {}\n")
    with pytest.raises(SettingsError, match="stacks here: qa"):
        read(tmp_path, "prod")
