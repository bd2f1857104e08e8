"""Conversations: which there are, what was said in one, and a fresh one."""

from __future__ import annotations

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.chat import ID


class ConversationsHandler(TetherHandler):
    """`GET conversations?notebook=` and `POST conversations`."""

    async def get(self) -> None:
        notebook = await self.services.notebook_of(
            self.get_query_argument("notebook", None), self.get_query_argument("kernel_id", None)
        )
        found = await self.services.history.conversations(self.owner, notebook=notebook)
        self.answer({"conversations": [conversation.payload() for conversation in found]})

    async def post(self) -> None:
        fields = self.read_body()
        for name, value in fields.items():
            if name not in ("notebook", "kernel_id"):
                raise InvalidRequest(f"Unknown field `{name[:100]}`.")
            if not isinstance(value, str) or not 0 < len(value) <= 4096:
                raise InvalidRequest(f"`{name}` must be a text.")
        notebook = await self.services.notebook_of(fields.get("notebook"), fields.get("kernel_id"))
        created = await self.services.history.create(self.owner, notebook=notebook)
        self.answer(created.payload(), 201)


class MessagesHandler(TetherHandler):
    """`GET conversations/{id}/messages`."""

    async def get(self, conversation_id: str) -> None:
        found = await self.services.history.messages(self.owner, conversation_id)
        self.answer({"messages": [message.payload() for message in found]})


class ConversationHandler(TetherHandler):
    """`GET conversations/{id}`."""

    async def get(self, conversation_id: str) -> None:
        found = await self.services.history.get(self.owner, conversation_id)
        self.answer(found.payload())


handlers = [
    (r"/tether/conversations", ConversationsHandler),
    (rf"/tether/conversations/{ID}", ConversationHandler),
    (rf"/tether/conversations/{ID}/messages", MessagesHandler),
]
