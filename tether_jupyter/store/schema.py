"""Bring a database to the form that this version knows: forwards only, by itself, with a copy made before.

SQLite's file is copied beside itself before an existing one changes. On PostgreSQL a step that fails is
undone with its transaction, and copies are its administrator's business (`pg_dump`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import TetherError
from tether_jupyter.store import damage, rehearsal
from tether_jupyter.store.failures import StoreFailed, cause_of, first_line
from tether_jupyter.store.sqlite import turn_to_write

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

log = logging.getLogger("tether.store")

HEAD = "0003"
"""The newest step of `migrations/versions`. A test says so, and so nothing but a number is read at start."""
MIGRATIONS = Path(__file__).with_name("migrations")
COPIES = 2
FAILED = (
    "The history could not be brought to the form that this version of Tether needs, and is as it was. The "
    "version that wrote it still reads it; the server's log says what went wrong."
)
_one_at_a_time = threading.Lock()
"""Alembic keeps the step that it runs in variables of its modules."""


def bring_up_to_date(engine: Engine, url: str) -> None:
    """Run the steps that a database has not seen yet; a damaged SQLite file is mended before.

    Raises
    ------
    StoreFailed
        It was written by a newer version, or a step failed; then it is as it was.
    """
    file = file_of(engine)
    if file is not None:
        damage.mend(file, build)
    with engine.connect() as connection:
        found = present(connection)
    if found != HEAD:
        with turn_to_write(str(file) if file else None), changing(engine) as connection:
            lock(connection)
            found = present(connection)
            if found != HEAD:  # Else another server was quicker.
                migrate(connection, found, file)
    if file is not None:
        damage.remember(file)


def build(file: Path, version: str | None) -> None:
    """Make a new SQLite database with the form of a version; of the newest where none is named."""
    from sqlalchemy import create_engine

    from tether_jupyter.store import sqlite

    sqlite.make_folder(file)
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection, _one_at_a_time:
            config = alembic(connection)
            need_known(config, version)
            upgrade(config, version or HEAD)
            connection.commit()
    finally:
        engine.dispose()


def file_of(engine: Engine) -> Path | None:
    """Return the file of an SQLite database; `None` for one in memory or elsewhere."""
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name and name != ":memory:" else None


def present(connection: Connection) -> str | None:
    """Return the step that a database is at; `None` for an empty one."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def lock(connection: Connection) -> None:
    """Let one server at a time do this. SQLite's transaction has begun with a lock on all of it."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7246163)"))


@contextlib.contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction in which tables may be made anew.

    SQLite changes a column by copying its table and dropping the old one. With foreign keys on, that would
    delete every row that belongs to one of the old table's: so they are off, and looked at before the end.
    """
    with engine.connect().execution_options(writes=True) as connection:
        driver: Any = connection.connection.driver_connection
        lite = engine.dialect.name == "sqlite"
        if lite:
            driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                yield connection
                if lite and (wrong := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                    log.error("a row of %s would belong to nothing in %s", wrong[0], wrong[2])
                    raise StoreFailed(FAILED)
        finally:
            if lite:
                driver.execute("PRAGMA foreign_keys = ON")


def migrate(connection: Connection, found: str | None, file: Path | None) -> None:
    """Run what is missing, in the transaction that the connection is in."""
    known = rehearsal.blank(HEAD) if found is None and connection.dialect.name == "sqlite" else ()
    if known:
        for statement in known:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        return
    with _one_at_a_time:
        config = alembic(connection)
        need_known(config, found)
        if file is not None and found is not None:
            copy(file, file.with_name(f"{file.name}.before-{HEAD}"))
        try:
            upgrade(config, HEAD)
        except TetherError:
            raise
        except Exception as reason:  # noqa: BLE001 - a step may raise anything
            original = getattr(reason, "orig", None)
            log.error(
                "the step from %s to %s failed: %s: %s",
                *(found or "none", HEAD, type(reason).__name__, first_line(original or reason)),
            )
            cause = cause_of(original)
            raise StoreFailed(FAILED if cause == "unreachable" else "", cause=cause) from None
    log.info("the history's database is at step %s now (it was at %s)", HEAD, found or "none")


def alembic(connection: Connection) -> Config:
    """Return Alembic's settings for work on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def need_known(config: Config, version: str | None) -> None:
    """Raise `StoreFailed` for a version that comes after this one."""
    from alembic.script import ScriptDirectory

    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StoreFailed(cause="newer")


def upgrade(config: Config, version: str) -> None:
    """Run the steps up to a version."""
    from alembic import command

    command.upgrade(config, version)


def copy(file: Path, target: Path) -> None:
    """Copy a database, as it is for whoever holds its lock; the newest `COPIES` such copies are kept.

    Raises
    ------
    StoreFailed
        There is no room for it, or no way to write it.
    """
    part = target.with_name(f"{target.name}.part")
    damage.discard(part)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(damage.uri(file), uri=True)) as source,
            contextlib.closing(sqlite3.connect(part)) as made,
        ):
            source.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
        damage.flush(part)
        part.replace(target)
    except sqlite3.Error as reason:
        log.error("the history cannot be copied before it changes: %s", first_line(reason))
        raise StoreFailed(cause=cause_of(reason)) from None
    finally:
        damage.discard(part)
    copies = sorted(file.parent.glob(f"{file.name}.before-*"), key=lambda path: path.stat().st_mtime_ns)
    for old in copies[:-COPIES]:
        old.unlink()
    log.info("the history was copied to %s before it changes", target.name)
