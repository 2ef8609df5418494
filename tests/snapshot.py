"""Snapshots of a folder, to detect writes."""

from pathlib import Path

#: Time of the last change and size of each file by its path.
Snapshot = dict[str, tuple[int, int]]


def snapshot(folder: Path) -> Snapshot:
    """Return the state of a folder, which need not exist."""
    found = {path: path.lstat() for path in sorted(folder.rglob("*"))}
    return {str(path): (state.st_mtime_ns, state.st_size) for path, state in found.items()}
