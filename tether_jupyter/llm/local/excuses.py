"""Why a process may be late and yet be sound: others have the cores, or it waits for a disk."""

from __future__ import annotations

import sys
import time
from pathlib import Path

NANOSECONDS = 1e9
MAJOR_FAULTS = 9
"""The place of a process's page faults that needed a disk in its `stat`, behind its name."""


class Excuses:
    """Looks at one process now and then. Linux tells why it waits; elsewhere only this process's own CPU
    time is known, and whatever it spent without computing counts as excused.

    Parameters
    ----------
    process:
        Its number; `None` for this one.
    """

    def __init__(self, process: int | None = None) -> None:
        self.own = process is None
        self.folder = Path("/proc") / str(process or "self")
        self.waited: dict[str, int] = {}
        self.faults = 0
        self.computed = 0.0
        self.looked = 0.0

    def look(self, now: float) -> float:
        """Return how many of the seconds since the last look were not the process's fault.

        Parameters
        ----------
        now:
            Seconds that only grow, by the same clock each time.
        """
        passed, self.looked = now - self.looked, now
        if sys.platform == "linux":
            waited, faults = self.queued(), self.read_from_disk()
            longest = max((nanos - self.waited.get(name, 0) for name, nanos in waited.items()), default=0)
            excused = passed if faults > self.faults else longest / NANOSECONDS
            self.waited, self.faults = waited, faults
        else:
            computed = time.process_time() if self.own else 0.0
            excused = passed - (computed - self.computed) if self.own else 0.0
            self.computed = computed
        return min(max(excused, 0.0), passed)

    def queued(self) -> dict[str, int]:
        """Return for how many nanoseconds each thread was ready to compute and no core was free."""
        found = {}
        for entry in self.folder.glob("task/*/schedstat"):
            fields = text(entry).split()
            if len(fields) == 3:
                found[entry.parent.name] = int(fields[1])
        return found

    def read_from_disk(self) -> int:
        """Return how often the process had to wait for pages from a disk."""
        fields = text(self.folder / "stat").rpartition(")")[2].split()
        return int(fields[MAJOR_FAULTS]) if len(fields) > MAJOR_FAULTS else 0


def text(path: Path) -> str:
    """Return what the kernel tells, or nothing where a thread has ended meanwhile."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
