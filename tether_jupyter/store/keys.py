"""Writing rows that several may write at once, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


def upsert(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert a row, or give the one with this primary key these values."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(table).values({**key, **values})
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={name: values[name] for name in values}
        )
    )


def in_turn(connection: Connection, owner: str) -> None:
    """Wait until no other server changes this owner's settings, to the end of the transaction.

    What is read before it is written would otherwise be out of date by then. SQLite lets one write at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7246164, hashtext(:owner))"), {"owner": owner})
