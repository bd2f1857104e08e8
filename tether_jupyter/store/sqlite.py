"""SQLite as Tether uses it: a write-ahead log where the file system can hold one, commits on the disk."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.store.failures import StoreFailed

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("tether.store")

BUSY_SECONDS = 10.0
"""How long to wait for another server that writes into the same file."""
POLL_SECONDS = 0.002
NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs"),
        *("glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "9p"),
        *("orangefs", "pvfs2", "ocfs2", "gfs2", "davfs", "fuse.davfs2", "virtiofs", "vboxsf", "drvfs"),
    }
)
"""File systems that several machines share: memory that is mapped on one is not seen by the other."""


def make_folder(file: Path) -> None:
    """Make the folder and the file, for nobody else to read."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def set_up(connection: sqlite3.Connection, _: Any) -> None:
    """Prepare a new connection."""
    connection.isolation_level = None  # Transactions are begun by `begin`, not guessed at by the driver.
    run = connection.execute
    file = run("PRAGMA database_list").fetchone()[2]
    shared = bool(file) and on_network(Path(file))
    patiently(lambda: run(f"PRAGMA journal_mode = {'DELETE' if shared else 'WAL'}"))
    run("PRAGMA synchronous = FULL")
    run("PRAGMA foreign_keys = ON")
    run("PRAGMA trusted_schema = OFF")
    run("PRAGMA cache_size = -2000")  # KiB of each connection; the system caches the file for all of them.
    run(f"PRAGMA journal_size_limit = {64 * 2**20}")


def patiently(change: Callable[[], object]) -> None:
    """Change a file's journal: SQLite itself does not wait for another server that does the same now."""
    limit = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            change()
        except sqlite3.OperationalError as reason:
            if reason.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > limit:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def begin(connection: Connection) -> None:
    """Begin a transaction; one that writes says so at once, or it might have to give up half-way."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def on_network(file: Path) -> bool:
    """Return whether a file lies on a file system that other machines write to as well."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return file_system(os.path.realpath(file), mounts) in NETWORK


def file_system(path: str, mounts: str) -> str:
    """Return the kind of file system that a path lies on, by the text of `/proc/self/mountinfo`."""
    best, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, described = before.split(), after.split()
        if len(fields) < 5 or not described:
            continue
        point = fields[4].encode().decode("unicode_escape") if "\\" in fields[4] else fields[4]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, described[0]
    return kind


@contextlib.contextmanager
def turn_to_write(url_file: str | None) -> Iterator[None]:
    """Wait, in line, until no other server writes into the same file.

    SQLite's own waiting is a guess: who sleeps longest loses. And before version 3.51.3 two connections that
    write and clean up the log at the same moment can damage the file; with this lock there never are two.
    """
    if not url_file or url_file == ":memory:" or sys.platform == "win32":
        yield
        return
    try:
        descriptor = os.open(url_file + ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        yield  # A folder that cannot be written: the write itself will say so.
        return
    try:
        wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def wait_for(descriptor: int) -> None:
    """Lock a file; give up after a while, since whoever holds it may be stopped.

    Raises
    ------
    StoreFailed
        Somebody holds it all the time.
    """
    import fcntl

    limit = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                raise StoreFailed(cause="locked") from None
            time.sleep(POLL_SECONDS)
        except OSError:
            return  # A file system without locks has SQLite's own, or none at all.
        else:
            return
