"""A PostgreSQL server of the tests' own: on loopback, in a folder of its own, ended with them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's; `None` where it is not installed."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    if found:
        return found[0].parent
    known = shutil.which("initdb")
    return Path(known).resolve().parent if known else None


class Ended(Exception):
    """It ended as soon as it was started."""


class Postgres:
    """A running server. `fresh` makes an empty database and returns its URL."""

    def __init__(self, folder: Path) -> None:
        programs = binaries()
        assert programs is not None, "PostgreSQL is not installed"
        self.folder = folder
        self.programs = programs
        self.numbers = itertools.count(1)
        # PostgreSQL refuses to run as root, so root lends it Debian's own user.
        self.user = "postgres" if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            shutil.chown(folder, self.user)
            for parent in folder.parents:
                with contextlib.suppress(PermissionError):
                    if parent.owner() == "root" and str(parent) not in ("/", "/tmp"):
                        parent.chmod(parent.stat().st_mode | 0o011)
        self.run(
            "initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "tether", "-E", "UTF8", "--locale=C"
        )
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        for _ in range(3):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            with contextlib.suppress(Ended):  # Somebody else was quicker with that port.
                self.start()
                return
        raise AssertionError("PostgreSQL does not start")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        subprocess.run(
            [str(self.programs / program), *arguments],
            user=self.user,
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def start(self) -> None:
        """Start the server, and return when it answers."""
        self.process = subprocess.Popen(
            [
                *(str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"),
                *("-c", "max_connections=200", "-c", "shared_buffers=32MB"),
            ],
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.until_ready()

    def until_ready(self) -> None:
        """Return when the server answers: at its start, or after one of its processes was killed."""
        assert self.process is not None
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port))
                return
            if self.process.poll() is not None:
                raise Ended
        raise AssertionError("PostgreSQL did not answer within a minute")

    def stop(self) -> None:
        """End the server, and everything in it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
            self.process = None

    def fresh(self) -> str:
        """Return the URL of a new, empty database."""
        self.until_ready()
        name = f"test_{next(self.numbers)}"
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tether", name)
        return f"postgresql://tether@127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """Run a server for a while."""
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()
