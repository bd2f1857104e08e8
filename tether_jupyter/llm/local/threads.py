"""How many threads to compute with."""

from __future__ import annotations

import os
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
GROUPS = Path("/proc/self/cgroup")
CONTROL = Path("/sys/fs/cgroup")


def default_threads() -> int:
    """Return one fewer than the physical cores that this process may use, and at least 1.

    One core is left to the kernel that runs the user's cells: with all of them taken, one busy cell makes
    the model several times slower. A container's share counts, too.
    """
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    cores = len(usable) if usable is not None else os.cpu_count() or 1
    physical = physical_cores(read(CPUINFO), set(usable or ()))
    return max(1, min(physical or cores, *group_quotas(read(GROUPS), CONTROL), cores) - 1)


def physical_cores(cpuinfo: str, usable: set[int]) -> int:
    """Count distinct cores among the usable processors of a `/proc/cpuinfo`; 0 where it does not say."""
    cores: set[tuple[str, str]] = set()
    for block in cpuinfo.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        entry = {key.strip(): value.strip() for key, _, value in pairs}
        if "core id" in entry and (not usable or int(entry.get("processor", "-1")) in usable):
            cores.add((entry.get("physical id", "0"), entry["core id"]))
    return len(cores)


def group_quotas(groups: str, root: Path) -> list[int]:
    """Return how many processors each control group grants that this process is in, of either version."""
    granted = []
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        folder = base / path.strip().lstrip("/")
        for place in (folder, *folder.parents):
            amount = read(place / "cpu.cfs_quota_us").strip(), read(place / "cpu.cfs_period_us").strip()
            granted.append(quota(" ".join(amount) if controllers else read(place / "cpu.max")))
            if place == base:
                break
    return [each for each in granted if each]


def quota(text: str) -> int:
    """Return how many processors a cgroup's `cpu.max` grants, rounded up; 0 for no limit."""
    amount, _, period = text.partition(" ")
    if not amount.strip().isdigit() or not period.strip().isdigit():
        return 0
    return max(1, -(-int(amount) // int(period)))


def read(path: Path) -> str:
    """Return a file's text, or nothing where there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
