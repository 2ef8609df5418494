from pathlib import Path

from tests.snapshot import snapshot


def test_a_folder_that_is_written_to_differs(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    assert snapshot(folder) == {}
    (folder / "plan").mkdir(parents=True)
    made = snapshot(folder)
    (folder / "plan" / "plan.json").write_text("a")
    written = snapshot(folder)
    (folder / "plan" / "plan.json").write_text("ab")
    assert len({str(state) for state in (made, written, snapshot(folder))}) == 3
