"""The search in SQLite's FTS5."""

# Statements are put together from texts of this package alone; values are bound.
# ruff: noqa: S608

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from tether_jupyter.store.search import CANDIDATES, COMMON, LOOKED, NARROW, TITLES, texts
from tether_jupyter.store.tables import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, TextClause

    from tether_jupyter.store.search import Filters
    from tether_jupyter.store.words import Query

KINDS = (
    ("message", "messages_fts", "text", "search_messages"),
    ("title", "titles_fts", "title", "search_titles"),
)
SAID = "m.status != 'running' AND m.deleted_at IS NULL"
"""What is searched, where the index does not say so by itself."""
BEYOND_ASCII = "length(CAST({0} AS BLOB)) > length({0})"
"""What holds for all text without spaces, and for hardly any English."""
AT_ONCE = 500
"""Rows that are indexed in one transaction: about a tenth of a second, in which no turn is written."""


def is_behind(connection: Connection) -> bool:
    """Return whether something was said that is not indexed yet."""
    return connection.execute(text("SELECT 1 FROM search_queue LIMIT 1")).first() is not None


def catch_up(connection: Connection) -> bool:
    """Index some of what is not indexed yet; return whether more is left."""
    for kind, index, column, source in KINDS:
        some = f"SELECT number FROM search_queue WHERE kind = '{kind}' ORDER BY number LIMIT {AT_ONCE}"
        last = connection.execute(text(f"SELECT max(number) FROM ({some})")).scalar()
        if last is None:
            continue
        these = f"q.kind = '{kind}' AND q.number <= {int(last)}"
        # An index over another table's rows is told the words to forget: it cannot look them up any more.
        forget = f"INSERT INTO {index} ({index}, rowid, {column}) SELECT 'delete', q.number, q.old "
        connection.execute(text(f"{forget} FROM search_queue q WHERE {these} AND q.old IS NOT NULL"))
        learn = f"INSERT INTO {index} (rowid, {column}) SELECT s.number, s.{column} FROM search_queue q "
        connection.execute(text(f"{learn} CROSS JOIN {source} s ON s.number = q.number WHERE {these}"))
        connection.execute(text(f"DELETE FROM search_queue AS q WHERE {these}"))
    return is_behind(connection)


def titles(connection: Connection, owner: str, query: Query, filters: Filters) -> list[str]:
    """Return the conversations whose titles have the words, the one last spoken in first."""
    having = texts(query.likes(), "c.title")
    if not query.indexed:
        statement = f"SELECT c.id FROM conversations c WHERE {filters.of_conversations()} AND {having} "
        statement += f"ORDER BY c.last_message_at DESC LIMIT {TITLES}"
        return list(connection.execute(*bound(statement, owner, query, filters)).scalars())
    hits = (
        "SELECT c.id, c.last_message_at FROM titles_fts f CROSS JOIN search_titles s ON s.number = f.rowid "
        "CROSS JOIN conversations c ON c.owner = s.owner AND c.id = s.conversation_id "
        f"WHERE titles_fts MATCH :words AND s.owner = :owner AND {filters.of_conversations()} "
        f"{'AND ' + having if having else ''} "
        f"ORDER BY f.rowid DESC LIMIT {TITLES}"
    )
    statement = f"SELECT id FROM ({hits}) ORDER BY last_message_at DESC"
    return list(connection.execute(*bound(statement, owner, query, filters)).scalars())


