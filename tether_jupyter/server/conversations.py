"""Conversations: which there are, what was said in one, a fresh one; their titles, pins and ends."""

from __future__ import annotations

from typing import Any

from tether_jupyter.core.given import as_kept, given_with
from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.server.base import TetherHandler, flag
from tether_jupyter.server.chat import ID

MOST_LISTED = 1000
FURTHEST = 100_000


class ConversationsHandler(TetherHandler):
    """`GET conversations?notebook=&project_id=&deleted=&limit=&offset=&messages=`, and `POST`."""

    async def get(self) -> None:
        notebook = await self.services.notebook_of(
            self.get_query_argument("notebook", None), self.get_query_argument("kernel_id", None)
        )
        limit = self.number("limit", MOST_LISTED, 1, MOST_LISTED)
        offset = self.number("offset", 0, 0, FURTHEST)
        whole = flag(self.get_query_argument("messages", "false"), "messages")
        found = await self.services.history.conversations(
            self.owner,
            notebook=notebook,
            project_id=self.get_query_argument("project_id", None),
            deleted=flag(self.get_query_argument("deleted", "false"), "deleted"),
            limit=limit,
            offset=offset,
        )
        listed: dict[str, Any] = {
            "conversations": [conversation.payload() for conversation in found],
            "next": offset + limit if len(found) == limit and offset + limit <= FURTHEST else None,
            "writing": self.services.generations.writing(self.owner),
        }
        if whole:
            listed["messages"] = await messages_of(self, found[0].id) if found else []
        answer_quickly(self, listed)

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


async def messages_of(handler: TetherHandler, conversation_id: str) -> list[dict[str, Any]]:
    """Return what was said in a conversation, in the contract's form."""
    found = await handler.services.history.messages(handler.owner, conversation_id)
    return [message.payload() for message in found]


def answer_quickly(handler: TetherHandler, payload: dict[str, Any]) -> None:
    """Answer with JSON; thousands of messages are written three times as fast as by the standard library."""
    from pydantic_core import to_json

    # A row from before numbers were looked at may hold an Infinity, which no browser parses.
    handler.finish(to_json(payload, inf_nan_mode="null"))


class MessagesHandler(TetherHandler):
    """`GET conversations/{id}/messages`."""

    async def get(self, conversation_id: str) -> None:
        answer_quickly(self, {"messages": await messages_of(self, conversation_id)})


class OneMessageHandler(TetherHandler):
    """`GET conversations/{id}/messages/{id}`: with what went along with a question, as the model saw it."""

    async def get(self, conversation_id: str, message_id: str) -> None:
        for message in await self.services.history.messages(self.owner, conversation_id):
            if message.id == message_id:
                self.answer(message.payload() | {"context": as_kept(given_with(message.data))})
                return
        raise NotFound("There is no such message in the conversation.")


class ConversationHandler(TetherHandler):
    """`GET` (`?messages=true`: with what was said), `PATCH` and `DELETE conversations/{id}`."""

    async def get(self, conversation_id: str) -> None:
        whole = flag(self.get_query_argument("messages", "false"), "messages")
        found = (await self.services.history.get(self.owner, conversation_id)).payload()
        if whole:
            found["messages"] = await messages_of(self, conversation_id)
        answer_quickly(self, found)

    async def patch(self, conversation_id: str) -> None:
        from tether_jupyter.server.history_forms import ConversationChange, read

        changes = read(ConversationChange, self.read_body()).changes()
        found = await self.services.history.change(self.owner, conversation_id, **changes)
        if changes.get("deleted"):
            self.services.generations.stop_conversation(self.owner, conversation_id)
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
        gone = changes.get("deleted")
        if gone:
            del changes["deleted"]
        if changes or not gone:
            # Before it goes: what is gone is found no more in a history that is in memory.
            found = await self.services.history.change_message(self.owner, message_id, **changes)
        if gone:
            found = await self.services.take_away(self.owner, message_id)
        self.answer(found.payload())

    async def delete(self, message_id: str) -> None:
        found = await self.services.take_away(self.owner, message_id)
        self.answer(found.payload())


handlers = [
    (r"/tether/conversations", ConversationsHandler),
    (rf"/tether/conversations/{ID}", ConversationHandler),
    (rf"/tether/conversations/{ID}/messages", MessagesHandler),
    (rf"/tether/conversations/{ID}/messages/{ID}", OneMessageHandler),
    (rf"/tether/messages/{ID}", MessageHandler),
]
