"""What a conversation is, and what any keeper of conversations must be able to do."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from tether_jupyter.errors import NotFound


def new_id(prefix: str) -> str:
    """Return an id that nobody can guess: `prefix`, an underscore and 128 random bits."""
    return f"{prefix}_{secrets.token_hex(16)}"


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


GIVEN = "given"
"""Under this name a question's data holds what came with it as context: for asking again, not for callers."""


def noted(data: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return a message's data as callers set it, with what is not theirs to set as it was."""
    own = {name: value for name, value in data.items() if name != GIVEN}
    return own | {GIVEN: before[GIVEN]} if GIVEN in before else own


@dataclass(slots=True)
class StoredMessage:
    """One message of a conversation. `content` is text or OpenAI content parts.

    Parameters
    ----------
    status:
        `running` while it is being written, `interrupted` where its server ended before it, else `complete`.
    completion_ms:
        From the question to the answer's end.
    data:
        What callers keep with it; on the wire `metadata`.
    """

    id: str
    role: str
    content: Any
    parent_id: str | None = None
    created_at: datetime = field(default_factory=now)
    status: str = "complete"
    model: str | None = None
    finish_reason: str | None = None
    error: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    completion_ms: float | None = None
    tool_calls: list[dict[str, Any]] | None = None
    attachments: list[str] | None = None
    reaction: str | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        usage = self.usage or {}
        return {
            "id": self.id,
            "parent_id": self.parent_id,
            "role": self.role,
            "content": self.content,
            "created_at": self.created_at.isoformat(),
            "status": self.status,
            "model": self.model,
            "finish_reason": self.finish_reason,
            "error": self.error,
            "usage": self.usage,
            "token_count": usage.get("completion_tokens"),
            "cost_usd": usage.get("cost_usd"),
            "completion_ms": self.completion_ms,
            "tool_calls": self.tool_calls or [],
            "attachments": self.attachments or [],
            "reaction": self.reaction,
            "metadata": {name: value for name, value in self.data.items() if name != GIVEN},
        }


@dataclass(slots=True)
class Conversation:
    """A conversation's own facts. Its id is unique for its owner.

    Parameters
    ----------
    titled:
        Whether a person has named it; else its title is made from the first question.
    file_id:
        What the notebook is on its file system, whatever it is called.
    root:
        The folder that the notebook's path begins at; `None` where nobody has noted it.
    """

    id: str
    owner: str
    title: str = ""
    titled: bool = False
    project_id: str | None = None
    notebook: str | None = None
    file_id: str | None = None
    root: str | None = None
    pinned: bool = False
    message_count: int = 0
    created_at: datetime = field(default_factory=now)
    last_message_at: datetime = field(default_factory=now)
    deleted_at: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "id": self.id,
            "title": self.title,
            "project_id": self.project_id,
            "notebook": self.notebook,
            "pinned": self.pinned,
            "message_count": self.message_count,
            "created_at": self.created_at.isoformat(),
            "last_message_at": self.last_message_at.isoformat(),
            "deleted_at": self.deleted_at.isoformat() if self.deleted_at else None,
            "metadata": self.data,
        }


@dataclass(frozen=True, slots=True)
class Past:
    """What a question goes on with: a conversation by its id, else a notebook's.

    Parameters
    ----------
    notebook:
        Where the question is asked. A conversation named by its id that is this notebook's is bound to it.
    last:
        The message that the question follows; the newest where it is open.
    limit:
        So many messages before the question are wanted.
    looking:
        Whether nothing is asked: a look binds no conversation to a notebook.
    """

    conversation_id: str | None = None
    notebook: str | None = None
    file_id: str | None = None
    last: str | None = None
    limit: int = 200
    looking: bool = False


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

    @property
    def problem(self) -> str | None:
        """What is wrong with it, in words for people; `None` for nothing."""

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
        """Begin a conversation; a notebook's newest one is the one that it goes on with."""

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        """Return a conversation; one that was deleted can still be looked at, and restored."""

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        """Return the conversation that a notebook goes on with, by its path or else by its file."""

    async def resume(self, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
        """Return what a question goes on with, in one look: a conversation and the end of its branch.

        It is `get`, or `of_notebook` without an id, and `branch`; `None` where there is no such conversation.
        """

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        """Bind a conversation to its notebook's new path."""

    async def renamed(self, owner: str, old: str, new: str) -> None:
        """Follow a notebook, or a folder of them, to its new path."""

    async def unbind(self, owner: str, path: str) -> None:
        """Let conversations go on without the notebook, or the folder of them, that was deleted at a path."""

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        """Set `title`, `pinned`, `project_id`, `notebook`, `data` or `deleted` (a bool) of a conversation.

        An empty title is made from its first question again.
        """

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
        """Return the owner's conversations, the newest first, the pinned ones before all."""

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        """Return the messages of a conversation, all branches, the oldest first."""

    async def branch(
        self, owner: str, conversation_id: str, last: str | None = None, limit: int = 200
    ) -> list[StoredMessage]:
        """Return the end of the branch that a message ends, the oldest first; the newest one by default.

        Of the messages only what was said is sure to be there: role, content, parent, status, attachments.

        Raises
        ------
        NotFound
            There is no such message in the conversation.
        """

    async def begin(self, conversation: Conversation, *said: StoredMessage, new: bool) -> Conversation:
        """Keep a turn's new messages, all or none, and with them the conversation where that is a new one.

        Return the conversation that they are in: where a notebook was asked two first questions at once,
        the second goes on with the conversation of the first.
        """

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        """Keep messages, all or none: new ones, or new states of those with their ids."""

    async def change_message(self, owner: str, message_id: str, **changes: Any) -> StoredMessage:
        """Set `reaction`, `data` or `deleted` (a bool) of a message, and return it.

        What went along with a question as context stays in its data, whatever is set.

        A message goes with all that follow it, and comes back with those that went together with it.
        """

    async def alive(self) -> None:
        """Say that this server lives, now and then while it writes; what dead ones left has ended."""

    async def close(self) -> None:
        """Finish what is being kept."""


async def resume(history: History, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
    """Do what `History.resume` does, step by step."""
    found: Conversation | None = None
    if past.conversation_id is not None:
        with contextlib.suppress(NotFound):
            found = await history.get(owner, past.conversation_id)
    elif past.notebook is not None:
        found = await history.of_notebook(owner, past.notebook, past.file_id)
    if found is None or not past.limit or not (found.message_count or past.last):
        return found, []
    return found, await history.branch(owner, found.id, past.last, past.limit)


REACTIONS = ("thumbs_up", "thumbs_down")
TITLE_LENGTH = 60


def title_of(text: str) -> str:
    """Return the title that a conversation gets from its first question: whole words of its first line."""
    words = " ".join(text.split())
    if len(words) <= TITLE_LENGTH:
        return words
    cut = words[: TITLE_LENGTH - 1]
    return (cut.rpartition(" ")[0] if " " in cut[TITLE_LENGTH // 2 :] else cut).rstrip(" ,;:.") + "…"


def branch_of(stored: list[StoredMessage], last: str | None = None) -> list[StoredMessage] | None:
    """Return the branch that a message ends, the newest one by default; `None` where it is not there."""
    if not stored:
        return [] if last is None else None
    by_id = {message.id: message for message in stored}
    at = by_id.get(last) if last is not None else stored[-1]
    if at is None:
        return None
    chain = [at]
    while (above := by_id.get(chain[-1].parent_id or "")) is not None:
        chain.append(above)
    return chain[::-1]
