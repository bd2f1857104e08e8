"""A first turn stored in memory, before one is asked, so that it waits for no import and no compiling.

A new SQLite file then gets its tables from the statements that the steps of `migrations/versions` left in the
database in memory, which takes a tenth of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tether_jupyter.store.database import Database

Result = TypeVar("Result")

_rehearsing = threading.Lock()
_blank: dict[str, tuple[str, ...]] = {}
"""The SQL that makes a version's tables, by version."""


def rehearse(database: Database) -> None:
    """Get a database ready for its first turn: open it where it is, rehearse in memory where it is not.

    Nothing is made that was not there: somebody who only looks at Tether has no history yet.
    """
    file = database.file
    if file is None or file.exists():
        database.engine()
    else:
        once()


def look(work: Callable[[Connection], Result]) -> Result:
    """Return what work reads in a database that nobody has written into."""
    from tether_jupyter.store import schema
    from tether_jupyter.store.database import open_engine

    once()
    engine = open_engine("sqlite:///:memory:")
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            schema.migrate(connection, None, None)
            return work(connection)
    finally:
        engine.dispose()


def once() -> None:
    """Rehearse in memory, unless that was done; whoever comes meanwhile waits for it."""
    from tether_jupyter.store import schema

    with _rehearsing:
        if not blank(schema.HEAD):
            in_memory()


def in_memory() -> None:
    """Build the newest tables in a database in memory, store a turn in it, and forget it."""
    from tether_jupyter.core.history import Conversation, StoredMessage
    from tether_jupyter.store import notebooks, schema, threads
    from tether_jupyter.store.database import open_engine

    engine = open_engine("sqlite:///:memory:")
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            schema.migrate(connection, None, None)
            _blank[schema.HEAD] = statements(connection)
            said = StoredMessage("m", "user", "", None), StoredMessage("n", "assistant", "", "m")
            notebooks.of_notebook(connection, "o", "/", "n.ipynb", "1:1")
            threads.insert_conversation(connection, Conversation("c", "o"))
            threads.insert_messages(connection, "o", "c", [(each, each.status, "") for each in said], "s")
    finally:
        engine.dispose()


def statements(connection: Connection) -> tuple[str, ...]:
    """Return the SQL that makes the tables of an SQLite database in another one."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    made = [(str(name), str(sql)) for name, sql in connection.exec_driver_sql(query)]
    # The tables behind a virtual one come with it, and SQLite's own come by themselves.
    behind = ("sqlite_", *(f"{name}_" for name, sql in made if sql.startswith("CREATE VIRTUAL")))
    return tuple(sql for name, sql in made if not name.startswith(behind))


def blank(version: str) -> tuple[str, ...]:
    """Return the SQL that makes a version's tables in an empty database; nothing before a rehearsal."""
    return _blank.get(version, ())
