"""Conversations and messages in a database: a tree of messages, of which nothing is ever written over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_jupyter.core.history import Conversation, StoredMessage, new_id, now, title_of
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store.presence import Presence

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tether_jupyter.store.database import Database

NO_CONVERSATION = "There is no such conversation here. Start a new one."
NO_MESSAGE = "There is no such message here."
NO_PARENT = "There is no message with that `parent_id` in the conversation."
NO_PROJECT = "There is no such project here."
MOST_LISTED = 1000


class SqlHistory:
    """A `core.history.History` over a `Database`; see there for what the methods do."""

    problem: str | None = None

    def __init__(self, database: Database) -> None:
        self.database = database
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
            data=data or {},
        )

        def work(connection: Connection) -> None:
            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import conversations as table

            if read_conversation(connection, owner, made.id) is not None:
                raise Conflict("There is a conversation with that id already.")
            need_project(connection, owner, project_id)
            values = {name: rows.clean(getattr(made, name)) for name in rows.CONVERSATION}
            connection.execute(table.insert().values(**values))

        await self.database.write(work)
        return made

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        def work(connection: Connection) -> Conversation:
            return need_conversation(connection, owner, conversation_id)

        return await self.database.read(work)

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        def work(connection: Connection) -> Conversation | None:
            from sqlalchemy import select

            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import conversations as table

            newest = (
                select(table)
                .where(table.c.owner == owner, table.c.deleted_at.is_(None))
                .order_by(table.c.last_message_at.desc(), table.c.created_at.desc())
                .limit(1)
            )
            row = connection.execute(newest.where(table.c.notebook == notebook)).first()
            if row is None and file_id is not None:
                row = connection.execute(newest.where(table.c.file_id == file_id)).first()
            return rows.conversation(row) if row is not None else None

        found = await self.database.read(work)
        if found is not None and (found.notebook != notebook or (file_id and found.file_id != file_id)):
            await self._bind(owner, found.id, notebook, file_id or found.file_id)
            found.notebook, found.file_id = notebook, file_id or found.file_id
        return found

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        await self._bind(owner, conversation_id, notebook, None)

    async def _bind(self, owner: str, conversation_id: str, notebook: str, file_id: str | None) -> None:
        def work(connection: Connection) -> None:
            found = need_conversation(connection, owner, conversation_id)
            update_conversation(connection, found, notebook=notebook, file_id=file_id or found.file_id)

        await self.database.write(work)

    async def renamed(self, old: str, new: str) -> None:
        def work(connection: Connection) -> None:
            from sqlalchemy import String, cast, func, literal, or_

            from tether_jupyter.store.tables import conversations as table

            inside = old.rstrip("/") + "/"
            path = table.c.notebook
            connection.execute(
                table.update()
                .where(or_(path == old, func.substr(path, 1, len(inside)) == inside))
                .values(notebook=cast(literal(new), String) + func.substr(path, len(old) + 1))
            )

        await self.database.write(work)

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        def work(connection: Connection) -> Conversation:
            found = need_conversation(connection, owner, conversation_id)
            values = dict(changes)
            if "deleted" in values:
                values["deleted_at"] = (found.deleted_at or now()) if values.pop("deleted") else None
            if "title" in values:
                values["titled"] = bool(values["title"])
            need_project(connection, owner, values.get("project_id"))
            update_conversation(connection, found, **values)
            return need_conversation(connection, owner, conversation_id)

        return await self.database.write(work)

    async def conversations(
        self,
        owner: str,
        *,
        notebook: str | None = None,
        project_id: str | None = None,
        deleted: bool = False,
        limit: int | None = None,
    ) -> list[Conversation]:
        def work(connection: Connection) -> list[Conversation]:
            from sqlalchemy import select

            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import conversations as table

            query = select(table).where(table.c.owner == owner)
            query = query.where(table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None))
            if notebook is not None:
                query = query.where(table.c.notebook == notebook)
            if project_id is not None:
                query = query.where(table.c.project_id == project_id)
            order = [table.c.last_message_at.desc(), table.c.created_at.desc()]
            if notebook is None:  # The newest of a notebook is the one it goes on with.
                order.insert(0, table.c.pinned.desc())
            query = query.order_by(*order).limit(min(limit or MOST_LISTED, MOST_LISTED))
            return [rows.conversation(row) for row in connection.execute(query)]

        return await self.database.read(work)

    # -- messages

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        def work(connection: Connection) -> list[StoredMessage]:
            from sqlalchemy import select

            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import messages as table

            need_conversation(connection, owner, conversation_id)
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
            return read_branch(connection, owner, conversation_id, last, limit)

        return await self.database.read(work)

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        # Seen as they are now: an answer goes on growing while this waits for its turn.
        states = [(each, each.status, each.content) for each in messages]
        server = self.presence.id

        def work(connection: Connection) -> None:
            from sqlalchemy import select

            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import messages as table

            mine = (table.c.owner == owner) & (table.c.conversation_id == conversation_id)
            ids = [each.id for each, _, _ in states]
            known = set(connection.execute(select(table.c.id).where(mine, table.c.id.in_(ids))).scalars())
            fresh: dict[str, StoredMessage] = {}
            values: dict[str, dict[str, Any]] = {}
            for each, status, content in states:
                row = rows.columns(each, owner, conversation_id, server)
                if status == "running":
                    row |= {"content": rows.clean(content), "text": rows.clean(text_of(content))}
                    row |= {"status": status, "server": server}
                values[each.id] = row
                if each.id not in known:
                    fresh[each.id] = each
            if fresh:
                need_conversation(connection, owner, conversation_id)
                new = [{**values[id], "data": rows.clean(each.data)} for id, each in fresh.items()]
                connection.execute(table.insert(), new)
                count_messages(connection, owner, conversation_id, list(fresh.values()))
            for id in known:
                row = {name: value for name, value in values[id].items() if name not in KEYS}
                connection.execute(table.update().where(mine, table.c.id == id).values(row))

        await self.presence.announce()
        await self.database.write(work)

    async def change_message(self, owner: str, message_id: str, **changes: Any) -> StoredMessage:
        def work(connection: Connection) -> StoredMessage:
            from sqlalchemy import select

            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import messages as table

            values = {name: rows.clean(value) for name, value in changes.items()}
            if "deleted" in values:
                values["deleted_at"] = now() if values.pop("deleted") else None
            mine = (table.c.owner == owner) & (table.c.id == message_id)
            values = values or {"owner": owner}  # Nothing to change: it must be there all the same.
            if not connection.execute(table.update().where(mine).values(**values)).rowcount:
                raise NotFound(NO_MESSAGE)
            query = select(*(table.c[name] for name in rows.MESSAGE), table.c.conversation_id).where(mine)
            row = connection.execute(query).one()
            if "deleted_at" in values:
                count_messages(connection, owner, row.conversation_id, [])
            return rows.message(row)

        return await self.database.write(work)

    async def alive(self) -> None:
        await self.presence.announce()

    async def close(self) -> None:
        await self.presence.leave()


KEYS = ("owner", "id", "conversation_id", "created_at", "parent_id")


BRANCH = ("id", "role", "content", "parent_id", "status", "attachments")
"""What a question wants to know of what was said before it: every question reads hundreds of these."""


def read_conversation(connection: Connection, owner: str, conversation_id: str) -> Conversation | None:
    """Return the owner's conversation, if it is there."""
    from sqlalchemy import select

    from tether_jupyter.store import rows
    from tether_jupyter.store.tables import conversations as table

    query = select(table).where(table.c.owner == owner, table.c.id == conversation_id)
    row = connection.execute(query).first()
    return rows.conversation(row) if row is not None else None


