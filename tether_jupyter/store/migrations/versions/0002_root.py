"""A conversation's notebook is known by its root as well as by its path."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # A server of before that still runs names the columns that it knows, and so may it stay null.
    op.add_column("conversations", sa.Column("root", sa.Text(), nullable=True))
