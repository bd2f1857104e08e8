"""The first form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tether_jupyter.store.tables import Moment

DATA = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

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
    op.create_index(op.f("ix_messages_status_server"), "messages", ["status", "server"])
