"""What a conversation is, and what any keeper of conversations must be able to do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


def new_id(prefix: str) -> str:
    """Return an id that nobody can guess: `prefix`, an underscore and 128 random bits."""
    return f"{prefix}_{secrets.token_hex(16)}"


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class StoredMessage:
    """One message of a conversation. `content` is text or OpenAI content parts."""

    id: str
    role: str
    content: Any
    parent_id: str | None = None
    created_at: datetime = field(default_factory=now)
    model: str | None = None
    finish_reason: str | None = None
    error: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "id": self.id,
            "parent_id": self.parent_id,
            "role": self.role,
            "content": self.content,
            "created_at": self.created_at.isoformat(),
            "model": self.model,
            "finish_reason": self.finish_reason,
            "error": self.error,
            "usage": self.usage,
        }


@dataclass(slots=True)
class Conversation:
    """A conversation's own facts. Its id is unique for its owner."""

    id: str
    owner: str
    title: str = ""
    notebook: str | None = None
    message_count: int = 0
    created_at: datetime = field(default_factory=now)
    last_message_at: datetime = field(default_factory=now)

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "id": self.id,
            "title": self.title,
            "notebook": self.notebook,
            "message_count": self.message_count,
            "created_at": self.created_at.isoformat(),
            "last_message_at": self.last_message_at.isoformat(),
        }


class History(Protocol):
    """A keeper of conversations. Every call names the owner, and sees nothing of anybody else's.

    Raises
    ------
    NotFound
        The owner has no such conversation, which is also said when somebody else has.
    """

    @property
    def kind(self) -> str:
        """The word that health uses: `memory`, `sqlite` or `postgresql`."""

    async def create(
        self, owner: str, *, conversation_id: str | None = None, notebook: str | None = None
    ) -> Conversation:
        """Begin a conversation; a notebook's newest one is the one that it goes on with."""

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        """Return a conversation."""

    async def of_notebook(self, owner: str, notebook: str) -> Conversation | None:
        """Return the conversation that a notebook goes on with, if there is one."""

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        """Bind a conversation to its notebook's new path."""

    async def conversations(self, owner: str, *, notebook: str | None = None) -> list[Conversation]:
        """Return the owner's conversations, the newest first."""

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        """Return the messages of a conversation, the oldest first."""

    async def add(self, owner: str, conversation_id: str, message: StoredMessage) -> None:
        """Keep a message: a new one, or a new state of the one with its id."""
