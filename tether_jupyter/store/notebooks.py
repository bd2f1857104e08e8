"""Which conversation a notebook goes on with, read and written within a transaction that somebody else began.

A notebook is known by its path within its root, the folder that Jupyter was started in; a conversation kept
before roots were noted belongs to whichever asks first. Whose it is comes before all: on a hub many people
have the same root, each on a machine of their own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, bindparam, cast, func, literal, or_, select, true

from tether_jupyter.store import paths, rows
from tether_jupyter.store.tables import conversations as table

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from tether_jupyter.core.history import Conversation


def in_root(root: Any) -> ColumnElement[bool]:
    """Return what conversations of a root fulfil; without one, all do."""
    return true() if root is None else or_(table.c.root == root, table.c.root.is_(None))


def below(path: str) -> ColumnElement[bool]:
    """Return what conversations fulfil whose notebook is at a path, or in that folder."""
    inside = path.rstrip("/") + "/"
    return or_(table.c.notebook == path, func.substr(table.c.notebook, 1, len(inside)) == inside)


@cache
def newest_by(column: str) -> Select[Any]:
    """Return the query for conversations that a notebook may go on with, the newest first."""
    return (
        select(table)
        .where(table.c.owner == bindparam("owner"), table.c.deleted_at.is_(None))
        .where(table.c[column] == bindparam("value"))
        .order_by(table.c.last_message_at.desc(), table.c.created_at.desc())
    )


@cache
def newest_at_path(*, rooted: bool) -> Select[Any]:
    """Return the query for the conversation that the notebook at a path goes on with."""
    return newest_by("notebook").where(in_root(bindparam("root") if rooted else None)).limit(1)


def of_notebook(
    connection: Connection, owner: str, root: str | None, notebook: str, file_id: str | None
) -> Conversation | None:
    """Return the conversation that a notebook goes on with, by its path or else by its file."""
    given = {"owner": owner, "value": notebook} | ({"root": root} if root is not None else {})
    row = connection.execute(newest_at_path(rooted=root is not None), given).first()
    if row is not None:
        return rows.conversation(row)
    if file_id is None:
        return None
    for row in connection.execute(newest_by("file_id"), {"owner": owner, "value": file_id}):
        found = rows.conversation(row)
        if paths.moved_here(file_id, found.notebook, found.root, root):
            return found
    return None


def rename(connection: Connection, owner: str, root: str | None, old: str, new: str) -> None:
    """Follow a notebook, or a folder of them, to its new path."""
    moved = cast(literal(new), String) + func.substr(table.c.notebook, len(old) + 1)
    mine = (table.c.owner == owner) & in_root(root)
    connection.execute(table.update().where(mine, below(old)).values(notebook=moved))


def unbind(connection: Connection, owner: str, root: str | None, path: str) -> None:
    """Let conversations go on without the notebook, or the folder of them, that was at a path."""
    mine = (table.c.owner == owner) & in_root(root)
    connection.execute(table.update().where(mine, below(path)).values(notebook=None, file_id=None))
