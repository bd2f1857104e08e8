"""A damaged SQLite file: noticed, set aside, and what can be read of it kept."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tether_jupyter.store.failures import NUMBERS, StoreFailed, cause_of, first_line
from tether_jupyter.store.pages import MAGIC
from tether_jupyter.store.salvage import Build, salvage
from tether_jupyter.store.sqlite import turn_to_write

if TYPE_CHECKING:
    pass

log = logging.getLogger("tether.store")

CHECK_SECONDS = 0.3
"""How long a start may look for damage; what is found later is found when it is read."""
STEPS = 2000
"""SQLite's instructions between two looks at the clock."""
WRITTEN = b"tether\n"

_suspects: set[Path] = set()
_notices: dict[Path, str] = {}
_mending = threading.Lock()


def suspect(file: Path) -> None:
    """Note that SQLite has called a file damaged: the next `mend` looks at all of it."""
    _suspects.add(file.resolve())


def notice(file: Path) -> str | None:
    """Return what people should know of a file that was damaged since this server started."""
    return _notices.get(file.resolve()) if _notices else None


def remember(file: Path) -> None:
    """Note beside a file that it holds something now, so that an empty one is not taken for a new one."""
    if size_of(lock_of(file)):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(lock_of(file), os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as beside:
            beside.write(WRITTEN)


def mend(file: Path, build: Build) -> None:
    """Look at a file that nobody in this process has opened; where it is damaged, put a sound one there.

    Raises
    ------
    StoreFailed
        It is damaged, and no sound one can be written; then it stays where it is.
    """
    with _mending:
        known = file.resolve()
        thorough = known in _suspects
        if (found := look(file, thorough=thorough)) is not None:
            with turn_to_write(str(file)):
                # Another server may have been quicker.
                if (found := look(file, thorough=thorough)) is not None:
                    _notices[known] = replace(file, build, found)
        _suspects.discard(known)


def look(file: Path, *, thorough: bool = False) -> str | None:
    """Return what is wrong with a file; `None` where nothing is seen in the time that a start may take.

    A thorough look takes as long as it takes, and reads every value.
    """
    if not file.exists():
        return None
    log_there = size_of(wal_of(file)) > 0
    if size_of(file) == 0:
        return "it is empty" if log_there or size_of(lock_of(file)) else None
    with file.open("rb") as opened:
        if opened.read(len(MAGIC)) != MAGIC:
            return "it is no database"
    try:
        # A connection that may write would, when it is closed, copy the log into the file: not into this one.
        with contextlib.closing(sqlite3.connect(uri(file), uri=True, timeout=1)) as connection:
            if thorough:
                return inspect(connection)
            limit = time.monotonic() + CHECK_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > limit, STEPS)
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            return None if found is None or found[0] == "ok" else first_line(found[0])
    except sqlite3.DatabaseError as reason:
        # Locked, unreadable, or the time is up: that is said when the database is used.
        return first_line(reason) if cause_of(reason) == "damaged" else None


def is_sound_alone(file: Path) -> bool:
    """Return whether a file is sound where its write-ahead log is left out."""
    try:
        with contextlib.closing(sqlite3.connect(uri(file) + "&immutable=1", uri=True)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            return found is not None and found[0] == "ok"
    except sqlite3.DatabaseError:
        return False


def inspect(connection: sqlite3.Connection) -> str | None:
    """Return the first thing that is wrong, having looked at every value."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is not None and found[0] != "ok":
        return first_line(found[0])
    connection.text_factory = bytes
    for (raw,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        table = raw.decode()
        kinds = [kind.upper() for _, _, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")')]
        for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name from the schema
            for kind, value in zip(kinds, row, strict=False):
                if not is_sound(kind, value):
                    return f"a value in {table} cannot be read"
    return None


def is_sound(kind: bytes, value: object) -> bool:
    """Return whether a value is what its column says."""
    if not isinstance(value, bytes):
        return True
    try:
        if kind == b"JSON":
            json.loads(value)
        elif kind not in (b"", b"BLOB"):
            value.decode()
    except ValueError:
        return False
    return True


def replace(file: Path, build: Build, found: str) -> str:
    """Set a damaged file aside and put in its place what can be read of it; return what to tell people."""
    aside = free_name(file, f"{file.name}.damaged-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    part = file.with_name(f"{file.name}.salvaged")
    log.error("the history's file is damaged (%s): it is kept as %s", found, aside.name)
    try:
        discard(part)
        # A file that is sound without its log is damaged by it: somebody put one beside another's.
        counts = salvage(file, part, build, log_first=not is_sound_alone(file))
        part.chmod(0o600)
        flush(part)
        move_aside(file, aside)
        part.replace(file)
        flush(file.parent)
    except OSError as reason:
        raise StoreFailed(cause=NUMBERS.get(reason.errno, "damaged")) from None
    except sqlite3.Error as reason:
        log.error("what was read cannot be written: %s", first_line(reason))
        raise StoreFailed(cause=cause_of(reason)) from None
    finally:
        with contextlib.suppress(OSError):
            discard(part)
    log.error("read from the damaged file: %s", ", ".join(f"{n} {name}" for name, n in counts.items() if n))
    return words(found, counts, aside.name)


def words(found: str, counts: dict[str, int], aside: str) -> str:
    """Return what people are told."""
    talks, said = counts.get("conversations", 0), counts.get("messages", 0)
    if found == "it is empty" and not said:
        return (
            "The history's file was empty, and a new one was begun. If you did not remove it yourself, put a "
            "copy of it back."
        )
    kept = f"{talks} conversation{'s' * (talks != 1)} with {said} message{'s' * (said != 1)}"
    return (
        f"The history's file was damaged. What could be read of it is here: {kept}. The damaged file is kept "
        f"beside it as {aside}. Look at the disk, which may be failing."
    )


def move_aside(file: Path, aside: Path) -> None:
    """Give a file another name; what was at the old one stays readable until it is replaced."""
    try:
        os.link(file, aside)
    except OSError:  # A file system without second names.
        file.replace(aside)
    if wal_of(file).exists():
        wal_of(file).replace(wal_of(aside))
    with contextlib.suppress(FileNotFoundError):
        file.with_name(file.name + "-shm").unlink()


def discard(file: Path) -> None:
    """Remove a database that nobody uses, with what SQLite puts beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Return when a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # Not every system can do this to a folder.
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_name(file: Path, name: str) -> Path:
    """Return the path of a name that is not taken."""
    path, number = file.with_name(name), 2
    while path.exists():
        path, number = file.with_name(f"{name}-{number}"), number + 1
    return path


def wal_of(file: Path) -> Path:
    """Return where SQLite keeps a file's write-ahead log."""
    return file.with_name(file.name + "-wal")


def lock_of(file: Path) -> Path:
    """Return where servers wait for each other."""
    return file.with_name(file.name + ".lock")


def size_of(file: Path) -> int:
    """Return how many bytes a file has; 0 for one that is not there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def uri(file: Path) -> str:
    """Return the address by which SQLite opens a file to read."""
    return f"file:{quote(str(file.resolve()))}?mode=ro"
