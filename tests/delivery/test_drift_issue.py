"""One issue for the drift of each environment: opened, updated, closed."""

import sys
from pathlib import Path

import pytest

from delivery import drift_issue
from delivery.drift_issue import marker
from tests.delivery.api import Api


def after_detection(
    monkeypatch: pytest.MonkeyPatch, folder: Path, outcome: str, report: str | None = None
) -> int:
    """Run the program as the workflow does after `make drift STACK=prod`."""
    monkeypatch.chdir(folder)
    file = folder / "build" / "drift" / "prod.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    if report is not None:
        file.write_text(report)
    monkeypatch.setattr(sys, "argv", ["delivery.drift_issue", "prod", outcome])
    return drift_issue.main()


def test_it_is_opened_updated_and_closed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert after_detection(monkeypatch, tmp_path, "failure", "1 to update.") == 0
    [issue] = api.issues
    assert issue["title"] == "Drift in prod"
    assert issue["body"].startswith(marker("prod"))
    assert "1 to update." in issue["body"]

    assert after_detection(monkeypatch, tmp_path, "failure", "2 to update.") == 0
    [issue] = api.issues
    assert "2 to update." in issue["body"]

    assert after_detection(monkeypatch, tmp_path, "success", "No changes.") == 0
    [issue] = api.issues
    assert issue["state"] == "closed"
    assert "no drift" in api.bodies(issue["number"])[0]

    assert after_detection(monkeypatch, tmp_path, "failure", "3 to update.") == 0
    assert [issue["state"] for issue in api.issues] == ["closed", "open"]


@pytest.mark.parametrize("outcome", ["failure", "skipped", ""])
def test_a_failed_detection_is_reported_and_closes_nothing(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    assert after_detection(monkeypatch, tmp_path, outcome) == 0
    [issue] = api.issues
    assert "its drift is unknown" in issue["body"]
    assert issue["state"] == "open"


def test_the_issues_of_others_stay(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.issue(1, f"{marker('staging')}\n1 to update.")
    api.issue(2, f"{marker('prod')}\nA copy.", user="somebody")
    assert after_detection(monkeypatch, tmp_path, "success") == 0
    assert [issue["state"] for issue in api.issues] == ["open", "open"]
    assert not api.comments
