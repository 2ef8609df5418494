"""Commits of a repository, and what is told of those that are none."""

from pathlib import Path

import pytest

from plan.command import CommandError
from plan.diff.trees import check_out, describe
from tests.plan.diff.plans import commit, git, repository


def test_a_commit_is_written_out_as_it_was(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {"a/b.txt": "old"})
    commit(root, {"a/b.txt": "new"})
    target = tmp_path / "target"
    check_out(root, describe(root, "main~1").base_commit, target)
    assert (target / "a/b.txt").read_text() == "old"
    assert not (target / ".git").exists()
    assert git(root, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("ref", ["main", "HEAD", "v1", "refs/heads/main"])
def test_any_ref_is_a_base(ref: str, tmp_path: Path) -> None:
    root = repository(tmp_path, {"a": "a"})
    git(root, "tag", "v1")
    commits = describe(root, ref)
    assert commits.base == ref
    assert git(root, "rev-parse", "HEAD").startswith(commits.base_commit)
    assert not commits.changed
    assert commits.missing == 0


def test_changes_that_are_not_committed_are_told(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a": "a"})
    (root / "new").write_text("")
    assert describe(root, "main").changed


def test_commits_that_only_the_base_has_are_counted(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a": "a"})
    git(root, "branch", "feature")
    commit(root, {"a": "b"})
    commit(root, {"a": "c"})
    git(root, "checkout", "--quiet", "feature")
    assert describe(root, "main").missing == 2


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "main:a", "HEAD~9", ""])
def test_what_is_no_commit_is_said_in_one_message(ref: str, tmp_path: Path) -> None:
    root = repository(tmp_path, {"a": "a"})
    with pytest.raises(CommandError, match="names no commit here; fetch it first"):
        describe(root, ref)


def test_a_folder_without_git(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a Git repository"):
        describe(tmp_path, "main")
