"""What ties a child process to its parent: it ends with it, and it goes first when memory is short."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from tether_jupyter.core.bounded import die_with_parent

__all__ = ["die_with_parent", "go_first", "leave_no_core"]

OOM_SCORE_FILE = Path("/proc/self/oom_score_adj")
OOM_SCORE = "600"


def leave_no_core() -> None:
    """Dump no core when native code aborts: gigabytes of it would delay the news of the end.

    The limit is 1, because the kernel asks a dump handler that it pipes to even when it is 0.
    """
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def go_first() -> None:
    """Offer this process to the kernel's out-of-memory killer before the server and the kernels."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            OOM_SCORE_FILE.write_text(OOM_SCORE)
