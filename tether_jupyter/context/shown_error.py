"""Whether a kernel's last error is the one that a notebook's cell shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CELL = re.compile(r"cell \[(\d+)\]")
CUT = "…"


def is_shown(error: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Return whether an error as `probe.error` tells it is the one that a cell shows.

    Parameters
    ----------
    shown:
        `ename` and `evalue` as Jupyter keeps them in an output, and the cell's `execution_count`.
    """
    name = str(error.get("type") or "").rpartition(".")[2]
    if name != shown.get("ename"):
        return False
    # Two cells may fail with the same words; and of a class with a `__str__` of its own the probe has others.
    failed, count = cell_of(error), shown.get("execution_count")
    if failed is not None and count is not None:
        return bool(failed == count)
    return alike(str(error.get("message") or ""), str(shown.get("evalue") or ""))


def cell_of(error: Mapping[str, Any]) -> int | None:
    """Return the count of the cell that failed, the outermost one; `None` where no frame says it."""
    frames = error.get("frames")
    for frame in frames if isinstance(frames, list) else []:
        if isinstance(frame, dict) and (found := CELL.fullmatch(str(frame.get("where")))):
            return int(found[1])
    return None


def alike(one: str, other: str) -> bool:
    """Return whether two texts may be the same, of which either may be cut."""
    one, other = (" ".join(text.removesuffix(CUT).split()) for text in (one, other))
    if not (one and other):
        return one == other
    return one.startswith(other) or other.startswith(one)
