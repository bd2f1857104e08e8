"""The full text of all that was said: messages, and the titles of conversations.

SQLite: `messages_fts` and `titles_fts` are FTS5 indexes over the rows of `search_messages` and
`search_titles`. Triggers do not write them, which only a connection that trusts its schema could do, and
which would make each commit of a turn a larger one: they note in `search_queue` which rows are out of date,
and the next search brings those in first. An answer that is being written is in no queue and no index until
it ends.

PostgreSQL: the columns `search` are made of `text` and of `title` by the database itself; that of an answer
which is being written is null. Of each message the first 200,000 characters are found.

Either is made by the migrations. A later step that writes `messages` or `conversations` anew, as Alembic's
batch mode does in SQLite, takes their triggers along and must make them again.

Words that stand in thousands of messages are not ranked over all of them: the newest `CANDIDATES` are. Which
these are is exact, whatever the filters. Text that is written without spaces, which no index knows, is looked
for in the newest `LOOKED` messages, or in as many that have the other words. Where the indexes give less than
a page, words that stand within such text are looked for in the newest `LOOKED` messages as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.words import UNSPACED, Query

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tether_jupyter.store.database import Database

FTS_TABLES = frozenset(
    {"search_messages", "search_titles", "search_queue", "messages_fts", "titles_fts"}
    | {
        f"{name}_fts_{shadow}"
        for name in ("messages", "titles")
        for shadow in ("data", "idx", "docsize", "config")
    }
)
"""What the migrations make for the search alone, in SQLite: nothing of it stands in `store/tables.py`."""
SEARCH_COLUMNS = frozenset({("messages", "search"), ("conversations", "search")})
SEARCH_INDEXES = frozenset({"ix_messages_search", "ix_conversations_search"})
"""The same in PostgreSQL: columns by their table, and the indexes of them."""

CANDIDATES = 500
"""How many hits are ranked: the newest ones."""
COMMON = 20_000
"""Words that stand together in more messages than this say nothing of which one fits: the newest is first."""
LOOKED = 10_000
"""Messages that are read for a text, the newest ones."""
TITLES = 100
NARROW = 10_000
"""Where the filters let no more messages through than this, their list is made first."""
MOST = 100
WITHOUT = "tether_without_unspaced"
REMEMBERED = 1000
"""Of how many owners and filters a connection knows that there is no text without spaces."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is searched: each one narrows it.

    Parameters
    ----------
    model:
        Answers of this one only, and no titles.
    after, before:
        From the first moment on, and up to the second, which is not included. Aware times.
    """

    project_id: str | None = None
    notebook: str | None = None
    model: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    @property
    def impossible(self) -> bool:
        """Whether nothing can be equal to a filter: no database keeps such a text."""
        return any("\x00" in (value or "") for value in (self.project_id, self.notebook, self.model))

    def parameters(self) -> dict[str, Any]:
        """Return what the conditions need."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value is not None}

    def of_messages(self) -> str:
        """Return the conditions on a message `m`, in SQL."""
        where = ["m.owner = :owner"]
        if self.project_id is None and self.notebook is None:
            # Most people delete little: the list of what they did is the short one.
            gone = "SELECT id FROM conversations WHERE owner = :owner AND deleted_at IS NOT NULL"
            where.append(f"m.conversation_id NOT IN ({gone})")
        else:
            inside = "SELECT id FROM conversations WHERE owner = :owner AND deleted_at IS NULL"
            inside += " AND project_id = :project_id" if self.project_id is not None else ""
            inside += " AND notebook = :notebook" if self.notebook is not None else ""
            where.append(f"m.conversation_id IN ({inside})")
        where += ["m.model = :model"] if self.model is not None else []
        where += ["m.created_at >= :after"] if self.after is not None else []
        where += ["m.created_at < :before"] if self.before is not None else []
        return " AND ".join(where)

    def of_conversations(self) -> str:
        """Return the conditions on a conversation `c`, in SQL."""
        where = ["c.owner = :owner", "c.deleted_at IS NULL"]
        where += ["c.project_id = :project_id"] if self.project_id is not None else []
        where += ["c.notebook = :notebook"] if self.notebook is not None else []
        where += ["c.last_message_at >= :after"] if self.after is not None else []
        where += ["c.last_message_at < :before"] if self.before is not None else []
        return " AND ".join(where)


@dataclass(frozen=True, slots=True)
class Hit:
    """A message, or a conversation by its title, and the part of it that shows why."""

    conversation: dict[str, Any]
    message: dict[str, Any] | None
    snippet: list[dict[str, object]]

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"conversation": self.conversation, "message": self.message, "snippet": self.snippet}


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of hits. `next` is the offset of the next one, `None` at the end."""

    hits: list[Hit]
    next: int | None

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"results": [hit.payload() for hit in self.hits], "next": self.next}


class Search:
    """Finds what was said. Nobody finds anything of anybody else's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def search(
        self,
        owner: str,
        q: str,
        *,
        project_id: str | None = None,
        notebook: str | None = None,
        model: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> Hits:
        """Return a page of what has all the words: titles, the newest first, then messages, the best first.

        Behind them is what has a word within text without spaces: titles, then messages, the newest first.

        Parameters
        ----------
        q:
            Words and "phrases", as `store.words.Query` takes them. Without a word nothing is found.
        limit:
            Hits of a page, 1 to `MOST`.
        offset:
            How many hits to pass over.

        Raises
        ------
        StoreFailed
            The database cannot be read now.
        """
        query = Query.parse(q)
        filters = Filters(project_id, notebook, model, after, before)
        if not query.terms or filters.impossible:
            return Hits([], None)
        await self.catch_up()
        limit, offset = min(max(limit, 1), MOST), max(offset, 0)

        def work(connection: Connection) -> Hits:
            return found(connection, owner, query, filters, limit, offset)

        return await self.database.read(work)

    async def catch_up(self) -> None:
        """Bring in what was said since the last search."""
        if self.database.kind != "sqlite":
            return
        from tether_jupyter.store.search_sqlite import catch_up, is_behind

        if not await self.database.read(is_behind):
            return
        try:
            while await self.database.write(catch_up):
                pass
        except StoreFailed as reason:
            # A disk that is full still can be read: what is indexed is found, the rest when there is room.
            if reason.cause not in ("full", "readonly", "locked"):
                raise


