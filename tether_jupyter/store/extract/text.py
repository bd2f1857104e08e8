"""Text, code, Markdown and JSON: as they stand, up to a length."""

from __future__ import annotations

import io
import os
from typing import IO

from tether_jupyter.core.sizes import human
from tether_jupyter.store.extract import MAX_TEXT, Extract


def read(file: IO[bytes], encoding: str) -> Extract:
    """Return the beginning of a text."""
    lines = io.TextIOWrapper(file, encoding)
    found = lines.read(MAX_TEXT + 1)
    if len(found) <= MAX_TEXT:
        return Extract(found) if found.strip() else Extract(problem="It holds nothing but spaces.")
    size = os.fstat(lines.fileno()).st_size
    return Extract(found[:MAX_TEXT], f"Only the first {MAX_TEXT:,} characters of its {human(size)} are read.")
