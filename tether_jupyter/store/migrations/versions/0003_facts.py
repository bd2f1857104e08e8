"""What a database knows of itself: its id, and which files nothing referred to when it looked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

DATA = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("value", DATA, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
