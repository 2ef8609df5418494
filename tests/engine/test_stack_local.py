"""The stack `local` with the real CLI."""

import shutil
from pathlib import Path

import pytest

from plan import cli

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("pulumi") is None, reason="pulumi is not on PATH")


def test_making_the_stack_leaves_its_file_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is under version control: a fresh `encryptionsalt` would show up in every `git status`."""
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another stack")
    cli.prepare("local")
    assert (tmp_path / "Pulumi.local.yaml").read_text() == (ROOT / "Pulumi.local.yaml").read_text()
