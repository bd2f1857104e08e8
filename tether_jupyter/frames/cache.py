"""Answers that were given before, by a hash of all that shapes them, so that running a cell again goes on.

One SQLite file in Jupyter's data folder, for this user alone to read, shared by all of their kernels. It
holds answers and no prompts. What was not used for longest goes first when it is full. A cache that fails is
left out for the rest of the run, and says so once: it never costs an answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = 1
BUSY_SECONDS = 5.0
MAX_BYTES = 256 * 2**20
KEEP = 0.8
TOUCH_SECONDS = 3600.0
"""An answer that was used within this time is not marked again."""
BATCH = 500
CHECK_EVERY = 1000

TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    -- In the order in which they came: what goes first lies together, and its pages become free.
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE, text TEXT NOT NULL, usage TEXT NOT NULL, used REAL NOT NULL
)
"""
INDEX = "CREATE INDEX IF NOT EXISTS answers_used ON answers (used)"


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: its text, and what it took (tokens, cost, seconds) when it was made."""

    text: str
    usage: dict[str, Any] = field(default_factory=dict)


def key_of(shape: Mapping[str, Any]) -> bytes:
    """Return the key for what shapes answers: 32 bytes, from which nothing of it can be read."""
    told = json.dumps([VERSION, shape], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(told.encode()).digest()


def key_with(shape: bytes, prompt: str) -> bytes:
    """Return the key for one prompt under what shapes all answers of a run, as `key_of` returned it."""
    return hashlib.sha256(shape + prompt.encode()).digest()


def usual_path() -> Path:
    """Return the file in Jupyter's data folder."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "tether" / "map_cache.sqlite"


class Cache:
    """The file, opened when it is first used. For one thread.

    Parameters
    ----------
    path:
        The file; the usual one where it is `None`.
    max_bytes:
        How large its content may become.
    tell:
        Called with words for people, once, if the cache cannot be used.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = Path(path).expanduser() if path is not None else None
        self._max_bytes = max_bytes
        self._tell = tell
        self._opened: sqlite3.Connection | None = None
        self._failed = False
        self._since_check = 0

    @property
    def works(self) -> bool:
        """Whether it has not failed."""
        return not self._failed

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Kept]:
        """Return what is known under these keys, and mark it as used."""
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, Kept] = {}
        old: list[bytes] = []
        now = time.time()

        def read(connection: sqlite3.Connection) -> None:
            for start in range(0, len(wanted), BATCH):
                some = wanted[start : start + BATCH]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, text, usage, used FROM answers WHERE key IN ({marks})"  # noqa: S608
                for key, text, usage, used in connection.execute(query, some):
                    found[bytes(key)] = Kept(text, json.loads(usage))
                    if used < now - TOUCH_SECONDS:
                        old.append(bytes(key))
            if old:
                with connection:
                    change = "UPDATE answers SET used = ? WHERE key = ?"
                    connection.executemany(change, [(now, key) for key in old])

        self._do(read)
        return found

    def put(self, answers: Sequence[tuple[bytes, Kept]]) -> None:
        """Keep answers, all at once."""
        now = time.time()
        rows = [(key, kept.text, json.dumps(kept.usage), now) for key, kept in answers]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                change = "INSERT OR REPLACE INTO answers (key, text, usage, used) VALUES (?, ?, ?, ?)"
                connection.executemany(change, rows)
            self._since_check += len(rows)
            if self._since_check >= CHECK_EVERY:
                self._since_check = 0
                self._make_room(connection)

        if rows:
            self._do(write)

    def close(self) -> None:
        """Close the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(sqlite3.Error):
                opened.close()

    def _do(self, work: Callable[[sqlite3.Connection], None]) -> None:
        if self._failed:
            return
        try:
            if self._opened is None:
                self._opened = self._open()
                self._make_room(self._opened)
            work(self._opened)
        except (sqlite3.Error, OSError, ValueError) as reason:
            # ValueError: what stands in the file is no JSON, so somebody else wrote it.
            self._failed = True
            self.close()
            self._tell(
                f"Answers are not kept: the cache at {self._path} cannot be used ({said(reason)}). Running "
                "this again asks every row anew. If the file is damaged, delete it."
            )

    def _open(self) -> sqlite3.Connection:
        if self._path is None:
            self._path = usual_path()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its side files the mode of the main one, which it would make readable for all.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
        try:
            # A rollback journal also holds on file systems that several machines share, as homes often are.
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA trusted_schema = OFF")
            with connection:
                connection.execute(TABLE)
                connection.execute(INDEX)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Delete what was not used for longest, until a part of the room is free again."""

        def figure(name: str) -> int:
            return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

        def size() -> int:
            return (figure("page_count") - figure("freelist_count")) * figure("page_size")

        if size() <= self._max_bytes:
            return
        with connection:
            while size() > self._max_bytes * KEEP:
                gone = connection.execute(
                    "DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY used, id LIMIT ?)",
                    (BATCH // 5,),
                )
                if gone.rowcount <= 0:
                    break


def said(reason: Exception) -> str:
    """Return a failure in a few words, without a path."""
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    return str(reason) if isinstance(reason, sqlite3.Error) else "it holds something else"
