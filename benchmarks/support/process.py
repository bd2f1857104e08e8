"""Processes: their environment, what they cost, and their certain end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
GRACE = 10.0
# What would change how a server or a kernel behaves, lead it off this machine, or have it compile what pip
# has compiled where Tether is installed.
FOREIGN = (
    "OPENAI_",
    "OPENROUTER_",
    "TETHER_",
    "JUPYTER",
    "LLM__",
    "IPYTHON",
    "MODEL_",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "DATABASE_",
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment(**extra: str) -> dict[str, str]:
    """Return this process's variables without those that would steer a server or a kernel, and `extra`."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN) and k.lower() not in PROXIES}
    return {**own, **extra}


@contextlib.contextmanager
def process(
    command: list[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    log: Path | None = None,
    pipes: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Run a process, and end it and all that it started when the block is left."""
    pipe = subprocess.PIPE if pipes else subprocess.DEVNULL
    with log.open("a") if log else contextlib.nullcontext(subprocess.DEVNULL) as errors:
        child = subprocess.Popen(
            command,
            env=dict(env) if env is not None else environment(),
            cwd=cwd,
            stdin=pipe,
            stdout=pipe,
            stderr=errors,
            text=True,
        )
        try:
            yield child
        finally:
            end(child)


def end(child: subprocess.Popen[str]) -> None:
    """End a process and its descendants: asked first, killed where that does not help."""
    family = {pid: begun for pid in descendants(child.pid) if (begun := start_of(pid))}
    if child.stdin:
        with contextlib.suppress(OSError):
            child.stdin.close()
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(GRACE)
    if child.stdout:
        child.stdout.close()
    for pid, begun in family.items():
        # A number may belong to somebody else by now.
        if start_of(pid) == begun:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` from the state on; none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def start_of(pid: int) -> str | None:
    """Return when a process was started, in ticks; `None` for one that is gone or a zombie."""
    fields = stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else None


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def child_named(pid: int, text: str) -> int | None:
    """Return the descendant whose command line holds a text."""
    for child in descendants(pid):
        with contextlib.suppress(OSError):
            if text in Path(f"/proc/{child}/cmdline").read_text():
                return child
    return None


def cpu_seconds(pid: int, *, family: bool = True) -> float:
    """Return the CPU time of a process, with all that it started, ended ones included."""
    total = 0
    for one in [pid, *(descendants(pid) if family else [])]:
        if fields := stat(one):
            total += sum(map(int, fields[11:15] if family else fields[11:13]))
    return total / TICKS


def rss(pid: int) -> float:
    """Return the resident memory of one process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def wait_until(check: Callable[[], Found | None], seconds: float, what: str, pause: float = 0.01) -> Found:
    """Call `check` until it returns something true, and return that; raise after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(pause)
    return found
