"""Bring a database to the form that this version knows: forwards only, by itself, with a copy made before."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tether_jupyter.store.failures import StoreFailed

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

log = logging.getLogger("tether.store")

HEAD = "0001"
"""The newest step of `migrations/versions`. A test says so, and so nothing but a number is read at start."""
MIGRATIONS = Path(__file__).with_name("migrations")


def bring_up_to_date(engine: Engine, url: str) -> None:
    """Run the steps that a database has not seen yet.

    Raises
    ------
    StoreFailed
        It was written by a newer version, or a step failed; then it is as it was.
    """
    with engine.connect() as connection:
        if present(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        lock(connection)
        found = present(connection)
        if found == HEAD:  # Another server was quicker.
            return
        migrate(connection, found)


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


def migrate(connection: Connection, found: str | None) -> None:
    """Run what is missing, in the transaction that the connection is in."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreFailed(cause="newer")
    command.upgrade(config, "head")
    log.info("the history's database is at step %s now (it was at %s)", HEAD, found or "none")
