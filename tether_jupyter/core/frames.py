"""Where an exception came from, without a word of what it says: that may hold a key, or somebody's data."""

from __future__ import annotations

import traceback

DEEPEST = 12


def frames(reason: BaseException) -> str:
    """Return the exception's type and its innermost frames, one a line."""
    found = traceback.extract_tb(reason.__traceback__)[-DEEPEST:]
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in found]
    return "\n".join([type(reason).__name__, *lines])
