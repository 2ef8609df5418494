"""The command, on a copy of the project in a repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.checks import SettingsError
from plan.diff import MARKER
from plan.diff.__main__ import main
from plan.run import run
from tests.plan.diff.plans import ROOT, commit, git, repository

#: What a plan is made of.
PARTS = (
    *("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml"),
    *("components", "config", "plan", "policy"),
)
REPORT = "build/plan-diff/report.md"
#: With the bytecode of the components, which is the same here.
_NOT_COPIED = shutil.ignore_patterns("venv")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with the smallest stack, committed as `main`."""
    folder = tmp_path / "project"
    folder.mkdir()
    for part in (p for p in PARTS if (ROOT / p).exists()):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=_NOT_COPIED)
        else:
            shutil.copy(source, folder)
    return repository(folder, {".gitignore": "build/\nvenv/\n__pycache__/\n"})


def environment(folder: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    return {**clean, "PYTHONPATH": str(folder)}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_each_side_is_planned_by_its_own_code_and_stack_files(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    for stack in ("old", "wrong"):
        shutil.copy(project / "Pulumi.local.yaml", project / f"Pulumi.{stack}.yaml")
    commit(project, {})
    edit(project / "Pulumi.local.yaml", "retentionHours: 24", "retentionHours: 12")
    edit(project / "components/core/helm.py", "MAX_HISTORY = 10", "MAX_HISTORY = 9")
    edit(project / "Pulumi.wrong.yaml", "retentionHours", "retentionHors")
    (project / "Pulumi.old.yaml").rename(project / "Pulumi.new.yaml")

    github = {"SERVER_URL": "https://git.example.com", "REPOSITORY": "acme/tracing", "SHA": "abc"}
    for name, value in github.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    monkeypatch.setattr(sys, "argv", ["plan.diff", "main"])

    assert main() == 1
    printed = capsys.readouterr()
    assert "local: 3 to update, 1 with an order" in printed.out
    assert "new: a new environment" in printed.out
    assert "old: the stack file is gone" in printed.out
    assert "wrong: the stack file is refused" in printed.out
    # The message is that of `make plan`.
    with pytest.raises(SettingsError) as refused:
        run("wrong", project)
    assert printed.err == f"error: {refused.value}\n"

    said = (project / REPORT).read_text()
    assert said.startswith(MARKER)
    assert "| **local** | - | 3 | - | - |" in said
    assert "| `tracing:tempo.retentionHours` | `24` | `12` |" in said
    assert "| `tempo.retention` | `24h` | `12h` |" in said
    assert "| `tracing-tempo-release` | `maxHistory` | `10` | `9` |" in said
    assert str(refused.value) in said
    assert "A new environment of" in said
    assert "The stack file is gone, the environment is not" in said
    assert (project / "build/plan-diff/full.md").exists()
    # Links lead somewhere in a comment too.
    links = re.findall(r"\]\((.*?)\)", said)
    docs = "https://git.example.com/acme/tracing/blob/abc/docs/"
    assert f"{docs}changes.md#risky-changes" in links
    assert [link for link in links if not link.startswith(docs)] == []
    # Nothing is left in the repository.
    assert git(project, "worktree", "list").count("\n") == 0
    assert git(project, "status", "--porcelain", "--untracked-files=all").splitlines() == [
        "M Pulumi.local.yaml",
        " D Pulumi.old.yaml",
        " M Pulumi.wrong.yaml",
        " M components/core/helm.py",
        "?? Pulumi.new.yaml",
    ]


# test_trees.py and test_report.py hold each half of this.
@pytest.mark.slow
def test_code_that_fails_says_why_without_a_traceback(project: Path) -> None:
    program = (project / "__main__.py").read_text()
    commit(project, {"__main__.py": f"{program}\nraise ValueError('not so')\n"})
    git(project, "checkout", "--quiet", "HEAD~1", "--", "__main__.py")
    done = make(project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "From main (" in done.stdout
    assert "local: the base can't be planned" in done.stdout
    said = (project / REPORT).read_text()
    assert "ValueError: not so" in said
    assert "(../../docs/reviewing.md)" in said


def test_an_unknown_ref_is_one_message_and_runs_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository(tmp_path, {"a": ""}))
    monkeypatch.setattr(sys, "argv", ["plan.diff", "a;touch${IFS}ran"])
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    [message] = printed.err.splitlines()
    assert message.startswith("error: BASE=a;touch${IFS}ran names no commit here; fetch it first")
    assert not (tmp_path / "ran").exists()


def make(project: Path) -> subprocess.CompletedProcess[str]:
    """Run `make plan-diff` with this Python instead of a virtual environment."""
    shutil.copy(ROOT / "Makefile", project)
    python = project / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return subprocess.run(
        # -o: the virtual environment counts as set up.
        ["make", "--no-print-directory", "-o", "venv/.stack", "plan-diff"],
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
    )
