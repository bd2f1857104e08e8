"""How much memory a new process may take."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Return the bytes to be had without swapping, a container's limit included; `None` if unknown."""
    if sys.platform == "linux":
        found = [free_memory(read(MEMINFO)), *group_limits(read(GROUP), ROOT)]
        known = [value for value in found if value is not None]
        return min(known) if known else None
    try:  # The whole of it: what is free cannot be asked without another package.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def resident(pid: int | None) -> int | None:
    """Return the bytes that a process holds, mapped files included; `None` where it cannot be told."""
    pages = read(Path(f"/proc/{pid}/statm")).split() if pid is not None else []
    if len(pages) < 2 or not pages[1].isdigit():
        return None
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


def free_memory(meminfo: str) -> int | None:
    """Return `MemAvailable` of a `/proc/meminfo`, in bytes."""
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and value.split()[:1] and value.split()[0].isdigit():
            return int(value.split()[0]) * 1024
    return None


def group_limits(groups: str, root: Path) -> list[int]:
    """Return what is left below each limit of the control groups that a process is in, of either version."""
    left = []
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "memory" if controllers else root
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
        folder = base / path.strip().lstrip("/")
        for place in (folder, *folder.parents):
            limit, used = read(place / names[0]).strip(), read(place / names[1]).strip()
            if limit.isdigit() and used.isdigit():
                left.append(
                    max(0, int(limit) - int(used) + reclaimable(read(place / "memory.stat"), names[2]))
                )
            if place == base:
                break
    return left


def reclaimable(stat: str, name: str) -> int:
    """Return the bytes of cached files that a group gives up first."""
    for line in stat.splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.strip().isdigit():
            return int(value)
    return 0


def read(path: Path) -> str:
    """Return a file's text, or nothing where there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
