"""Child processes for foreign content: which variables they see, and what they may take."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NAMES = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"),
        *("CONDA_PREFIX", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "USERPROFILE", "LOCALAPPDATA", "APPDATA"),
    }
)
PREFIXES = ("LC_",)
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH")
PR_SET_PDEATHSIG = 1
OPEN_FILES = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may take.

    Parameters
    ----------
    memory:
        MiB of address space beyond what the process begins with. Linux only.
    cpu:
        Seconds of computing. Not on Windows.
    wall:
        Seconds from start to end.
    output:
        Bytes that it may answer.
    """

    memory: int = 512
    cpu: int = 10
    wall: float = 30.0
    output: int = 4 * 2**20


class OutOfBounds(Exception):
    """A child process was ended, or ended itself, without an answer. The text says why, for people."""


def child_environment(
    variables: Mapping[str, str] | None = None, prefixes: Sequence[str] = PREFIXES
) -> dict[str, str]:
    """Return the variables that a child process gets: an allow-list, so that it holds no secrets.

    A listed prefix is not enough: `NVIDIA_API_KEY` and `LLAMA_API_KEY` are secrets all the same.
    """
    variables = os.environ if variables is None else variables
    kept = {
        name: value
        for name, value in variables.items()
        if (name in NAMES or name.startswith(tuple(prefixes)))
        and not any(word in name.upper() for word in SECRET_WORDS)
    }
    kept["PYTHONPATH"] = python_path(kept.get("PYTHONPATH", ""))
    return kept


def python_path(inherited: str) -> str:
    """Return the import path for a child, which does not run in this process's folder.

    An installed package is found by itself; a checkout that the server runs from is not. Relative entries
    are dropped: they mean the working folder, where a notebook's neighbour may be called `json.py`.
    """
    entries = [entry for entry in inherited.split(os.pathsep) if Path(entry).is_absolute()]
    root = str(Path(__file__).parents[2])
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if root not in installed and root not in entries:
        entries.append(root)
    return os.pathsep.join(entries)


def python_command(module: str) -> list[str]:
    """Return the command that runs one of our modules.

    `-P` keeps the working folder off the import path.
    """
    return [sys.executable, "-P", "-m", module]


def run(module: str, arguments: Sequence[str], source: IO[bytes], bounds: Bounds) -> bytes:
    """Run one of our modules over a file, and return what it answers. Blocking: call it in a thread.

    Parameters
    ----------
    module:
        Calls :func:`confine` before it looks at its input. Its arguments begin with `memory` and `cpu`.
    source:
        The file that is its standard input, from its present position.

    Raises
    ------
    OutOfBounds
        It took more than it may, or ended without an answer. It has ended in any case.
    """
    process = subprocess.Popen(
        [*python_command(module), str(bounds.memory), str(bounds.cpu), *arguments],
        env=child_environment(),
        cwd=os.sep,
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(bounds.wall, end)
    timer.daemon = True
    timer.start()
    try:
        answer = process.stdout.read(bounds.output + 1) if process.stdout else b""
        if len(answer) > bounds.output:
            raise OutOfBounds("it makes a text that is too long")
        status = process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if late.is_set():
        raise OutOfBounds(f"it takes more than {bounds.wall:g} seconds")
    if sys.platform != "win32" and status in (-signal.SIGXCPU, -signal.SIGKILL):
        raise OutOfBounds(f"it takes more than {bounds.cpu} seconds of computing")
    if status != 0:
        raise OutOfBounds("it ended the process that reads it, as too little memory does")
    return answer


def confine(memory: int, cpu: int) -> None:
    """Take away, for good, what a process that only reads its input does not need.

    Modules can still be imported; nothing can be written, and no process begun by an ordinary user.
    """
    die_with_parent()
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory * 2**20
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends. Linux only.

    Elsewhere the end of standard input does the same a little later: whoever reads it leaves then.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
