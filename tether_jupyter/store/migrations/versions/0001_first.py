"""The first form."""

# Statements are put together from texts of this package alone; values are bound.
# ruff: noqa: S608

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tether_jupyter.store.tables import Moment

DATA = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The index of words. `store/search.py` says how it is kept.
SEARCHED = "status != 'running' AND deleted_at IS NULL"
OLD_SEARCHED = "old.status != 'running' AND old.deleted_at IS NULL"
NEW_SEARCHED = "new.status != 'running' AND new.deleted_at IS NULL"


def queued(kind: str, number: str, old: str) -> str:
    """Return the statement that notes a row whose words are out of date, and what it is indexed with.

    What is noted first stays: nothing but the next search reads it, and until then the index is as it was.
    An `OR IGNORE` would be overruled by the statement that fires the trigger.
    """
    return (
        f"INSERT INTO search_queue (kind, number, old) SELECT '{kind}', {number}, {old} "
        f"WHERE NOT EXISTS (SELECT 1 FROM search_queue WHERE kind = '{kind}' AND number = {number});"
    )


TOKENIZER = 'tokenize = "unicode61 remove_diacritics 2"'
SQLITE_SEARCH = (
    (
        "CREATE TABLE search_titles (number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, "
        "conversation_id TEXT NOT NULL, title TEXT NOT NULL, UNIQUE (owner, conversation_id))"
    ),
    (
        "CREATE TABLE search_queue (kind TEXT NOT NULL, number INTEGER NOT NULL, old TEXT, "
        "PRIMARY KEY (kind, number)) WITHOUT ROWID"
    ),
    f"CREATE VIEW search_messages AS SELECT number, text FROM messages WHERE {SEARCHED}",
    (
        "CREATE VIRTUAL TABLE messages_fts USING fts5 "
        f"(text, content = 'search_messages', content_rowid = 'number', prefix = '2 3', {TOKENIZER})"
    ),
    (
        "CREATE VIRTUAL TABLE titles_fts USING fts5 "
        f"(title, content = 'search_titles', content_rowid = 'number', prefix = '2 3', {TOKENIZER})"
    ),
    (
        f"CREATE TRIGGER search_message_new AFTER INSERT ON messages WHEN {NEW_SEARCHED} "
        f"BEGIN {queued('message', 'new.number', 'NULL')} END"
    ),
    (
        "CREATE TRIGGER search_message_changed AFTER UPDATE OF text, status, deleted_at ON messages "
        f"WHEN ({OLD_SEARCHED}) IS NOT ({NEW_SEARCHED}) OR ({NEW_SEARCHED} AND old.text IS NOT new.text) "
        f"BEGIN {queued('message', 'new.number', f'CASE WHEN {OLD_SEARCHED} THEN old.text END')} END"
    ),
    (
        f"CREATE TRIGGER search_message_gone AFTER DELETE ON messages WHEN {OLD_SEARCHED} "
        f"BEGIN {queued('message', 'old.number', 'old.text')} END"
    ),
    (
        "CREATE TRIGGER search_conversation_new AFTER INSERT ON conversations WHEN new.title != '' "
        "BEGIN INSERT INTO search_titles (owner, conversation_id, title) "
        "VALUES (new.owner, new.id, new.title); END"
    ),
    (
        "CREATE TRIGGER search_conversation_named AFTER UPDATE OF title ON conversations "
        "WHEN old.title IS NOT new.title BEGIN "
        "INSERT INTO search_titles (owner, conversation_id, title) SELECT new.owner, new.id, '' "
        "WHERE NOT EXISTS "
        "(SELECT 1 FROM search_titles WHERE owner = new.owner AND conversation_id = new.id); "
        "UPDATE search_titles SET title = new.title WHERE owner = new.owner AND conversation_id = new.id; END"
    ),
    (
        "CREATE TRIGGER search_conversation_gone AFTER DELETE ON conversations "
        "BEGIN DELETE FROM search_titles WHERE owner = old.owner AND conversation_id = old.id; END"
    ),
    (
        "CREATE TRIGGER search_title_new AFTER INSERT ON search_titles "
        f"BEGIN {queued('title', 'new.number', 'NULL')} END"
    ),
    (
        "CREATE TRIGGER search_title_changed AFTER UPDATE OF title ON search_titles "
        f"BEGIN {queued('title', 'new.number', 'old.title')} END"
    ),
    (
        "CREATE TRIGGER search_title_gone AFTER DELETE ON search_titles "
        f"BEGIN {queued('title', 'old.number', 'old.title')} END"
    ),
)

