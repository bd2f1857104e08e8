"""A whole conversation brought in at once, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tether_jupyter.core.history import Conversation, StoredMessage
    from tether_jupyter.store.database import Database

AT_ONCE = 500


class Transfer:
    """Keeps conversations that come from a file."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def bring_in(self, owner: str, conversation: Conversation, messages: list[StoredMessage]) -> int:
        """Keep a conversation with all its messages; return how many attachments are not here.

        An attachment stays where the owner has it. A file names it, and does not hold it.

        Raises
        ------
        StoreFailed
            The database cannot be written now; then nothing of it is kept.
        """

        def work(connection: Connection) -> int:
            from tether_jupyter.store import rows
            from tether_jupyter.store.tables import conversations as table
            from tether_jupyter.store.tables import messages as said

            mine = replace(conversation, owner=owner)
            values = {name: rows.clean(getattr(mine, name)) for name in rows.CONVERSATION}
            connection.execute(table.insert().values(**values))
            named = {id for each in messages for id in each.attachments or []}
            here = owned(connection, owner, named)
            for start in range(0, len(messages), AT_ONCE):
                connection.execute(
                    said.insert(),
                    [
                        {
                            **rows.columns(each, owner, conversation.id, ""),
                            "attachments": [id for id in each.attachments or [] if id in here] or None,
                            "reaction": each.reaction,
                            "data": rows.clean(each.data),
                        }
                        for each in messages[start : start + AT_ONCE]
                    ],
                )
            return len(named - here)

        return await self.database.write(work)


def owned(connection: Connection, owner: str, ids: set[str]) -> set[str]:
    """Return which uploads are the owner's."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import uploads as table

    listed = sorted(ids)
    found: set[str] = set()
    for start in range(0, len(listed), AT_ONCE):
        some = listed[start : start + AT_ONCE]
        query = select(table.c.id).where(table.c.owner == owner, table.c.id.in_(some))
        found.update(connection.execute(query).scalars())
    return found
