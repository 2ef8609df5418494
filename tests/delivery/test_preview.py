"""The report of a preview, from the output of a CLI, and the exit status."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from delivery import preview
from delivery.preview import NAMED_PROPERTIES, Change, changes, markdown

URN = "urn:pulumi:qa::tracing::tracing:index:TracingStack$tracing:index:TraceStorage$"
BUCKET = f"{URN}aws:s3/bucket:Bucket::tracing-storage-bucket"
RELEASE = f"{URN}kubernetes:helm.sh/v3:Release::tracing-tempo-release"


def step(op: str, urn: str, *properties: str) -> dict[str, Any]:
    """Return a step as `pulumi preview --json` writes it, with states that must not be shown."""
    detailed = {name: {"kind": "update", "inputDiff": True} for name in properties}
    state = {"urn": urn, "inputs": {"password": "hunter2"}}
    return {
        "op": op,
        "urn": urn,
        "oldState": state,
        "newState": state,
        "detailedDiff": detailed or None,
    }


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: int = 0) -> Path:
    """Put a CLI on PATH that prints a text; return the file that gets its arguments."""
    (folder / "Pulumi.yaml").write_text("name: tracing\nruntime: python\n")
    (folder / "Pulumi.qa.yaml").write_text("config: {}\n")
    (folder / "says").write_text(text)
    bin_ = folder / "bin"
    bin_.mkdir()
    cli = bin_ / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\ncat {folder}/says\nexit {status}\n')
    cli.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    return folder / "asked"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["delivery.preview", "qa", *arguments])
    return preview.main()


def test_a_preview_is_no_failure_whatever_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [step("same", BUCKET), step("update", RELEASE, "values.tempo.retention")]
    asked = program(tmp_path, monkeypatch, json.dumps({"steps": steps}))
    assert run(monkeypatch) == 0
    assert asked.read_text().split() == [
        *("preview", "--stack", "qa", "--json", "--show-sames", "--non-interactive")
    ]
    text = (tmp_path / "build" / "preview" / "qa.md").read_text()
    assert text.startswith("1 to update.\n")
    assert "`tracing-tempo-release` | `kubernetes:helm.sh/v3:Release`" in text
    assert "`values.tempo.retention`" in text


def test_drift_is_a_failure_with_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [step("update", BUCKET, "tags"), step("update", BUCKET, "tags")]
    asked = program(tmp_path, monkeypatch, json.dumps({"steps": steps}))
    assert run(monkeypatch, "--drift") == 1
    assert "--refresh" in asked.read_text()
    assert "1 to update." in (tmp_path / "build" / "drift" / "qa.md").read_text()


def test_no_drift_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the refresh found new, and the program leaves alone.
    steps = [step("update", BUCKET, "arn"), step("same", BUCKET), step("read", RELEASE)]
    program(tmp_path, monkeypatch, json.dumps({"steps": steps}))
    assert run(monkeypatch, "--drift") == 0
    assert (tmp_path / "build" / "drift" / "qa.md").read_text() == "No changes.\n"


def test_a_failed_look_leaves_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "build" / "drift" / "qa.md"
    old.parent.mkdir(parents=True)
    old.write_text("1 to update.")
    errors = [
        {"severity": "warning", "message": "mind the gap"},
        {"severity": "error", "message": "error: no credentials\n"},
    ]
    program(tmp_path, monkeypatch, json.dumps({"diagnostics": errors}), status=255)
    assert run(monkeypatch, "--drift") == 1
    assert capsys.readouterr().err == "error: no credentials\n"
    assert not old.exists()


@pytest.mark.parametrize("says", ["", "[not json", '{"steps": []}'])
def test_a_cli_that_ends_otherwise_is_a_failure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    says: str,
) -> None:
    program(tmp_path, monkeypatch, says, status=3)
    assert run(monkeypatch) == 1
    assert capsys.readouterr().err == "error: pulumi preview ended with status 3\n"
    # For the comment. The error message may hold confidential values.
    assert (
        tmp_path / "build" / "preview" / "qa.md"
    ).read_text() == "failed; the log has the reason.\n"


def test_a_stack_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = program(tmp_path, monkeypatch, "{}")
    monkeypatch.setattr(sys, "argv", ["delivery.preview", "prod"])
    assert preview.main() == 1
    assert "stacks here: qa" in capsys.readouterr().err
    assert not asked.exists()


def test_a_replacement_is_one_change_and_the_severe_come_first() -> None:
    steps = [
        step("create", f"{URN}a:b:C::new"),
        step("create-replacement", BUCKET, "bucket"),
        step("replace", BUCKET, "bucket"),
        step("delete-replaced", BUCKET),
        step("delete", f"{URN}a:b:C::old"),
    ]
    found = changes({"steps": steps})
    assert [(c.operation, c.name) for c in found] == [
        ("delete", "old"),
        ("replace", "tracing-storage-bucket"),
        ("create", "new"),
    ]
    assert markdown(found).startswith("1 to delete, 1 to replace, 1 to create.\n")


def test_values_are_not_shown() -> None:
    assert "hunter2" not in markdown(changes({"steps": [step("update", BUCKET, "password")]}))


def test_many_properties_are_counted() -> None:
    properties = tuple(f"values.p{number}" for number in range(NAMED_PROPERTIES + 3))
    change = Change(operation="update", type="a:b:C", name="x", properties=properties)
    assert "`values.p7`, 3 more |" in markdown([change])
