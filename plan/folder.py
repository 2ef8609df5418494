"""Folders of written files that are complete or stay as they were."""

import tempfile
from collections.abc import Mapping
from pathlib import Path


def replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Replace a folder by one that holds just these files.

    The files are written beside it first, so that an error leaves the old folder as it was.

    Args:
        folder: the folder; its parents are created.
        files: texts by their paths below it.

    Raises:
        OSError: something cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        for path, text in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, encoding="utf-8")
        if folder.is_dir() and not folder.is_symlink():
            folder.rename(old)
        else:
            folder.unlink(missing_ok=True)
        new.rename(folder)
