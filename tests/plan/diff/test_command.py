"""The command, on a copy of the project in a repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.rules import SettingsError
from plan.diff import MARKER
from plan.run import run
from tests.plan.diff.plans import ROOT, commit, git, repository

#: What a plan is made of.
PARTS = (
    *("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml"),
    *("components", "config", "plan", "policy"),
)
REPORT = "build/plan-diff/report.md"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the smallest stack, committed as `main`."""
    folder = tmp_path_factory.mktemp("project")
    for part in (p for p in PARTS if (ROOT / p).exists()):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return repository(folder, {".gitignore": "build/\nvenv/\n__pycache__/\n"})


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    shutil.copytree(project, tmp_path / "copy")
    return tmp_path / "copy"


def environment(folder: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    return {**clean, "PYTHONPATH": str(folder), **more}


def diff(folder: Path, base: str = "main", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plan.diff", base],
        cwd=folder,
        env=environment(folder, **env),
        capture_output=True,
        text=True,
    )


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_one_value_changed(copy: Path) -> None:
    edit(copy / "Pulumi.local.yaml", "retentionHours: 24", "retentionHours: 12")
    github = {"SERVER_URL": "https://git.example.com", "REPOSITORY": "acme/tracing", "SHA": "abc"}
    done = diff(copy, **{f"GITHUB_{k}": v for k, v in github.items()})
    assert (done.returncode, done.stderr) == (0, "")
    assert "local: 1 to update, 1 with an order" in done.stdout
    said = (copy / REPORT).read_text()
    assert said.startswith(MARKER)
    assert "| **local** | - | 1 | - | - |" in said
    assert "| `tracing:tempo.retentionHours` | `24` | `12` |" in said
    assert "| `tempo.retention` | `24h` | `12h` |" in said
    assert (copy / "build/plan-diff/full.md").exists()
    # Links lead somewhere in a comment too.
    links = re.findall(r"\]\((.*?)\)", said)
    docs = "https://git.example.com/acme/tracing/blob/abc/docs/"
    assert f"{docs}operations.md#what-a-change-does" in links
    assert [link for link in links if not link.startswith(docs)] == []
    # Nothing is left in the repository.
    assert git(copy, "worktree", "list").count("\n") == 0
    assert git(copy, "status", "--porcelain") == "M Pulumi.local.yaml"


def test_each_side_is_planned_by_its_own_code(copy: Path) -> None:
    edit(copy / "components/platform/helm.py", "MAX_HISTORY = 10", "MAX_HISTORY = 9")
    done = diff(copy)
    assert "local: 3 to update" in done.stdout
    said = (copy / REPORT).read_text()
    assert "| `tracing-tempo-release` | `maxHistory` | `10` | `9` |" in said
    assert "(../../docs/reviewing.md)" in said


def test_stack_files_that_come_go_and_are_refused(copy: Path) -> None:
    for stack in ("old", "wrong"):
        shutil.copy(copy / "Pulumi.local.yaml", copy / f"Pulumi.{stack}.yaml")
    commit(copy, {})
    edit(copy / "Pulumi.wrong.yaml", "retentionHours", "retentionHors")
    (copy / "Pulumi.old.yaml").rename(copy / "Pulumi.new.yaml")
    done = diff(copy)
    assert done.returncode == 1
    assert "local: nothing changes" in done.stdout
    assert "new: a new environment" in done.stdout
    assert "old: the stack file is gone" in done.stdout
    assert "wrong: the stack file is refused" in done.stdout
    # The message is that of `make plan`.
    with pytest.raises(SettingsError) as refused:
        run("wrong", copy)
    assert done.stderr == f"error: {refused.value}\n"
    said = (copy / REPORT).read_text()
    assert str(refused.value) in said
    assert "A new environment of" in said
    assert "The stack file is gone, the environment is not" in said


def test_code_that_fails_says_why_without_a_traceback(copy: Path) -> None:
    program = (copy / "__main__.py").read_text()
    commit(copy, {"__main__.py": f"{program}\nraise ValueError('not so')\n"})
    git(copy, "checkout", "--quiet", "HEAD~1", "--", "__main__.py")
    done = diff(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "local: the base can't be planned" in done.stdout
    assert "ValueError: not so" in (copy / REPORT).read_text()


def test_an_unknown_ref_is_one_message(copy: Path) -> None:
    done = diff(copy, "nowhere")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: BASE=nowhere names no commit here; fetch it first")
    assert len(done.stderr.splitlines()) == 1


def test_make_compares_with_main_and_runs_no_name(copy: Path) -> None:
    shutil.copy(ROOT / "Makefile", copy)
    python = copy / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        # -o: what sets the virtual environment up is not made anew.
        return subprocess.run(
            ["make", "-o", "venv/.stack", "plan-diff", *arguments],
            cwd=copy,
            env=environment(copy),
            capture_output=True,
            text=True,
        )

    done = make()
    assert done.returncode == 0, done.stderr
    assert "From main (" in done.stdout
    assert "local: nothing changes" in done.stdout
    assert "Nothing changes in local." in (copy / REPORT).read_text()
    refused = make("BASE=a;touch${IFS}ran")
    assert refused.returncode != 0
    assert "names no commit here" in refused.stderr
    assert not (copy / "ran").exists()
