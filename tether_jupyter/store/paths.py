"""Notebooks' paths, and what lies there on this machine's disk."""

from __future__ import annotations

from pathlib import Path


def file_id(root: str, path: str) -> str | None:
    """Return a file's device and number; both stay when it is renamed, and when Jupyter saves it.

    A number is free again as soon as its file is gone, and the next file gets it: see `moved_here`.
    """
    try:
        found = Path(root, *path.strip("/").split("/")).stat()
    except (OSError, ValueError):  # A name that no file can have.
        return None
    return f"{found.st_dev}:{found.st_ino}" if found.st_ino else None


def moved_here(file: str, old: str | None, old_root: str | None, root: str | None) -> bool:
    """Return whether the notebook that was kept as `file` at `old` can be the one that has that id now.

    It is another one where the old path still has a file with an id of its own: git, say, writes files anew.
    Out of another root comes none but a file that can still be seen there, too.
    """
    base = old_root or root
    there = file_id(base, old) if base is not None and old is not None else None
    if there is not None:
        return there == file
    return old_root is None or old_root == root


def within(path: str | None, folder: str) -> bool:
    """Return whether a path is another one, or lies below it."""
    return path is not None and (path == folder or path.startswith(folder.rstrip("/") + "/"))
