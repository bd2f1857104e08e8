"""One database: a thread that writes, a few that read, and nothing of either on the event loop.

What several turns write at the same time shares one transaction, and so one wait for the disk.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tether_jupyter.store.failures import StoreFailed, told
from tether_jupyter.store.readers import Readers
from tether_jupyter.store.sqlite import BUSY_SECONDS, turn_to_write

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

log = logging.getLogger("tether.store")

READERS = 4
TOGETHER = 64
"""Writes of one transaction, at most."""
CONNECT_SECONDS = 5
"""How long PostgreSQL has to answer a knock."""
CLOSE_SECONDS = 12.0
"""How long what is under way at the end may take. A write waits 10 s by itself for another server."""
SIGNS_OF_LIFE = {
    "connect_timeout": CONNECT_SECONDS,
    # Of a machine that is gone, and of a firewall that has dropped an idle connection, nobody is told.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # Milliseconds in which nothing of what was sent is acknowledged.
}
"""What PostgreSQL's driver is told, unless the address says otherwise."""

Result = TypeVar("Result")
Work = Callable[["Connection"], Result]


class Database:
    """The database at an SQLAlchemy URL. Nothing is imported or opened before the first use.

    Parameters
    ----------
    url:
        `sqlite:///FILE`, or what SQLAlchemy takes for PostgreSQL.
    prepare:
        Is called once with the engine, before the first use: it brings the tables to their present form.
    """

    def __init__(self, url: str, prepare: Callable[[Engine, str], None] | None = None) -> None:
        self.url = url
        self.kind = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._prepare = prepare
        self._engine: Engine | None = None
        self._number = 0
        self._opening = threading.Lock()
        self._starting = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._readers = Readers(READERS)
        self._closed = False

    # -- the event loop's side

    async def write(self, work: Work[Result]) -> Result:
        """Run work in a transaction that is on the disk when this returns.

        Raises
        ------
        StoreFailed
            The database cannot be written now.
        TetherError
            What the work raises; then nothing of it is kept.
        """
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Run work as `write` does; the result comes in a future of threads."""
        future: Future[Result] = Future()
        if self._closed:
            raise StoreFailed("The history is closed: the server is shutting down.")
        if self._writer is None:
            with self._starting:  # The other lock may be held for as long as tables are made anew.
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write_all, name="tether-store", daemon=True)
                    self._writer.start()
        self._waiting.put((work, future))
        return future

    async def read(self, work: Work[Result]) -> Result:
        """Run work that changes nothing, on a snapshot of its own.

        Raises
        ------
        StoreFailed
            The database cannot be read now, or says nothing.
        """
        if self._closed:
            raise StoreFailed("The history is closed: the server is shutting down.")
        return await self._readers.run(lambda: self._read(work))

    async def exists(self) -> bool:
        """Return whether there is a database already: one that nobody has written into has no file."""
        if self._engine is not None or self.kind != "sqlite":
            return True
        return self.file is not None and await asyncio.to_thread(self.file.exists)

    async def close(self) -> None:
        """Finish what was asked for, and close all connections; wait for none that is stuck."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Close as `close` does, from a thread that may wait."""
        self._closed = True
        until = time.monotonic() + CLOSE_SECONDS
        self._waiting.put(None)
        if self._writer is not None:
            self._writer.join(CLOSE_SECONDS)
        self._readers.close(max(0.0, until - time.monotonic()))
        if self._opening.acquire(timeout=max(0.0, until - time.monotonic())):
            try:
                if self._engine is not None:
                    self._engine.dispose()
                self._engine = None
            finally:
                self._opening.release()

    # -- the threads' side

    def engine(self) -> Engine:
        """Return the engine; the first time, open the database and bring it to its present form."""
        with self._opening:
            if self._engine is None:
                engine = told(open_engine, self.url)
                try:
                    if self._prepare is not None:
                        told(self._prepare, engine, self.url)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine, self._number = engine, self._file_number()
            return self._engine

    def forget(self) -> None:
        """Let the next use open the database anew."""
        with self._opening:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    @property
    def file(self) -> Path | None:
        """Where an SQLite database lies."""
        name = self.url.partition(":///")[2].partition("?")[0] if self.kind == "sqlite" else ""
        return Path(name) if name else None

    def _file_number(self) -> int:
        """Return the file's number: another server may have put a sound file in its place."""
        try:
            return self.file.stat().st_ino if self.file else 0
        except OSError:
            return 0

    def _failed(self, reason: BaseException) -> None:
        """Take in a failure: a damaged file is opened anew, and looked at, before it is used again."""
        if isinstance(reason, StoreFailed) and reason.cause == "damaged" and self.file:
            from tether_jupyter.store import damage

            damage.suspect(self.file)
            self.forget()

    def _read(self, work: Work[Result]) -> Result:
        def run() -> Result:
            if self._prepare is not None and self._engine is None and self.file and not self.file.exists():
                # Somebody who only looks has no history yet, and none is made by looking.
                from tether_jupyter.store import rehearsal

                return rehearsal.look(work)
            with self.engine().connect() as connection:
                return work(connection)

        try:
            return told(run)
        except StoreFailed as reason:
            self._failed(reason)
            raise

    def _write_all(self) -> None:
        """Write until the database is closed: the one thread that does."""
        held: Connection | None = None
        while (first := self._waiting.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < TOGETHER and not self._waiting.empty():
                item = self._waiting.get()
                if item is None:
                    last = True
                    break
                batch.append(item)
            held = self._write(batch, held)
            if last:
                break
        if held is not None:
            held.close()

    def _write(
        self, batch: list[tuple[Work[Any], Future[Any]]], held: Connection | None
    ) -> Connection | None:
        """Run a batch in one transaction, each work in a savepoint; return the connection for the next."""
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []

        def run() -> Connection:
            if self._engine is not None and self.file and self._file_number() != self._number:
                self.forget()
            engine = self.engine()
            with turn_to_write(engine.url.database if self.kind == "sqlite" else None):
                connection = held
                if connection is None or connection.engine is not engine:
                    if connection is not None:
                        connection.close()
                    connection = engine.connect().execution_options(writes=True)
                try:
                    with connection.begin() as transaction:
                        for work, future in batch:
                            # A savepoint keeps the others; one alone needs none.
                            kept = connection.begin_nested() if len(batch) > 1 else transaction
                            try:
                                result = told(work, connection)
                                if kept is not transaction:
                                    kept.commit()
                                done.append((future, result))
                            except StoreFailed:
                                raise  # The database itself: nothing of this transaction can be kept.
                            except Exception as reason:  # noqa: BLE001 - it is handed to whoever waits
                                kept.rollback()
                                failed.append((future, reason))
                except BaseException:
                    connection.invalidate()
                    connection.close()
                    raise
                return connection

        try:
            kept: Connection | None = told(run)
        except Exception as reason:  # noqa: BLE001 - it is handed to whoever waits
            self._failed(reason)
            settle([], [(future, reason) for _, future in batch])
            return None
        settle(done, failed)
        if kept is not None and self.kind != "sqlite":
            kept.close()  # Its pool looks whether the other end is still there, before it is used again.
            return None
        return kept


def settle(done: list[tuple[Future[Any], Any]], failed: list[tuple[Future[Any], BaseException]]) -> None:
    """Tell those who wait; one that waits no more is left out."""
    for future, result in done:
        if future.set_running_or_notify_cancel():
            future.set_result(result)
    for future, reason in failed:
        if future.set_running_or_notify_cancel():
            future.set_exception(reason)


def open_engine(url: str) -> Engine:
    """Return an engine whose connections are set up for this database."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    # Other services name a driver of their own for the same database (`postgresql+asyncpg`): ours is used.
    kind = parsed.drivername.partition("+")[0]
    if kind not in ("sqlite", "postgresql", "postgres"):
        raise StoreFailed(
            f"The history goes into SQLite or PostgreSQL, and `DATABASE_URL` names {kind!r}. Change it, and "
            "restart Jupyter."
        )
    if kind == "sqlite":
        parsed = parsed.set(drivername="sqlite")
        from tether_jupyter.store import sqlite

        if parsed.database and parsed.database != ":memory:":
            sqlite.make_folder(Path(parsed.database))
        engine = create_engine(
            parsed,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            pool_size=READERS + 1,
            hide_parameters=True,
        )
        event.listen(engine, "connect", sqlite.set_up)
        event.listen(engine, "begin", sqlite.begin)
        return engine
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args={name: given for name, given in SIGNS_OF_LIFE.items() if name not in parsed.query},
        # A hub has a server for each person, and PostgreSQL so many connections: more than one each are
        # closed as soon as they are given back.
        pool_size=1,
        max_overflow=READERS,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
    )
