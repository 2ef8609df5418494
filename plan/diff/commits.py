"""The two trees that are compared: a commit in a folder of its own, and the working tree."""

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


class UnknownCommitError(Exception):
    """A ref that names no commit here, or a folder that is no Git repository."""


@dataclass(frozen=True, kw_only=True)
class Commits:
    """What is compared, for the head of a report.

    Attributes:
        base: the ref as given.
        base_commit: short hash of its commit.
        head_commit: short hash of the commit that is checked out.
        changed: whether the working tree differs from that commit.
        missing: commits of the base that the checked out one does not have.
    """

    base: str
    base_commit: str
    head_commit: str
    changed: bool
    missing: int


def describe(root: Path, base: str) -> Commits:
    """Return what a ref and the working tree are.

    Args:
        root: folder of the project.
        base: any Git ref.

    Raises:
        UnknownCommitError: the ref names no commit here.
    """
    try:
        base_commit = _git(root, "rev-parse", "--verify", "--short", f"{base}^{{commit}}")
    except subprocess.CalledProcessError as error:
        if "not a git repository" in error.stderr:
            raise UnknownCommitError(
                "not a Git repository: there is no commit to compare"
            ) from None
        raise UnknownCommitError(
            f"BASE={base} names no commit here; fetch it first (git fetch origin {base}), "
            "or name another: a branch, a tag or a hash"
        ) from None
    return Commits(
        base=base,
        base_commit=base_commit,
        head_commit=_git(root, "rev-parse", "--short", "HEAD"),
        changed=bool(_git(root, "status", "--porcelain", "--untracked-files=all")),
        missing=int(_git(root, "rev-list", "--count", f"HEAD..{base_commit}")),
    )


def check_out(root: Path, commit: str, folder: Path) -> None:
    """Write the project's files of a commit into a folder.

    As an archive and not as a worktree: nothing is noted in the repository, so nothing stays there
    when the run is killed.
    """
    done = subprocess.run(  # noqa: S603 - a hash that Git itself gave
        ["git", "archive", "--format=tar", commit],  # noqa: S607
        cwd=root,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - `--verify` takes no ref for an option
        ["git", *arguments],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
