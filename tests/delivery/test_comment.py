"""One comment a pull request, on the right one, whatever a stranger wrote into the artefacts."""

import sys
from pathlib import Path

import pytest

from delivery import comment
from delivery.github import BODY_LIMIT
from plan.diff import MARKER
from tests.delivery.api import REPOSITORY, Api

SHA = "a" * 40
RUN = "https://github.com/acme/tracing/actions/runs/7"


def artefacts(folder: Path, report: str = "dev: 1 change", **previews: str) -> Path:
    """Write artefacts as they are downloaded."""
    (folder / "plan-diff").mkdir()
    (folder / "plan-diff" / "report.md").write_text(report)
    for stack, text in previews.items():
        (folder / f"preview-{stack}").mkdir()
        (folder / f"preview-{stack}" / f"{stack}.md").write_text(text)
    return folder


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *, source: str = REPOSITORY) -> int:
    """Run the program as the workflow does."""
    monkeypatch.setenv("HEAD_REPOSITORY", source)
    monkeypatch.setenv("HEAD_BRANCH", "more-retention")
    monkeypatch.setenv("HEAD_SHA", SHA)
    monkeypatch.setattr(sys, "argv", ["delivery.comment", str(folder)])
    return comment.main()


def test_the_first_run_comments_and_the_next_one_updates(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.pull(4, head="acme:more-retention", sha=SHA)
    api.comment(4, "Nice.", user="somebody")
    assert run(artefacts(tmp_path), monkeypatch) == 0
    assert api.bodies(4) == ["Nice.", f"{MARKER}\n\ndev: 1 change\n"]

    (tmp_path / "plan-diff" / "report.md").write_text("dev: 2 changes")
    assert run(tmp_path, monkeypatch) == 0
    assert api.bodies(4) == ["Nice.", f"{MARKER}\n\ndev: 2 changes\n"]


def test_a_marker_of_somebody_else_is_not_ours(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.pull(4, head="acme:more-retention", sha=SHA)
    api.comment(4, f"{MARKER}\nNo changes.", user="somebody")
    assert run(artefacts(tmp_path), monkeypatch) == 0
    assert api.bodies(4)[0] == f"{MARKER}\nNo changes."
    assert len(api.bodies(4)) == 2


@pytest.mark.parametrize(
    ("head", "sha", "state"),
    [
        ("acme:other", SHA, "open"),
        ("mallory:more-retention", SHA, "open"),
        ("acme:more-retention", "b" * 40, "open"),
        ("acme:more-retention", SHA, "closed"),
    ],
    ids=["another branch", "another fork", "a newer commit", "closed"],
)
def test_nothing_is_written_to_another_pull_request(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, sha: str, state: str
) -> None:
    api.pull(4, head=head, sha=sha, state=state)
    # What the artefact says about a number is not asked.
    (artefacts(tmp_path) / "plan-diff" / "number").write_text("4")
    assert run(tmp_path, monkeypatch) == 0
    assert not api.comments
    assert {method for method, _ in api.calls} == {"GET"}


def test_a_fork_says_so_and_shows_no_preview(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.pull(5, head="mallory:more-retention", sha=SHA)
    folder = artefacts(tmp_path, prod="No changes.")
    assert run(folder, monkeypatch, source="mallory/tracing") == 0
    [body] = api.bodies(5)
    assert "code of a fork" in body
    assert "pulumi preview" not in body


def test_previews_follow_the_report(tmp_path: Path) -> None:
    table = "1 to update.\n\n| | resource |\n|---|---|\n| update | `x` |\n"
    folder = artefacts(tmp_path, f"{MARKER}\nThe report.", dev="No changes.\n", prod=table)
    body = comment.body(folder, run_url=RUN, fork=False)
    assert body.count(MARKER) == 1
    assert body.startswith(f"{MARKER}\n\nThe report.\n\n")
    report, dev, prod = (
        body.index(text) for text in ("The report", "of dev: No changes.", "of prod: 1 to update.")
    )
    assert report < dev < prod
    assert body.rstrip().endswith("| update | `x` |\n\n</details>")


def test_without_artefacts_the_comment_leads_to_the_run(tmp_path: Path) -> None:
    body = comment.body(tmp_path / "nothing", run_url=RUN, fork=False)
    assert "The plan failed" in body
    assert RUN in body


def test_a_report_that_is_too_long_is_cut(tmp_path: Path) -> None:
    body = comment.body(artefacts(tmp_path, "x" * 200_000), run_url=RUN, fork=False)
    assert len(body) <= BODY_LIMIT
    assert body.endswith(f"[the run]({RUN}).\n")


def test_tables_of_previews_give_way_to_a_long_report(tmp_path: Path) -> None:
    report = "x" * (BODY_LIMIT - 3000)
    folder = artefacts(tmp_path, report, dev="1 to update.\n\n" + "| a |\n" * 1000)
    body = comment.body(folder, run_url=RUN, fork=False)
    assert report in body
    assert body.endswith("of dev: 1 to update.\n")


def test_nobody_is_called_and_no_file_of_the_machine_is_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    folder = artefacts(tmp_path, "Look, @acme/everyone", dev="x\n\ny", prod="<script>\n")
    (folder / "preview-dev" / "dev.md").unlink()
    (folder / "preview-dev" / "dev.md").symlink_to(secret)
    body = comment.body(folder, run_url=RUN, fork=False)
    assert "@acme" not in body
    assert "hunter2" not in body
    assert "<script>" not in body
