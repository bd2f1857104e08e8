"""The rows of a damaged SQLite file, written into a sound one of the same form."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tether_jupyter.core.history import title_of
from tether_jupyter.store.migrations.compared import of_search
from tether_jupyter.store.pages import Pages, Record, Value

Build = Callable[[Path, "str | None"], None]
"""Makes a new, empty database in a file, with the form of a version; `None` for the newest."""

LOST_TIME = "1970-01-01 00:00:00.000000"
STAND_IN: dict[tuple[str, str], Value] = {
    ("messages", "status"): "interrupted",
    ("messages", "role"): "assistant",
}
"""What stands for a value that is gone, where another than the emptiest one of its type says more."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as far as its values can be told from chance bytes."""

    name: str
    kind: str
    needed: bool
    numbers: bool

    def takes(self, value: Value) -> bool:
        """Return whether it can hold a value."""
        if value is None:
            return not self.needed or self.numbers
        if self.kind in ("INTEGER", "BIGINT", "BOOLEAN"):
            return isinstance(value, int)
        if self.kind == "FLOAT":
            return isinstance(value, (int, float))
        if not isinstance(value, str):
            return False
        if self.kind == "DATETIME":
            return is_moment(value)
        if self.kind == "JSON":
            return is_json(value)
        return True

    def mended(self, value: Value) -> Value:
        """Return what of a value that it cannot hold can be kept."""
        if self.kind == "JSON":
            return json.dumps(text_left(value) if isinstance(value, str) else {})
        if isinstance(value, str) and self.kind not in ("DATETIME", "INTEGER", "BIGINT", "BOOLEAN", "FLOAT"):
            return value
        if not self.needed:
            return None
        if self.kind == "DATETIME":
            return LOST_TIME
        return 0 if self.kind in ("INTEGER", "BIGINT", "BOOLEAN", "FLOAT") else ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the new file."""

    name: str
    columns: Sequence[Column]
    keys: Sequence[int]
    """The columns without which a row belongs to nobody."""

    def row(self, record: Record) -> list[Value]:
        """Return a record's values, one for each column; a row of before a column was added lacks it."""
        values = [*record.values, *([None] * (len(self.columns) - len(record.values)))]
        return [record.rowid if c.numbers else value for c, value in zip(self.columns, values, strict=False)]

    def holds(self, record: Record) -> bool:
        """Return whether a record is a whole row of this table."""
        if not record.whole or len(record.values) > len(self.columns):
            return False
        row = self.row(record)
        return all(c.takes(value) for c, value in zip(self.columns, row, strict=True)) and self.owned(row)

    def owned(self, row: Sequence[Value]) -> bool:
        """Return whether the keys of a row can be read."""
        keys = [row[at] for at in self.keys]
        return all(isinstance(key, str) and key.isprintable() and "\ufffd" not in key for key in keys)

    def mended(self, record: Record) -> list[Value] | None:
        """Return what can be kept of a damaged row; `None` if nobody knows whose it was."""
        if len(record.values) > len(self.columns):
            return None
        row = self.row(record)
        if not self.owned(row):
            return None
        for at, column in enumerate(self.columns):
            if at >= len(record.values) and (self.name, column.name) in STAND_IN:
                row[at] = STAND_IN[self.name, column.name]
            elif not column.takes(row[at]):
                row[at] = column.mended(row[at])
        return row


def salvage(file: Path, target: Path, build: Build, *, log_first: bool = True) -> dict[str, int]:
    """Write what a damaged file still holds into a new one; return how many rows of each table.

    The file itself is only read. What its write-ahead log holds comes first, unless the log is not the file's
    own; then what the file holds by itself does, and what else the log holds is there as well.
    """
    views = [Pages.of(file)]
    if file.with_name(file.name + "-wal").exists():
        views.insert(1 if log_first else 0, Pages.of(file, with_log=False))
    build(target, version_of(views))
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        tables = {table.name: table for table in read_tables(connection)}
        damaged: list[tuple[Table, Record]] = []
        for view in views:
            for table, record in rows_of(view, tables):
                if table.holds(record):
                    put(connection, table, table.row(record))
                else:
                    damaged.append((table, record))
        for table, record in damaged:
            if (row := table.mended(record)) is not None:
                put(connection, table, row)
        reunite(connection, tables)
        counts = {name: count(connection, name) for name in tables}
        connection.execute("COMMIT")
    return counts


def version_of(views: Sequence[Pages]) -> str | None:
    """Return the version of the form that a file has, if that can be read."""
    for view in views:
        for page in view.leaves(view.tables().get("alembic_version", 0)):
            for record in view.records(page):
                if len(record.values) == 1 and isinstance(record.values[0], str):
                    return record.values[0]
    return None


