"""Conversations in memory: they end with the server, and the oldest make room for new ones."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from tether_jupyter.core.history import (
    Conversation,
    Past,
    StoredMessage,
    branch_of,
    new_id,
    noted,
    now,
    resume,
    title_of,
)
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store import paths

NO_CONVERSATION = "There is no such conversation here. Start a new one."


class MemoryHistory:
    """Keeps each owner's most recently used conversations; see `core.history.History`.

    Parameters
    ----------
    max_conversations:
        How many are kept of each owner.
    max_messages:
        How many messages are kept of each conversation.
    root:
        The folder of this machine that notebooks' paths begin at; `None` where they lie elsewhere.
    """

    kind = "memory"
    problem: str | None = None

    def __init__(
        self, max_conversations: int = 2000, max_messages: int = 1000, root: str | None = None
    ) -> None:
        self.root = root
        self.max_conversations = max_conversations
        self.max_messages = max_messages
        self._kept: dict[str, OrderedDict[str, Conversation]] = {}
        self._messages: dict[tuple[str, str], OrderedDict[str, StoredMessage]] = {}
        self._notebooks: dict[tuple[str, str], str] = {}
        self._gone: dict[tuple[str, str], tuple[str, list[StoredMessage]]] = {}

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
        own = self._kept.setdefault(owner, OrderedDict())
        conversation = Conversation(
            conversation_id or new_id("c"),
            owner,
            title=title or "",
            titled=bool(title),
            project_id=project_id,
            notebook=notebook,
            file_id=file_id,
            data=data or {},
        )
        if conversation.id in own:
            raise Conflict("There is a conversation with that id already.")
        own[conversation.id] = conversation
        self._messages[owner, conversation.id] = OrderedDict()
        if notebook is not None:
            self._notebooks[owner, notebook] = conversation.id
        while len(own) > self.max_conversations:
            oldest, dropped = own.popitem(last=False)
            del self._messages[owner, oldest]
            self._gone = {key: gone for key, gone in self._gone.items() if gone[0] != oldest}
            self._unbind(dropped)
        return conversation

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        conversation = self._kept.get(owner, OrderedDict()).get(conversation_id)
        if conversation is None:
            raise NotFound(NO_CONVERSATION)
        self._kept[owner].move_to_end(conversation_id)
        return conversation

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        found = self._notebooks.get((owner, notebook))
        if found:
            known = await self.get(owner, found)
            known.file_id = file_id or known.file_id
            return known
        if file_id is None:
            return None
        for conversation in list(self._kept.get(owner, {}).values()):
            if conversation.file_id != file_id or conversation.deleted_at:
                continue
            old = conversation.notebook
            if await asyncio.to_thread(paths.moved_here, file_id, old, self.root, self.root):
                await self.move(owner, conversation.id, notebook)
                return conversation
        return None

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        conversation = await self.get(owner, conversation_id)
        self._unbind(conversation)
        conversation.notebook = notebook
        self._notebooks[owner, notebook] = conversation_id

    async def renamed(self, owner: str, old: str, new: str) -> None:
        for (whose, path), conversation_id in list(self._notebooks.items()):
            if whose == owner and paths.within(path, old):
                await self.move(owner, conversation_id, new + path[len(old) :])

    async def unbind(self, owner: str, path: str) -> None:
        for conversation in self._kept.get(owner, {}).values():
            if paths.within(conversation.notebook, path):
                self._unbind(conversation)
                conversation.notebook = conversation.file_id = None

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        conversation = await self.get(owner, conversation_id)
        if "deleted" in changes:
            deleted = changes.pop("deleted")
            conversation.deleted_at = (conversation.deleted_at or now()) if deleted else None
            if deleted:
                self._unbind(conversation)
        if "title" in changes:
            conversation.titled = bool(changes["title"])
            changes["title"] = changes["title"] or self._first_title(owner, conversation_id)
        if "notebook" in changes and changes["notebook"] is not None:
            await self.move(owner, conversation_id, changes["notebook"])
        for name, value in changes.items():
            setattr(conversation, name, value)
        return conversation

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
        own = self._kept.get(owner, OrderedDict())
        found = [
            c
            for c in own.values()
            if (notebook is None or c.notebook == notebook)
            and (project_id is None or c.project_id == project_id)
            and bool(c.deleted_at) == deleted
        ]
        # The newest of a notebook is the one it goes on with, even while it is empty.
        found.sort(
            key=lambda c: (c.pinned and notebook is None, c.last_message_at, c.created_at), reverse=True
        )
        return found[offset:][:limit]

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        await self.get(owner, conversation_id)
        return list(self._messages[owner, conversation_id].values())

    async def branch(
        self, owner: str, conversation_id: str, last: str | None = None, limit: int = 200
    ) -> list[StoredMessage]:
        found = branch_of(await self.messages(owner, conversation_id), last)
        if found is None:
            raise NotFound("There is no message with that `parent_id` in the conversation.")
        return found[-limit:]

    async def resume(self, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
        return await resume(self, owner, past)

    async def begin(self, conversation: Conversation, *said: StoredMessage, new: bool) -> Conversation:
        owner, within = conversation.owner, conversation
        if new and conversation.notebook is not None:
            within = await self.of_notebook(owner, conversation.notebook) or within
        if new and within.id not in self._kept.get(owner, {}):
            given = {name: getattr(within, name) for name in ("notebook", "file_id", "project_id", "data")}
            within = await self.create(owner, conversation_id=within.id, **given)
        await self.add(owner, within.id, *said)
        return within

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        conversation = await self.get(owner, conversation_id)
        kept = self._messages[owner, conversation_id]
        gone = {
            each.id for within, below in self._gone.values() if within == conversation_id for each in below
        }
        for message in messages:
            if message.id in gone:
                continue  # An answer may go on growing after its question was taken away.
            if message.id not in kept and not conversation.title and message.role == "user":
                conversation.title = title_of(text_of(message.content))
            kept[message.id] = message
            conversation.last_message_at = message.created_at
        while len(kept) > self.max_messages:
            kept.popitem(last=False)
        conversation.message_count = len(kept)

    async def change_message(self, owner: str, message_id: str, **changes: Any) -> StoredMessage:
        deleted = changes.pop("deleted", None)
        if deleted is False:
            self._bring_back(owner, message_id)
        for (whose, conversation_id), kept in self._messages.items():
            if whose == owner and message_id in kept:
                message = kept[message_id]
                if "data" in changes:
                    changes["data"] = noted(changes["data"], message.data)
                for name, value in changes.items():
                    setattr(message, name, value)
                if deleted:
                    self._take_away(whose, conversation_id, message_id)
                return message
        if deleted and (gone := self._gone.get((owner, message_id))):
            return gone[1][0]
        raise NotFound("There is no such message here.")

    def _first_title(self, owner: str, conversation_id: str) -> str:
        """Return the title that a conversation gets from its first question; empty without one."""
        kept = self._messages[owner, conversation_id].values()
        return next((title_of(text_of(each.content)) for each in kept if each.role == "user"), "")

    def _take_away(self, owner: str, conversation_id: str, message_id: str) -> None:
        kept = self._messages[owner, conversation_id]
        below = [message_id]
        for each in kept.values():  # In the order of time: what follows a message comes after it.
            if each.parent_id in below:
                below.append(each.id)
        self._gone[owner, message_id] = (conversation_id, [kept.pop(each) for each in below])
        self._kept[owner][conversation_id].message_count = len(kept)

    def _bring_back(self, owner: str, message_id: str) -> None:
        conversation_id, gone = self._gone.pop((owner, message_id), ("", []))
        if (kept := self._messages.get((owner, conversation_id))) is not None:
            kept.update({each.id: each for each in gone})
            for each in sorted(kept.values(), key=lambda each: each.created_at):
                kept.move_to_end(each.id)
            self._kept[owner][conversation_id].message_count = len(kept)

    async def alive(self) -> None:
        """There is nobody to say it to."""

    async def close(self) -> None:
        """Nothing is on its way anywhere."""

    def _unbind(self, conversation: Conversation) -> None:
        """Let a notebook go that goes on with this conversation."""
        if conversation.notebook is None:
            return
        key = (conversation.owner, conversation.notebook)
        if self._notebooks.get(key) == conversation.id:
            del self._notebooks[key]
