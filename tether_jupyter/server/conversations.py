"""Conversations: which there are, what was said in one, a fresh one; their titles, pins and ends."""

from __future__ import annotations

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID

MOST_LISTED = 1000
FURTHEST = 100_000


class ConversationsHandler(TetherHandler):
    """`GET conversations?notebook=&project_id=&deleted=&limit=&offset=` and `POST conversations`."""

    async def get(self) -> None:
        notebook = await self.services.notebook_of(
            self.get_query_argument("notebook", None), self.get_query_argument("kernel_id", None)
        )
        limit = self.number("limit", MOST_LISTED, 1, MOST_LISTED)
        offset = self.number("offset", 0, 0, FURTHEST)
        deleted = self.get_query_argument("deleted", "false")
        if deleted not in ("true", "false"):
            raise InvalidRequest("`deleted` must be `true` or `false`.")
        found = await self.services.history.conversations(
            self.owner,
            notebook=notebook,
            project_id=self.get_query_argument("project_id", None),
            deleted=deleted == "true",
            limit=limit,
            offset=offset,
        )
        self.answer(
            {
                "conversations": [conversation.payload() for conversation in found],
                "next": offset + limit if len(found) == limit and offset + limit <= FURTHEST else None,
                "writing": self.services.generations.writing(self.owner),
            }
        )

    def number(self, name: str, usual: int, least: int, most: int) -> int:
        """Return a number from the query."""
        given = self.get_query_argument(name, str(usual))
        if not (given.isascii() and given.isdigit()) or not least <= int(given[:9]) <= most:
            raise InvalidRequest(f"`{name}` must be a number from {least} to {most}.")
        return int(given[:9])

    async def post(self) -> None:
        from tether_jupyter.server.history_forms import NewConversation, read

        asked = read(NewConversation, self.read_body())
        notebook = await self.services.notebook_of(asked.notebook, asked.kernel_id)
        created = await self.services.history.create(
            self.owner,
            notebook=notebook,
            file_id=await self.services.find_file(notebook) if notebook else None,
            project_id=asked.project_id,
            title=asked.title,
            data=asked.metadata,
        )
        self.answer(created.payload(), 201)


class MessagesHandler(TetherHandler):
    """`GET conversations/{id}/messages`."""

    async def get(self, conversation_id: str) -> None:
        # Thousands of messages are written three times as fast as by the standard library.
        from pydantic_core import to_json

        found = await self.services.history.messages(self.owner, conversation_id)
        self.finish(to_json({"messages": [message.payload() for message in found]}))


class ConversationHandler(TetherHandler):
    """`GET`, `PATCH` and `DELETE conversations/{id}`."""

    async def get(self, conversation_id: str) -> None:
        found = await self.services.history.get(self.owner, conversation_id)
        self.answer(found.payload())

    async def patch(self, conversation_id: str) -> None:
        from tether_jupyter.server.history_forms import ConversationChange, read

        changes = read(ConversationChange, self.read_body()).changes()
        found = await self.services.history.change(self.owner, conversation_id, **changes)
        self.answer(found.payload())

    async def delete(self, conversation_id: str) -> None:
        self.services.generations.stop_conversation(self.owner, conversation_id)
        found = await self.services.history.change(self.owner, conversation_id, deleted=True)
        self.answer(found.payload())


class MessageHandler(TetherHandler):
    """`PATCH` and `DELETE messages/{id}`."""

    async def patch(self, message_id: str) -> None:
        from tether_jupyter.server.history_forms import MessageChange, read

        changes = read(MessageChange, self.read_body()).changes()
        found = await self.services.history.change_message(self.owner, message_id, **changes)
        self.answer(found.payload())

    async def delete(self, message_id: str) -> None:
        found = await self.services.history.change_message(self.owner, message_id, deleted=True)
        self.answer(found.payload())


handlers = [
    (r"/tether/conversations", ConversationsHandler),
    (rf"/tether/conversations/{ID}", ConversationHandler),
    (rf"/tether/conversations/{ID}/messages", MessagesHandler),
    (rf"/tether/messages/{ID}", MessageHandler),
]
