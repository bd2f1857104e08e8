"""What Alembic holds against `tables.metadata`, and what it does not."""

from __future__ import annotations

from typing import Any

SEARCH = ("search", "messages_fts", "titles_fts", "ix_messages_search", "ix_conversations_search")
"""How the names begin of what the full text is found by. Each kind of database has its own, made by hand of
what stands in the other tables."""


def of_search(name: str | None) -> bool:
    """Return whether a table, a column or an index holds nothing but what others hold, to be searched."""
    return name is not None and name.startswith(SEARCH)


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """Return whether something counts; Alembic's hook of that name."""
    return not (reflected and compared is None and of_search(name))