def read_tables(connection: sqlite3.Connection) -> Iterator[Table]:
    """Yield the tables that hold what people wrote, in an order in which parents come first."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
    for (name,) in found.fetchall():
        if name.startswith("sqlite_") or name == "alembic_version" or of_search(name):
            continue  # What is searched is made again of what it is made of.
        columns, keys = [], []
        for at, title, kind, needed, _, key in connection.execute(f'PRAGMA table_info("{name}")'):
            base = kind.upper().partition("(")[0]
            columns.append(Column(title, base, bool(needed), bool(key) and base == "INTEGER"))
            if (key and base != "INTEGER") or title in ("owner", "id", "conversation_id"):
                keys.append(at)
        yield Table(name, columns, keys)


def rows_of(pages: Pages, tables: dict[str, Table]) -> Iterator[tuple[Table, Record]]:
    """Yield each row that the pages hold, with the table that it is of."""
    reached: set[int] = set()
    for name, root in pages.tables().items():
        leaves = set(pages.leaves(root))
        reached |= leaves
        if name in tables:
            for page in sorted(leaves):
                for record in pages.records(page):
                    yield tables[name], record
    for page in pages.loose_leaves(reached):
        # Nothing says what this page belongs to, but what is on it: all its rows are of one table.
        records = list(pages.records(page))
        likely = [(sum(map(table.holds, records)), table) for table in tables.values()]
        best, table = max(likely, key=lambda pair: pair[0], default=(0, None))
        if table is not None and best:
            yield from ((table, record) for record in records)


def put(connection: sqlite3.Connection, table: Table, row: Sequence[Value]) -> None:
    """Insert a row, unless the one with its key is there."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" * len(row))
    insert = f'INSERT OR IGNORE INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    if connection.execute(insert, row).rowcount or not any(column.numbers for column in table.columns):
        return
    # Another row may have its number, where a log and a file do not belong together.
    new = [None if c.numbers else value for c, value in zip(table.columns, row, strict=True)]
    connection.execute(insert, new)


def reunite(connection: sqlite3.Connection, tables: dict[str, Table]) -> None:
    """Give messages whose conversation is lost another one, and let go what hangs on nothing."""
    if "conversations" in tables and "messages" in tables:
        orphans = connection.execute(
            "SELECT m.owner, m.conversation_id, min(m.created_at), max(m.created_at) FROM messages m "
            "LEFT JOIN conversations c ON c.owner = m.owner AND c.id = m.conversation_id "
            "WHERE c.id IS NULL GROUP BY 1, 2"
        ).fetchall()
        for owner, id, first, last in orphans:
            known = {"owner": owner, "id": id, "created_at": first, "last_message_at": last, "data": "{}"}
            known["title"] = first_words(connection, owner, id)
            blank = [
                known[c.name] if c.name in known else None if not c.needed else c.mended(None)
                for c in tables["conversations"].columns
            ]
            put(connection, tables["conversations"], blank)
        connection.execute(
            "UPDATE conversations SET message_count = (SELECT count(*) FROM messages m WHERE "
            "m.owner = conversations.owner AND m.conversation_id = conversations.id AND m.deleted_at IS NULL)"
        )
        connection.execute(
            "UPDATE conversations SET project_id = NULL WHERE project_id IS NOT NULL AND NOT EXISTS (SELECT "
            "1 FROM projects p WHERE p.owner = conversations.owner AND p.id = conversations.project_id)"
        )
    for name, rowid, *_ in connection.execute("PRAGMA foreign_key_check").fetchall():
        connection.execute(f'DELETE FROM "{name}" WHERE rowid = ?', (rowid,))  # noqa: S608 - our own names


def first_words(connection: sqlite3.Connection, owner: str, conversation_id: str) -> str:
    """Return the title that a conversation would have got."""
    query = (
        "SELECT text FROM messages WHERE owner = ? AND conversation_id = ? ORDER BY role <> 'user', number"
    )
    found = connection.execute(query, (owner, conversation_id)).fetchone()
    return title_of(found[0]) if found else ""


def count(connection: sqlite3.Connection, name: str) -> int:
    """Return how many rows a table has."""
    found: int = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - our own names
    return found


def text_left(broken: str) -> Any:
    """Return what a JSON text that is none any more still says."""
    for ending in ("", '"', "}", "]", '"}', '"}]'):
        with contextlib.suppress(ValueError):
            return json.loads(broken + ending)
    return broken.strip('"')


def is_json(value: str) -> bool:
    """Return whether a text is JSON."""
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def is_moment(value: str) -> bool:
    """Return whether a text is a point in time."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