def need_conversation(connection: Connection, owner: str, conversation_id: str) -> Conversation:
    """Return the owner's conversation; raise `NotFound` where it is not there."""
    found = read_conversation(connection, owner, conversation_id)
    if found is None:
        raise NotFound(NO_CONVERSATION)
    return found


def need_project(connection: Connection, owner: str, project_id: str | None) -> None:
    """Raise `NotFound` where a project is named that the owner has not."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import projects as table

    if project_id is None:
        return
    query = select(table.c.id).where(table.c.owner == owner, table.c.id == project_id)
    if connection.execute(query.where(table.c.deleted_at.is_(None))).first() is None:
        raise NotFound(NO_PROJECT)


def update_conversation(connection: Connection, found: Conversation, **values: Any) -> None:
    """Set columns of a conversation."""
    from tether_jupyter.store import rows
    from tether_jupyter.store.tables import conversations as table

    mine = (table.c.owner == found.owner) & (table.c.id == found.id)
    cleaned = {name: rows.clean(value) for name, value in values.items()}
    if not cleaned:
        return
    connection.execute(table.update().where(mine).values(**cleaned))


def count_messages(
    connection: Connection, owner: str, conversation_id: str, fresh: list[StoredMessage]
) -> None:
    """Note new messages at their conversation, and name it after its first question."""
    from sqlalchemy import func, select

    from tether_jupyter.store.tables import messages as table

    found = need_conversation(connection, owner, conversation_id)
    if fresh:
        count = found.message_count + len(fresh)
    else:
        mine = (table.c.owner == owner) & (table.c.conversation_id == conversation_id)
        query = select(func.count()).select_from(table).where(mine, table.c.deleted_at.is_(None))
        count = connection.execute(query).scalar() or 0
    values: dict[str, Any] = {"message_count": count}
    if fresh:
        values["last_message_at"] = max(found.last_message_at, *(each.created_at for each in fresh))
    asked = next((each for each in fresh if each.role == "user"), None)
    if asked is not None and not found.title and not found.titled:
        values["title"] = title_of(text_of(asked.content))
    update_conversation(connection, found, **values)


def read_branch(
    connection: Connection, owner: str, conversation_id: str, last: str | None, limit: int
) -> list[StoredMessage]:
    """Return the last messages of a branch, the oldest first; its beginning is not even looked at."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import messages as table

    mine = (table.c.owner == owner) & (table.c.conversation_id == conversation_id)
    alive = select(table.c.id, table.c.parent_id).where(mine, table.c.deleted_at.is_(None))
    leaf = alive.where(table.c.id == last) if last is not None else alive.order_by(table.c.number.desc())
    at = connection.execute(leaf.limit(1)).first()
    if at is None:
        if last is not None:
            raise NotFound(NO_PARENT)
        need_conversation(connection, owner, conversation_id)
        return []
    from sqlalchemy import Integer, literal

    start = select(table.c.number, table.c.parent_id, literal(1, Integer).label("depth")).where(
        mine, table.c.id == at.id
    )
    chain = start.cte("chain", recursive=True)
    above = (
        select(table.c.number, table.c.parent_id, chain.c.depth + 1)
        .where(mine, table.c.id == chain.c.parent_id, table.c.deleted_at.is_(None))
        .where(chain.c.depth < limit)
    )
    chain = chain.union_all(above)
    query = (
        select(*(table.c[name] for name in BRANCH))
        .join(chain, chain.c.number == table.c.number)
        .order_by(chain.c.depth.desc())
    )
    return [StoredMessage(**row._mapping) for row in connection.execute(query)]