# PostgreSQL's parser makes one word of `df.total`, and no spaces of an underscore or of a dash that is not
# ASCII's: signs become spaces before it sees them. Accents are taken off, and 200,000 characters are as much
# as a `tsvector` surely holds.
SIGNS = (
    r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7"
    r"\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\uff00-\uff0f\U0001f000-\U0001faff]+"
)


def vector(column: str) -> str:
    """Return the words of a column, for PostgreSQL."""
    bare = f"regexp_replace(normalize(left({column}, 200000), NFD), '[\\u0300-\\u036f]', '', 'g')"
    return f"to_tsvector('simple', left(regexp_replace({bare}, '{SIGNS}', ' ', 'g'), 200000))"


POSTGRESQL_SEARCH = (
    (
        "ALTER TABLE messages ADD COLUMN search tsvector GENERATED ALWAYS AS "
        f"(CASE WHEN {SEARCHED} THEN {vector('text')} END) STORED"
    ),
    f"ALTER TABLE conversations ADD COLUMN search tsvector GENERATED ALWAYS AS ({vector('title')}) STORED",
    # Without its list of what is still to be sorted in, which each search would have to go through.
    "CREATE INDEX ix_messages_search ON messages USING gin (search) WITH (fastupdate = off)",
    "CREATE INDEX ix_conversations_search ON conversations USING gin (search) WITH (fastupdate = off)",
)
SEARCH = {"sqlite": SQLITE_SEARCH, "postgresql": POSTGRESQL_SEARCH}

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "client_settings",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=160), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("values", DATA, nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "client", "part", name=op.f("pk_client_settings")),
    )
    op.create_table(
        "presets",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=160), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("values", DATA, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "client", "name", name=op.f("pk_presets")),
    )
    op.create_table(
        "projects",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("data", DATA, nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_projects")),
    )
    op.create_table(
        "servers",
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
    )
    op.create_table(
        "suggestions",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_suggestions")),
    )
    op.create_table(
        "uploads",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.Column("data", DATA, nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_sha256"), "uploads", ["sha256"])

    op.create_table(
        "conversations",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("project_id", sa.String(length=160), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("titled", sa.Boolean(), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=True),
        sa.Column("file_id", sa.String(length=64), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_message_at", Moment(), nullable=False),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("data", DATA, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "project_id"], ["projects.owner", "projects.id"], name=op.f("fk_conversations_projects")
        ),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_conversations")),
    )
    op.create_index(op.f("ix_conversations_owner_file_id"), "conversations", ["owner", "file_id"])
    op.create_index(
        op.f("ix_conversations_owner_last_message_at"), "conversations", ["owner", "last_message_at"]
    )
    op.create_index(op.f("ix_conversations_owner_notebook"), "conversations", ["owner", "notebook"])
    op.create_index(op.f("ix_conversations_owner_project_id"), "conversations", ["owner", "project_id"])
    op.create_index(
        op.f("ix_conversations_deleted"),
        "conversations",
        ["owner", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )

    op.create_table(
        "project_files",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=160), nullable=False),
        sa.Column("upload_id", sa.String(length=160), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "project_id"],
            ["projects.owner", "projects.id"],
            name=op.f("fk_project_files_projects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner", "upload_id"],
            ["uploads.owner", "uploads.id"],
            name=op.f("fk_project_files_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "project_id", "upload_id", name=op.f("pk_project_files")),
    )
    op.create_table(
        "messages",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("conversation_id", sa.String(length=160), nullable=False),
        sa.Column("parent_id", sa.String(length=160), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("content", DATA, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("server", sa.String(length=160), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("finish_reason", sa.String(length=16), nullable=True),
        sa.Column("error", DATA, nullable=True),
        sa.Column("usage", DATA, nullable=True),
        sa.Column("token_count", sa.Integer(), nullable=True),
        sa.Column("completion_ms", sa.Float(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("tool_calls", DATA, nullable=True),
        sa.Column("attachments", DATA, nullable=True),
        sa.Column("reaction", sa.String(length=16), nullable=True),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("data", DATA, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "conversation_id"],
            ["conversations.owner", "conversations.id"],
            name=op.f("fk_messages_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_messages")),
        sa.UniqueConstraint("owner", "id", name=op.f("uq_messages_owner_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_messages_owner_conversation_id_number"), "messages", ["owner", "conversation_id", "number"]
    )
    op.create_index(
        op.f("ix_messages_owner_created_at"), "messages", ["owner", "created_at", "model", "conversation_id"]
    )
    op.create_index(
        op.f("ix_messages_owner_model"), "messages", ["owner", "model", "created_at", "conversation_id"]
    )
    op.create_index(op.f("ix_messages_status_server"), "messages", ["status", "server"])
    for statement in SEARCH[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
