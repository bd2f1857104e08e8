"""The search in PostgreSQL's text search, with the words as they are: `simple`, of no language."""

# Statements are put together from texts of this package alone; values are bound.
# ruff: noqa: S608

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from tether_jupyter.store.search import CANDIDATES, LOOKED, TITLES, texts
from tether_jupyter.store.tables import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, TextClause

    from tether_jupyter.store.search import Filters
    from tether_jupyter.store.words import Query

# A plan is made for these words and not for any: which index serves depends on how common they are.
PLAN = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
WORDS = "to_tsquery('simple', :words)"
BEYOND_ASCII = "octet_length({0}) > char_length({0})"
"""What holds for all text without spaces, and for hardly any English: ILIKE takes much longer to say no."""
READ = 1500
"""Of a phrase in words as common as that, older messages are not found."""


def titles(connection: Connection, owner: str, query: Query, filters: Filters) -> list[str]:
    """Return the conversations whose titles have the words, the one last spoken in first."""
    words = [f"c.search @@ {WORDS}"] if query.indexed else []
    having = [*words, *filter(None, [texts(query.likes(), "c.title", like="ILIKE")])]
    statement = (
        f"SELECT c.id FROM conversations c WHERE {' AND '.join(having)} AND {filters.of_conversations()} "
        f"ORDER BY c.last_message_at DESC LIMIT {TITLES}"
    )
    connection.execute(text(PLAN))
    return list(connection.execute(*bound(statement, owner, query, filters)).scalars())


def messages(connection: Connection, owner: str, query: Query, filters: Filters) -> list[int]:
    """Return the numbers of the messages that have the words, the best first.

    The index knows no places: for a phrase, each message that has its words is read. The newest `READ` are.
    """
    phrased = any(len(term.words) > 1 for term in query.indexed)
    first = "to_tsquery('simple', :loose)" if phrased else WORDS
    first = f"m.search @@ {first}" if query.indexed else "m.search IS NOT NULL"
    having = texts(query.likes(), "m.text", like="ILIKE")
    most = READ if phrased else LOOKED if having else CANDIDATES
    columns = f"m.number, m.search, m.created_at{', m.text' if having else ''}"
    hits = (
        f"SELECT {columns} FROM messages m WHERE {first} "
        f"AND {filters.of_messages()} ORDER BY m.created_at DESC LIMIT {most}"
    )
    if having:
        hits = f"SELECT * FROM ({hits}) m WHERE {having} ORDER BY created_at DESC LIMIT "
        hits += f"{READ if phrased else CANDIDATES}"
    if phrased:
        hits = (
            f"SELECT * FROM ({hits}) near WHERE search @@ {WORDS} ORDER BY created_at DESC LIMIT {CANDIDATES}"
        )
    score = f"round(ts_rank(search, {WORDS}, 1)::numeric, 2)" if query.indexed else "0::numeric"
    ranked = f"SELECT number FROM ({hits}) hits ORDER BY {score} DESC, created_at DESC, number DESC"
    connection.execute(text(PLAN))
    return list(connection.execute(*bound(ranked, owner, query, filters)).scalars())


def within(query: Query, column: str) -> str:
    """Return the condition on what may have all terms, some of them within text without spaces."""
    likely = texts(query.likely(), column, like="ILIKE")
    return " AND ".join(filter(None, [BEYOND_ASCII.format(column), likely]))


def state(connection: Connection) -> Any:
    """Return what changes whenever anything is written."""
    return connection.execute(text("SELECT pg_current_snapshot()::text")).scalar()


def likely_titles(connection: Connection, owner: str, query: Query, filters: Filters) -> Iterable[Any]:
    """Return conversations and their titles that may have all terms, the one last spoken in first."""
    statement = f"SELECT c.id, c.title FROM conversations c WHERE {filters.of_conversations()} "
    statement += f"AND {within(query, 'c.title')} ORDER BY c.last_message_at DESC"
    return connection.execute(*bound(statement, owner, query, filters))


def likely_messages(connection: Connection, owner: str, query: Query, filters: Filters) -> Iterable[Any]:
    """Return numbers and texts of messages that may have all terms, the newest first."""
    newest = (
        "SELECT m.number, m.text, m.created_at FROM messages m WHERE m.search IS NOT NULL "
        f"AND {filters.of_messages()} ORDER BY m.created_at DESC LIMIT {LOOKED}"
    )
    statement = f"SELECT number, text FROM ({newest}) m WHERE {within(query, 'm.text')} "
    statement += "ORDER BY created_at DESC, number DESC"
    return connection.execute(*bound(statement, owner, query, filters))


def bound(statement: str, owner: str, query: Query, filters: Filters) -> tuple[TextClause, dict[str, Any]]:
    """Return a statement with its parameters."""
    given = {
        "owner": owner,
        "words": query.tsquery(),
        "loose": query.tsquery(loose=True),
        **query.likely(),
        **filters.parameters(),
    }
    used = {name: value for name, value in given.items() if f":{name}" in statement}
    times = [bindparam(name, type_=Moment()) for name in ("after", "before") if name in used]
    return text(statement).bindparams(*times), used
