"""Conversations in memory: they end with the server, and the oldest make room for new ones."""

from __future__ import annotations

from collections import OrderedDict

from tether_jupyter.core.history import Conversation, StoredMessage, new_id
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import Conflict, NotFound

TITLE_LENGTH = 60


class MemoryHistory:
    """Keeps each owner's most recently used conversations.

    Parameters
    ----------
    max_conversations:
        How many are kept of each owner.
    max_messages:
        How many messages are kept of each conversation.
    """

    kind = "memory"

    def __init__(self, max_conversations: int = 2000, max_messages: int = 1000) -> None:
        self.max_conversations = max_conversations
        self.max_messages = max_messages
        self._kept: dict[str, OrderedDict[str, Conversation]] = {}
        self._messages: dict[tuple[str, str], OrderedDict[str, StoredMessage]] = {}
        self._notebooks: dict[tuple[str, str], str] = {}

    async def create(
        self, owner: str, *, conversation_id: str | None = None, notebook: str | None = None
    ) -> Conversation:
        own = self._kept.setdefault(owner, OrderedDict())
        conversation = Conversation(conversation_id or new_id("c"), owner, notebook=notebook)
        if conversation.id in own:
            raise Conflict("There is a conversation with that id already.")
        own[conversation.id] = conversation
        self._messages[owner, conversation.id] = OrderedDict()
        if notebook is not None:
            self._notebooks[owner, notebook] = conversation.id
        while len(own) > self.max_conversations:
            oldest, dropped = own.popitem(last=False)
            del self._messages[owner, oldest]
            self._unbind(dropped)
        return conversation

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        conversation = self._kept.get(owner, OrderedDict()).get(conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation here. Start a new one.")
        self._kept[owner].move_to_end(conversation_id)
        return conversation

    async def of_notebook(self, owner: str, notebook: str) -> Conversation | None:
        found = self._notebooks.get((owner, notebook))
        return await self.get(owner, found) if found else None

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        conversation = await self.get(owner, conversation_id)
        self._unbind(conversation)
        conversation.notebook = notebook
        self._notebooks[owner, notebook] = conversation_id

    async def conversations(self, owner: str, *, notebook: str | None = None) -> list[Conversation]:
        own = self._kept.get(owner, OrderedDict())
        found = [c for c in own.values() if notebook is None or c.notebook == notebook]
        # The newest of a notebook is the one it goes on with, even while it is empty.
        return sorted(found, key=lambda c: (c.last_message_at, c.created_at), reverse=True)

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        await self.get(owner, conversation_id)
        return list(self._messages[owner, conversation_id].values())

    async def add(self, owner: str, conversation_id: str, message: StoredMessage) -> None:
        conversation = await self.get(owner, conversation_id)
        kept = self._messages[owner, conversation_id]
        if message.id not in kept and not conversation.title and message.role == "user":
            conversation.title = " ".join(text_of(message.content).split())[:TITLE_LENGTH]
        kept[message.id] = message
        while len(kept) > self.max_messages:
            kept.popitem(last=False)
        conversation.message_count = len(kept)
        conversation.last_message_at = message.created_at

    def _unbind(self, conversation: Conversation) -> None:
        """Let a notebook go that goes on with this conversation."""
        if conversation.notebook is None:
            return
        key = (conversation.owner, conversation.notebook)
        if self._notebooks.get(key) == conversation.id:
            del self._notebooks[key]
