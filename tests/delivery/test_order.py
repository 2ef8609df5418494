"""An older run never rolls an environment back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from delivery import order
from plan.cli import Cli


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    made: list[str] = []
    for number in range(3):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", str(number))
        made.append(git(tmp_path, "rev-parse", "HEAD"))
    return made


def update(
    commit: str | None, kind: str = "update", result: str = "succeeded"
) -> dict[str, object]:
    environment = {"environment": {"git.head": commit}} if commit else {}
    return {"kind": kind, "result": result, **environment}


def run(
    folder: Path,
    history: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(history)}\nEND\n")
    program.chmod(0o755)
    cli = Cli(program=str(program), env={})

    def prepare(stack: str) -> Cli:
        return cli

    monkeypatch.setattr(order, "prepare", prepare)
    monkeypatch.setattr(sys, "argv", ["delivery.order", "prod"])
    monkeypatch.chdir(folder)
    return order.main()


def test_an_older_commit_is_refused_and_says_what_to_do(
    tmp_path: Path,
    commits: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    git(tmp_path, "checkout", "--quiet", commits[1])

    assert run(tmp_path, [update(commits[2]), update(commits[0])], monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: prod runs commit {commits[2][:9]}, which is newer than")
    assert "Approve the newest run" in said


@pytest.mark.parametrize(
    "history",
    [
        [],
        ["same"],
        ["older"],
        ["unknown"],
        [None],
        # What failed, and what was looked at only, is not deployed.
        ["failed", "older"],
        ["preview", "older"],
    ],
    ids=str,
)
def test_the_same_commit_and_a_newer_one_go_on(
    history: list[str | None],
    tmp_path: Path,
    commits: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git(tmp_path, "checkout", "--quiet", commits[1])
    of = {
        "same": update(commits[1]),
        "older": update(commits[0]),
        "unknown": update("0" * 40),
        None: update(None),
        "failed": update(commits[2], result="failed"),
        "preview": update(commits[2], kind="refresh"),
    }

    assert run(tmp_path, [of[name] for name in history], monkeypatch) == 0