def messages(connection: Connection, owner: str, query: Query, filters: Filters) -> list[int]:
    """Return the numbers of the messages that have the words, the best first.

    The index yields its hits from the newest on, so it can stop early; where the filters let little through,
    it would not. Then their list comes first, and a hit is looked up in that instead of in the table.
    """
    having = texts(query.likes(), "m.text")
    if not query.indexed:
        statement = f"SELECT m.number {newest(filters, having)} LIMIT {CANDIDATES}"
        return list(connection.execute(*bound(statement, owner, query, filters)).scalars())
    allowed = f"SELECT m.number FROM messages m WHERE {filters.of_messages()}"
    hits = "SELECT f.rowid AS number, {score} AS score FROM messages_fts f "
    if at_most(connection, NARROW, allowed, owner, query, filters):
        # The plus keeps SQLite from asking the index once for each number of the list.
        hits += f"WHERE messages_fts MATCH :words AND +f.rowid IN ({allowed}) "
    else:
        hits += "CROSS JOIN messages m ON m.number = f.rowid "
        hits += f"WHERE messages_fts MATCH :words AND {filters.of_messages()} "
    hits += f"ORDER BY f.rowid DESC LIMIT {LOOKED if having else CANDIDATES}"
    if having:
        hits = f"SELECT h.number, h.score FROM ({hits}) h CROSS JOIN messages m ON m.number = h.number "
        hits = f"{hits} WHERE {having} ORDER BY h.number DESC LIMIT {CANDIDATES}"
    # To weigh a word, FTS5 goes through all that has it. What everything has weighs nothing.
    any_of_it = "SELECT 1 FROM messages_fts WHERE messages_fts MATCH :words"
    rare = at_most(connection, COMMON, any_of_it, owner, query, filters)
    hits = hits.format(score="round(bm25(messages_fts), 1)" if rare else "0")
    ranked = f"SELECT number FROM ({hits}) ORDER BY score, number DESC"
    return list(connection.execute(*bound(ranked, owner, query, filters)).scalars())


def newest(filters: Filters, having: str) -> str:
    """Return a statement, all but its columns and its end, for what of the newest messages has a text."""
    looked = f"SELECT m.number FROM messages m WHERE {filters.of_messages()} AND {SAID} "
    looked += f"ORDER BY m.number DESC LIMIT {LOOKED}"
    return f"FROM messages m WHERE m.number IN ({looked}) AND {having} ORDER BY m.number DESC"


def within(query: Query, column: str) -> str:
    """Return the condition on what may have all terms, some of them within text without spaces."""
    return " AND ".join(filter(None, [texts(query.likely(), column), BEYOND_ASCII.format(column)]))


def state(connection: Connection) -> Any:
    """Return what changes on a connection that only reads whenever anything is written."""
    return connection.execute(text("PRAGMA data_version")).scalar()


def likely_titles(connection: Connection, owner: str, query: Query, filters: Filters) -> Iterable[Any]:
    """Return conversations and their titles that may have all terms, the one last spoken in first."""
    statement = f"SELECT c.id, c.title FROM conversations c WHERE {filters.of_conversations()} "
    statement += f"AND {within(query, 'c.title')} ORDER BY c.last_message_at DESC"
    return connection.execute(*bound(statement, owner, query, filters))


def likely_messages(connection: Connection, owner: str, query: Query, filters: Filters) -> Iterable[Any]:
    """Return numbers and texts of messages that may have all terms, the newest first."""
    statement = f"SELECT m.number, m.text {newest(filters, within(query, 'm.text'))}"
    return connection.execute(*bound(statement, owner, query, filters))


def at_most(connection: Connection, most: int, statement: str, *given: Any) -> bool:
    """Return whether a statement has no more rows than that; no more are counted."""
    counted = f"SELECT count(*) FROM ({statement} LIMIT {most + 1})"
    return int(connection.execute(*bound(counted, *given)).scalar() or 0) <= most


def bound(statement: str, owner: str, query: Query, filters: Filters) -> tuple[TextClause, dict[str, Any]]:
    """Return a statement with its parameters."""
    given = {"owner": owner, "words": query.fts5(), **query.likely(), **filters.parameters()}
    used = {name: value for name, value in given.items() if f":{name}" in statement}
    times = [bindparam(name, type_=Moment()) for name in ("after", "before") if name in used]
    return text(statement).bindparams(*times), used
