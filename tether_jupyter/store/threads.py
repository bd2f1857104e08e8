"""A conversation's rows, read and written within a transaction that somebody else began.

Statements are made once: to make one costs more than to run it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, case, func, literal, not_, select
from sqlalchemy.dialects import postgresql, sqlite

from tether_jupyter.core.history import Conversation, StoredMessage, now, title_of
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import NotFound
from tether_jupyter.store import rows
from tether_jupyter.store.tables import conversations, messages, projects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select, Update

NO_CONVERSATION = "There is no such conversation here. Start a new one."
NO_PARENT = "There is no message with that `parent_id` in the conversation."
NO_PROJECT = "There is no such project here."
KEYS = ("owner", "id", "conversation_id", "created_at", "parent_id")
"""Columns of a message that never change."""
State = tuple[StoredMessage, str, Any]
"""A message with its status and content as they were when it was looked at."""
BRANCH = ("id", "role", "content", "parent_id", "status", "attachments")
"""What a question wants to know of what was said before it: every question reads hundreds of these."""


@cache
def one_conversation() -> Select[Any]:
    return select(conversations).where(
        conversations.c.owner == bindparam("owner"), conversations.c.id == bindparam("id")
    )


@cache
def in_conversation() -> Any:
    return (messages.c.owner == bindparam("whose")) & (messages.c.conversation_id == bindparam("within"))


@cache
def newest_messages(*, up_to: bool) -> Select[Any]:
    """Return the query for the end of a conversation, the newest message first."""
    query = select(*(messages.c[name] for name in BRANCH)).where(
        in_conversation(), messages.c.deleted_at.is_(None)
    )
    if up_to:
        last = select(messages.c.number).where(in_conversation(), messages.c.id == bindparam("last"))
        query = query.where(messages.c.number <= last.scalar_subquery())
    return query.order_by(messages.c.number.desc()).limit(bindparam("most", type_=Integer))


@cache
def ancestors() -> Select[Any]:
    """Return the query for a message and those above it, the uppermost first."""
    start = select(messages.c.number, messages.c.parent_id, literal(1, Integer).label("depth")).where(
        in_conversation(), messages.c.id == bindparam("last"), messages.c.deleted_at.is_(None)
    )
    chain = start.cte("chain", recursive=True)
    chain = chain.union_all(
        select(messages.c.number, messages.c.parent_id, chain.c.depth + 1)
        .where(in_conversation(), messages.c.id == chain.c.parent_id, messages.c.deleted_at.is_(None))
        .where(chain.c.depth < bindparam("most", type_=Integer))
    )
    return (
        select(*(messages.c[name] for name in BRANCH))
        .join(chain, chain.c.number == messages.c.number)
        .order_by(chain.c.depth.desc())
    )


@cache
def below() -> Select[Any]:
    """Return the query for the numbers of a message and all that follow it, in whatever branch."""
    start = select(messages.c.number, messages.c.id).where(
        in_conversation(), messages.c.id == bindparam("first")
    )
    found = start.cte("below", recursive=True)
    found = found.union_all(
        select(messages.c.number, messages.c.id).where(
            in_conversation(), messages.c.parent_id == found.c.id, messages.c.number > found.c.number
        )
    )
    return select(found.c.number)


@cache
def known() -> Select[Any]:
    return select(messages.c.id).where(in_conversation(), messages.c.id.in_(bindparam("ids", expanding=True)))


@cache
def changed() -> Update:
    """Return the statement that sets what may change of a message; it takes the columns' values by name."""
    return messages.update().where(in_conversation(), messages.c.id == bindparam("message"))


@cache
def noted() -> Update:
    """Return the statement that notes new messages at their conversation."""
    at, table = bindparam("at", type_=conversations.c.last_message_at.type), conversations.c
    named = (table.title == "") & not_(table.titled)
    return (
        conversations.update()
        .where(table.owner == bindparam("whose"), table.id == bindparam("within"))
        .values(
            message_count=table.message_count + bindparam("more", type_=Integer),
            last_message_at=case((table.last_message_at < at, at), else_=table.last_message_at),
            title=case((named, bindparam("name", type_=table.title.type)), else_=table.title),
        )
    )


def read_conversation(connection: Connection, owner: str, conversation_id: str) -> Conversation | None:
    """Return the owner's conversation, if it is there."""
    row = connection.execute(one_conversation(), {"owner": owner, "id": conversation_id}).first()
    return rows.conversation(row) if row is not None else None


def need_conversation(connection: Connection, owner: str, conversation_id: str) -> Conversation:
    """Return the owner's conversation; raise `NotFound` where it is not there."""
    found = read_conversation(connection, owner, conversation_id)
    if found is None:
        raise NotFound(NO_CONVERSATION)
    return found


def need_project(connection: Connection, owner: str, project_id: str | None) -> None:
    """Raise `NotFound` where a project is named that the owner has not."""
    if project_id is None:
        return
    query = select(projects.c.id).where(projects.c.owner == owner, projects.c.id == project_id)
    if connection.execute(query.where(projects.c.deleted_at.is_(None))).first() is None:
        raise NotFound(NO_PROJECT)


