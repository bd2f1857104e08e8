"""Conversations and messages in a database: a tree of messages, of which nothing is ever written over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.history import Conversation, Past, StoredMessage, new_id, noted, now
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tether_jupyter.store.database import Database
    from tether_jupyter.store.threads import State

NO_MESSAGE = "There is no such message here."
MOST_LISTED = 1000


class SqlHistory:
    """A `core.history.History` over a `Database`; see there for what the methods do.

    Parameters
    ----------
    root:
        The folder of this machine that notebooks' paths begin at; `None` where they lie elsewhere.
    """

    problem: str | None = None

    def __init__(self, database: Database, root: str | None = None) -> None:
        self.database = database
        # A folder may have a name that is no text; a database holds nothing but text.
        self.root = root and root.encode(errors="backslashreplace").decode()
        self.presence = Presence(database)

    @property
    def kind(self) -> str:
        return self.database.kind

    # -- conversations

    async def create(
        self,
        owner: str,
        *,
        conversation_id: str | None = None,
        notebook: str | None = None,
        file_id: str | None = None,
        project_id: str | None = None,
        title: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> Conversation:
        made = Conversation(
            conversation_id or new_id("c"),
            owner,
            title=title or "",
            titled=bool(title),
            project_id=project_id,
            notebook=notebook,
            file_id=file_id,
            root=self.root if notebook is not None else None,
            data=data or {},
        )

        def work(connection: Connection) -> None:
            from tether_jupyter.store import threads

            threads.need_project(connection, owner, project_id)
            if not threads.insert_conversation(connection, made):
                raise Conflict("There is a conversation with that id already.")

        await self.database.write(work)
        return made

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        def work(connection: Connection) -> Conversation:
            from tether_jupyter.store import threads

            return threads.need_conversation(connection, owner, conversation_id)

        return await self.database.read(work)

    async def resume(self, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
        def work(connection: Connection) -> tuple[Conversation | None, list[StoredMessage]]:
            from tether_jupyter.store import notebooks, threads

            found: Conversation | None = None
            if past.conversation_id is not None:
                found = threads.read_conversation(connection, owner, past.conversation_id)
            elif past.notebook is not None:
                found = notebooks.of_notebook(connection, owner, self.root, past.notebook, past.file_id)
            if found is None or not past.limit or not (found.message_count or past.last):
                return found, []
            return found, threads.read_branch(connection, owner, found.id, past.last, past.limit)

        found, branch = await self.database.read(work)
        if not past.looking and (past.conversation_id is None or self._of_here(found, past.notebook)):
            await self._follow(owner, found, past.notebook, past.file_id)
        return found, branch

    def _of_here(self, found: Conversation | None, notebook: str | None) -> bool:
        """Return whether a conversation is a notebook's: another folder may have one of the same path."""
        if found is None or found.notebook != notebook or found.deleted_at is not None:
            return False
        return self.root is None or found.root in (None, self.root)

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        def work(connection: Connection) -> Conversation | None:
            from tether_jupyter.store import notebooks

            return notebooks.of_notebook(connection, owner, self.root, notebook, file_id)

        found = await self.database.read(work)
        await self._follow(owner, found, notebook, file_id)
        return found

    async def _follow(
        self, owner: str, found: Conversation | None, notebook: str | None, file_id: str | None
    ) -> None:
        """Bind a conversation to the path and the file by which its notebook asks now."""
        if found is None or notebook is None:
            return
        here = notebook, file_id or found.file_id, self.root or found.root
        if (found.notebook, found.file_id, found.root) != here:
            await self._bind(owner, found.id, notebook, file_id)
            found.notebook, found.file_id, found.root = here

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        await self._bind(owner, conversation_id, notebook, None)

    async def _bind(self, owner: str, conversation_id: str, notebook: str, file_id: str | None) -> None:
        def work(connection: Connection) -> None:
            from tether_jupyter.store import threads

            found = threads.need_conversation(connection, owner, conversation_id)
            bound = {"file_id": file_id or found.file_id, "root": self.root or found.root}
            threads.update_conversation(connection, found, notebook=notebook, **bound)

        await self.database.write(work)

    async def renamed(self, owner: str, old: str, new: str) -> None:
        def work(connection: Connection) -> None:
            from tether_jupyter.store import notebooks

            notebooks.rename(connection, owner, self.root, old, new)

        if await self.database.exists():  # None is made for files that nobody has asked about.
            await self.database.write(work)

    async def unbind(self, owner: str, path: str) -> None:
        def work(connection: Connection) -> None:
            from tether_jupyter.store import notebooks

            notebooks.unbind(connection, owner, self.root, path)

        if await self.database.exists():
            await self.database.write(work)

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        def work(connection: Connection) -> Conversation:
            from tether_jupyter.store import threads

            found = threads.need_conversation(connection, owner, conversation_id)
            values = dict(changes)
            if "deleted" in values:
                values["deleted_at"] = (found.deleted_at or now()) if values.pop("deleted") else None
            if "title" in values:
                values["titled"] = bool(values["title"])
                values["title"] = values["title"] or threads.first_title(connection, found)
            if values.get("notebook") is not None:
                values["root"] = self.root or found.root
            threads.need_project(connection, owner, values.get("project_id"))
            threads.update_conversation(connection, found, **values)
            return threads.need_conversation(connection, owner, conversation_id)

        return await self.database.write(work)

    async def conversations(
        self,
        owner: str,
        *,
        notebook: str | None = None,
        project_id: str | None = None,
        deleted: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Conversation]:
        def work(connection: Connection) -> list[Conversation]:
            from sqlalchemy import select

            from tether_jupyter.store import notebooks, rows
            from tether_jupyter.store.tables import conversations as table

            query = select(table).where(table.c.owner == owner)
            query = query.where(table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None))
            if notebook is not None:
                query = query.where(table.c.notebook == notebook, notebooks.in_root(self.root))
            if project_id is not None:
                query = query.where(table.c.project_id == project_id)
            order = [table.c.last_message_at.desc(), table.c.created_at.desc()]
            if notebook is None:  # The newest of a notebook is the one it goes on with.
                order.insert(0, table.c.pinned.desc())
            # Without the id, two of the same moment could change places between pages.
            query = query.order_by(*order, table.c.id)
            query = query.limit(min(limit or MOST_LISTED, MOST_LISTED)).offset(offset)
            return [rows.conversation(row) for row in connection.execute(query)]

        return await self.database.read(work)

    # -- messages

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        def work(connection: Connection) -> list[StoredMessage]:
            from sqlalchemy import select

            from tether_jupyter.store import rows, threads
            from tether_jupyter.store.tables import messages as table

            threads.need_conversation(connection, owner, conversation_id)
            query = (
                select(*(table.c[name] for name in rows.MESSAGE))
                .where(table.c.owner == owner, table.c.conversation_id == conversation_id)
                .where(table.c.deleted_at.is_(None))
                .order_by(table.c.number)
            )
            return [rows.message(row) for row in connection.execute(query)]

        return await self.database.read(work)

    async def branch(
        self, owner: str, conversation_id: str, last: str | None = None, limit: int = 200
    ) -> list[StoredMessage]:
        def work(connection: Connection) -> list[StoredMessage]:
            from tether_jupyter.store import threads

            branch = threads.read_branch(connection, owner, conversation_id, last, limit)
            if not branch:
                threads.need_conversation(connection, owner, conversation_id)
            return branch

        return await self.database.read(work)

    async def begin(self, conversation: Conversation, *said: StoredMessage, new: bool) -> Conversation:
        owner, server, states = conversation.owner, self.presence.id, seen(said)
        made = replace(conversation, root=self.root) if new and conversation.notebook else conversation

        def work(connection: Connection) -> Conversation:
            from tether_jupyter.store import notebooks, threads

            within = made
            if new and made.notebook is not None:
                # Whether another path's may be this one's was seen when the turn was opened.
                within = notebooks.of_notebook(connection, owner, self.root, made.notebook, None) or made
            if new and within is made:
                threads.insert_conversation(connection, within)
            threads.insert_messages(connection, owner, within.id, states, server)
            return within

        await self.presence.announce()
        try:
            return await self.database.write(work)
        except Conflict:
            # It is tried again, by somebody who does not know that it went well.
            await self.add(owner, made.id, *said)
            return made

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        server, states = self.presence.id, seen(messages)

        def work(connection: Connection) -> None:
            from tether_jupyter.store import threads

            known = threads.known_messages(connection, owner, conversation_id, [each.id for each in messages])
            fresh = [state for state in states if state[0].id not in known]
            if fresh:
                threads.insert_messages(connection, owner, conversation_id, fresh, server)
            for state in states:
                if state[0].id in known:
                    threads.update_message(connection, owner, conversation_id, state, server)

        await self.presence.announce()
        await self.database.write(work)

    async def change_message(self, owner: str, message_id: str, **changes: Any) -> StoredMessage:
        def work(connection: Connection) -> StoredMessage:
            from sqlalchemy import select

            from tether_jupyter.store import rows, threads
            from tether_jupyter.store.tables import messages as table

            values = {name: rows.clean(value) for name, value in changes.items()}
            deleted = values.pop("deleted", None)
            mine = (table.c.owner == owner) & (table.c.id == message_id)
            if "data" in values:
                before = connection.execute(select(table.c.data).where(mine)).scalar()
                values["data"] = noted(values["data"], before or {})
            values = values or {"owner": owner}  # Nothing to change: it must be there all the same.
            if not connection.execute(table.update().where(mine).values(**values)).rowcount:
                raise NotFound(NO_MESSAGE)
            query = select(*(table.c[name] for name in rows.MESSAGE), table.c.conversation_id).where(mine)
            row = connection.execute(query).one()
            if deleted is not None:
                threads.take_away(connection, owner, row.conversation_id, message_id, back=not deleted)
            return rows.message(row)

        return await self.database.write(work)

    async def alive(self) -> None:
        await self.presence.announce()

    async def close(self) -> None:
        await self.presence.leave()


def seen(messages: Sequence[StoredMessage]) -> list[State]:
    """Return messages as they are now: an answer goes on growing while it waits for its turn."""
    return [(each, each.status, each.content) for each in messages]
