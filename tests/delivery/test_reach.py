"""What a workflow is told of the account and cluster of each stack."""

import sys

import pytest

from delivery import reach


def told(stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["delivery.reach", stack])
    assert reach.main() == 0
    return capsys.readouterr().out


def test_a_context_is_made_where_the_stack_file_names_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told("dev", monkeypatch, capsys).splitlines()
    assert lines[:4] == [
        "region=eu-west-1",
        "account-id=111111111111",
        "cluster=platform-dev",
        "kube-context=platform-dev",
    ]
    assert lines[4].endswith("/.kube/config")


def test_another_stack_hands_over_its_own_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "kube-context=\n" in told("prod", monkeypatch, capsys)


def test_a_stack_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["delivery.reach", "qa"])
    assert reach.main() == 1
    assert "there is no such file" in capsys.readouterr().err