def insert_conversation(connection: Connection, made: Conversation) -> bool:
    """Keep a new conversation; return whether it is new, and not there already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {name: rows.clean(getattr(made, name)) for name in rows.CONVERSATION}
    statement = insert(conversations).on_conflict_do_nothing(index_elements=["owner", "id"])
    statement = statement.execution_options(preserve_rowcount=True)  # Of an insert it is not kept otherwise.
    return connection.execute(statement, values).rowcount == 1


def update_conversation(connection: Connection, found: Conversation, **values: Any) -> None:
    """Set columns of a conversation."""
    mine = (conversations.c.owner == found.owner) & (conversations.c.id == found.id)
    cleaned = {name: rows.clean(value) for name, value in values.items()}
    if cleaned:
        connection.execute(conversations.update().where(mine).values(**cleaned))


def known_messages(connection: Connection, owner: str, conversation_id: str, ids: Sequence[str]) -> set[str]:
    """Return which of some messages are there."""
    given = {"whose": owner, "within": conversation_id, "ids": list(ids)}
    return set(connection.execute(known(), given).scalars())


def insert_messages(
    connection: Connection, owner: str, conversation_id: str, states: Sequence[State], server: str
) -> None:
    """Keep new messages, and note them at their conversation. Raises as `note_messages`."""
    note_messages(connection, owner, conversation_id, [each for each, _, _ in states])
    values = [
        {**columns(state, owner, conversation_id, server), "data": rows.clean(state[0].data)}
        for state in states
    ]
    connection.execute(messages.insert(), values)


def update_message(
    connection: Connection, owner: str, conversation_id: str, state: State, server: str
) -> None:
    """Keep a message's new state."""
    values = columns(state, owner, conversation_id, server)
    values = {name: value for name, value in values.items() if name not in KEYS}
    mine = {"whose": owner, "within": conversation_id, "message": state[0].id}
    connection.execute(changed(), {**values, **mine})


def columns(state: State, owner: str, conversation_id: str, server: str) -> dict[str, Any]:
    """Return what the row of a message holds, in the state in which it was seen."""
    each, status, content = state
    row = rows.columns(each, owner, conversation_id, server)
    if status == "running":
        row |= {"content": rows.clean(content), "text": rows.clean(text_of(content))}
        row |= {"status": status, "server": server}
    return row


def note_messages(
    connection: Connection, owner: str, conversation_id: str, fresh: Sequence[StoredMessage]
) -> None:
    """Note new messages at their conversation, and name it after its first question.

    Raises
    ------
    NotFound
        The conversation is not there.
    """
    given = {
        "whose": owner,
        "within": conversation_id,
        "more": len(fresh),
        "at": max(each.created_at for each in fresh),
        "name": title_after(fresh),
    }
    if not connection.execute(noted(), given).rowcount:
        raise NotFound(NO_CONVERSATION)


def take_away(
    connection: Connection, owner: str, conversation_id: str, message_id: str, *, back: bool
) -> None:
    """Mark a message as deleted with all that follow it; `back` restores what went together with it."""
    given = {"whose": owner, "within": conversation_id, "first": message_id}
    if back:
        root = (messages.c.owner == owner) & (messages.c.id == message_id)
        when = connection.execute(select(messages.c.deleted_at).where(root)).scalar()
        which, deleted_at = messages.c.deleted_at == when, None
    else:
        which, deleted_at = messages.c.deleted_at.is_(None), now()
    change = messages.update().where(messages.c.number.in_(below()), which).values(deleted_at=deleted_at)
    connection.execute(change, given)
    count_messages(connection, owner, conversation_id)


def count_messages(connection: Connection, owner: str, conversation_id: str) -> None:
    """Count a conversation's messages anew, after one went or came back."""
    mine = (messages.c.owner == owner) & (messages.c.conversation_id == conversation_id)
    query = select(func.count()).select_from(messages).where(mine, messages.c.deleted_at.is_(None))
    found = need_conversation(connection, owner, conversation_id)
    update_conversation(connection, found, message_count=connection.execute(query).scalar() or 0)


def title_after(fresh: Sequence[StoredMessage]) -> str:
    """Return the title that a conversation without one gets from new messages; empty without a question."""
    asked = next((each for each in fresh if each.role == "user"), None)
    return str(rows.clean(title_of(text_of(asked.content)))) if asked is not None else ""


def first_title(connection: Connection, found: Conversation) -> str:
    """Return the title that a conversation gets from its first question; empty without one."""
    query = (
        select(messages.c.text)
        .where(messages.c.owner == found.owner, messages.c.conversation_id == found.id)
        .where(messages.c.role == "user", messages.c.deleted_at.is_(None))
        .order_by(messages.c.number)
        .limit(1)
    )
    return title_of(connection.execute(query).scalar() or "")


def read_branch(
    connection: Connection, owner: str, conversation_id: str, last: str | None, limit: int
) -> list[StoredMessage]:
    """Return the last messages of a branch, the oldest first; its beginning is not even looked at.

    Raises
    ------
    NotFound
        `last` is not in the conversation.
    """
    given = {"whose": owner, "within": conversation_id, "most": limit}
    if last is not None:
        given["last"] = last
    found = connection.execute(newest_messages(up_to=last is not None), given).all()
    if not found or (last is not None and found[0].id != last):
        if last is not None:
            raise NotFound(NO_PARENT)
        return []
    chain, complete = climb(found)
    read_at = now()  # When it was said is not asked for, and not looked at.
    if not complete and len(chain) < limit:
        # Other branches lie between: what is above has to be looked up one by one.
        chain = list(connection.execute(ancestors(), {**given, "last": found[0].id}))[::-1]
    return [
        StoredMessage(id, role, content, parent, read_at, status, attachments=attachments)
        for id, role, content, parent, status, attachments in reversed(chain)
    ]


def climb(found: Sequence[Any]) -> tuple[list[Any], bool]:
    """Return the newest message and those above it, and whether the uppermost has none above it."""
    chain: list[Any] = []
    wanted: str | None = found[0][0]
    for row in found:
        if row[0] == wanted:
            chain.append(row)
            wanted = row[3]
    return chain, wanted is None
