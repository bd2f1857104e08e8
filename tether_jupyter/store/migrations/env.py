"""Alembic's entry: the connection is handed over by `store.schema`, never opened here."""

from __future__ import annotations

from alembic import context

from tether_jupyter.store.migrations.compared import include_object
from tether_jupyter.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=include_object,
    render_as_batch=True,  # SQLite cannot alter most of a table: it is written anew.
    transaction_per_migration=False,
)
context.run_migrations()
