"""Calls to GitHub through the `gh` CLI: arguments, answers and errors."""

from pathlib import Path

import pytest

from delivery import DeliveryError, github
from tests.delivery.api import REPOSITORY


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `gh` on PATH that answers with `says`; return the file with its arguments and input."""
    program = tmp_path / "gh"
    program.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/asked\n"
        f'case "$*" in *--input*) cat >> {tmp_path}/asked;; esac\n'
        f"[ -e {tmp_path}/says ] || {{ echo 'gh: Not Found (HTTP 404)' >&2; exit 1; }}\n"
        f"cat {tmp_path}/says\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    return tmp_path / "asked"


def test_a_list_has_the_items_of_all_pages(asked: Path) -> None:
    # As `gh api --paginate --jq .[]` prints two pages.
    asked.with_name("says").write_text('{"number": 1}\n{"number": 2}\n')

    assert github.items("pulls", head="a:b&c") == [{"number": 1}, {"number": 2}]
    assert asked.read_text().splitlines() == [
        *("api", f"repos/{REPOSITORY}/pulls"),
        *("--method", "GET", "--paginate", "--jq", ".[]", "-f", "head=a:b&c"),
    ]
    asked.with_name("says").write_text("")
    assert github.items("pulls") == []


def test_a_change_is_sent_as_json(asked: Path) -> None:
    asked.with_name("says").write_text('{"number": 3}')

    assert github.write("POST", "issues", {"title": "@x"}) == {"number": 3}
    assert asked.read_text().splitlines() == [
        *("api", f"repos/{REPOSITORY}/issues"),
        *("--method", "POST", "--input", "-", '{"title": "@x"}'),
    ]


def test_a_refusal_is_one_message(asked: Path) -> None:
    with pytest.raises(DeliveryError, match=r"^pulls: gh: Not Found \(HTTP 404\)$"):
        github.items("pulls")


def test_outside_of_a_workflow_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    with pytest.raises(DeliveryError, match="GITHUB_REPOSITORY is not set"):
        github.items("pulls")