def texts(names: Iterable[str], column: str, *, like: str = "LIKE") -> str:
    """Return the condition that a column has the texts of these names, in SQL; empty without one."""
    return " AND ".join(f"{column} {like} :{name} ESCAPE '!'" for name in names)


def found(
    connection: Connection, owner: str, query: Query, filters: Filters, limit: int, offset: int
) -> Hits:
    """Return a page of hits, on a reading connection."""
    if connection.dialect.name == "sqlite":
        from tether_jupyter.store import search_sqlite as form
    else:
        from tether_jupyter.store import search_postgresql as form  # type: ignore[no-redef]

    titles = [] if filters.model is not None else form.titles(connection, owner, query, filters)
    last = offset + limit
    numbers = form.messages(connection, owner, query, filters) if last + 1 > len(titles) else []
    both: list[str | int] = [*titles, *numbers]
    short = query.indexed and len(both) <= last and len(numbers) < CANDIDATES
    if short and has_unspaced(connection, form, owner, filters):
        titled = [] if filters.model is not None else form.likely_titles(connection, owner, query, filters)
        both += standing(query, titled, titles, TITLES - len(titles))
        likely = form.likely_messages(connection, owner, query, filters)
        both += standing(query, likely, numbers, CANDIDATES - len(numbers))
    page = both[offset:last]
    ids = [each for each in page if isinstance(each, str)]
    hits = {**named(connection, owner, query, ids)}
    hits |= said(connection, owner, query, [each for each in page if isinstance(each, int)])
    return Hits([hits[each] for each in page if each in hits], last if last < len(both) else None)


def has_unspaced(connection: Connection, form: Any, owner: str, filters: Filters) -> bool:
    """Return whether text without spaces is in what is looked through.

    Most people have none. A connection remembers that until something is written, for to see it takes longer
    than to ask an index for words that are nowhere.
    """
    state = form.state(connection)
    before, none = connection.info.get(WITHOUT, (None, set()))
    if before != state or len(none) >= REMEMBERED:
        none = set()
        connection.info[WITHOUT] = (state, none)
    if (owner, filters) in none:
        return False
    anything = Query(())
    if any(UNSPACED.search(text) for _, text in form.likely_titles(connection, owner, anything, filters)):
        return True
    if any(UNSPACED.search(text) for _, text in form.likely_messages(connection, owner, anything, filters)):
        return True
    none.add((owner, filters))
    return False


def standing(
    query: Query, likely: Iterable[tuple[Any, str]], besides: Sequence[str | int], most: int
) -> list[str | int]:
    """Return which of some texts have the words of a query within what is written without spaces."""
    known = set(besides)
    hits = (key for key, text in likely if key not in known and query.stands_in(text))
    return list(islice(hits, max(most, 0)))


def named(connection: Connection, owner: str, query: Query, ids: list[str]) -> dict[str | int, Hit]:
    """Return the hits that conversations are, by id."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import conversations as table

    if not ids:
        return {}
    rows = connection.execute(
        select(
            table.c.id, table.c.title, table.c.project_id, table.c.notebook, table.c.last_message_at
        ).where(table.c.owner == owner, table.c.id.in_(ids))
    )
    return {row.id: Hit(about(row), None, query.pieces(row.title)) for row in rows}


def said(connection: Connection, owner: str, query: Query, numbers: list[int]) -> dict[str | int, Hit]:
    """Return the hits that messages are, by number."""
    from sqlalchemy import and_, select

    from tether_jupyter.store.tables import conversations, messages

    if not numbers:
        return {}
    joined = and_(conversations.c.owner == messages.c.owner, conversations.c.id == messages.c.conversation_id)
    rows = connection.execute(
        select(
            *(conversations.c.id, conversations.c.title, conversations.c.project_id),
            *(conversations.c.notebook, conversations.c.last_message_at),
            *(messages.c.number, messages.c.id.label("message_id"), messages.c.role, messages.c.text),
            *(messages.c.model, messages.c.created_at, messages.c.owner),
        )
        .select_from(messages.join(conversations, joined))
        # By the numbers alone: with the owner beside them, SQLite goes through all that the owner has.
        .where(messages.c.number.in_(numbers))
    )
    return {
        row.number: Hit(
            about(row),
            {
                "id": row.message_id,
                "role": row.role,
                "model": row.model,
                "created_at": row.created_at.isoformat(),
            },
            query.pieces(row.text),
        )
        for row in rows
        if row.owner == owner
    }


def about(row: Any) -> dict[str, Any]:
    """Return what a hit tells of its conversation."""
    return {
        "id": row.id,
        "title": row.title,
        "project_id": row.project_id,
        "notebook": row.notebook,
        "last_message_at": row.last_message_at.isoformat(),
    }
