"""All tables. Whatever is kept has an owner, and every key begins with it.

`migrations/` makes them; a test holds both against each other. The index of words, of which each kind of
database has its own form, stands in the migrations alone: see `store/search.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC. SQLite keeps no zone, so none but UTC goes in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Data = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Number = BigInteger().with_variant(Integer(), "sqlite")
"""A row's number: SQLite counts up by itself in an `INTEGER` only."""
OWNER, ID, NAME = String(255), String(160), String(255)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def owned(name: str, *columns: Any, key: str = "id") -> Table:
    """Return a table whose rows belong to somebody, and are found by owner and key."""
    return Table(
        name,
        metadata,
        Column("owner", OWNER, primary_key=True),
        Column(key, ID, primary_key=True),
        *columns,
    )


projects = owned(
    "projects",
    Column("name", NAME, nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Column("data", Data, nullable=False),
)

conversations = owned(
    "conversations",
    Column("project_id", ID),
    Column("title", Text, nullable=False, default=""),
    Column("titled", Boolean, nullable=False, default=False),  # Whether a person has named it.
    Column("notebook", Text),
    Column("file_id", String(64)),
    Column("root", Text),  # The folder that the notebook's path begins at.
    Column("pinned", Boolean, nullable=False, default=False),
    Column("message_count", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("last_message_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Column("data", Data, nullable=False),
    ForeignKeyConstraint(["owner", "project_id"], ["projects.owner", "projects.id"]),
    Index(None, "owner", "last_message_at"),
    Index(None, "owner", "notebook"),
    Index(None, "owner", "file_id"),
    Index(None, "owner", "project_id"),
    # What the search leaves out. Few are deleted, and so it is short.
    Index(
        "ix_conversations_deleted",
        "owner",
        "id",
        sqlite_where=text("deleted_at IS NOT NULL"),
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
)

messages = Table(
    "messages",
    metadata,
    # In the order in which they came, and what the full-text index calls a row.
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("owner", OWNER, nullable=False),
    Column("id", ID, nullable=False),
    Column("conversation_id", ID, nullable=False),
    Column("parent_id", ID),
    Column("role", String(16), nullable=False),
    Column("content", Data, nullable=False),
    Column("text", Text, nullable=False),  # What of the content can be searched.
    Column("created_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),  # running, complete, interrupted
    Column("server", ID),  # Who writes it, while it is running.
    Column("model", Text),
    Column("finish_reason", String(16)),
    Column("error", Data),
    Column("usage", Data),
    Column("token_count", Integer),
    Column("completion_ms", Float),
    Column("cost_usd", Float),
    Column("tool_calls", Data),
    Column("attachments", Data),
    Column("reaction", String(16)),
    Column("deleted_at", Moment),
    Column("data", Data, nullable=False),
    UniqueConstraint("owner", "id"),
    ForeignKeyConstraint(
        ["owner", "conversation_id"], ["conversations.owner", "conversations.id"], ondelete="CASCADE"
    ),
    Index(None, "owner", "conversation_id", "number"),
    # All that the search filters by, so that it need not look at the rows themselves.
    Index("ix_messages_owner_created_at", "owner", "created_at", "model", "conversation_id"),
    Index("ix_messages_owner_model", "owner", "model", "created_at", "conversation_id"),
    Index(None, "status", "server"),
    sqlite_autoincrement=True,
)

uploads = owned(
    "uploads",
    Column("name", Text, nullable=False),
    Column("media_type", NAME, nullable=False),
    Column("size", Number, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("text", Text),  # What a model reads of it; null where nothing can be read.
    Column("problem", Text),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("data", Data, nullable=False),
    Index(None, "sha256"),
)

project_files = Table(
    "project_files",
    metadata,
    Column("owner", OWNER, primary_key=True),
    Column("project_id", ID, primary_key=True),
    Column("upload_id", ID, primary_key=True),
    Column("added_at", Moment, nullable=False),
    ForeignKeyConstraint(["owner", "project_id"], ["projects.owner", "projects.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["owner", "upload_id"], ["uploads.owner", "uploads.id"], ondelete="CASCADE"),
)

client_settings = Table(
    "client_settings",
    metadata,
    Column("owner", OWNER, primary_key=True),
    Column("client", ID, primary_key=True),
    Column("part", String(16), primary_key=True),  # llm, tts, stt, ui
    Column("values", Data, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

presets = Table(
    "presets",
    metadata,
    Column("owner", OWNER, primary_key=True),
    Column("client", ID, primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("values", Data, nullable=False),
    Column("active", Boolean, nullable=False, default=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

suggestions = owned(
    "suggestions",
    Column("title", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

servers = Table(
    "servers",
    metadata,
    # Whoever writes into this database right now: what only a dead one was writing is interrupted.
    Column("id", ID, primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    # What the database knows of itself; see `store/place.py`.
    Column("name", ID, primary_key=True),
    Column("value", Data, nullable=False),
)
