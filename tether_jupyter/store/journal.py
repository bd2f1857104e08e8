"""What was to be written while the database could not be, in order, until it can."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import Conflict, NotFound, TetherError
from tether_jupyter.store.failures import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tether_jupyter.core.history import Conversation, History, StoredMessage

    Step = Callable[[History], Awaitable[None]]
    Ask = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

log = logging.getLogger("tether.store")

Key = tuple[str, ...]


class Journal:
    """Steps to take again. Each may be taken twice: of the last one nobody knows whether it arrived."""

    def __init__(self) -> None:
        self._steps: OrderedDict[Key, Step] = OrderedDict()
        self._changes: dict[Key, dict[str, Any]] = {}
        self._moved = 0
        self.unread: set[tuple[str, str]] = set()
        """Conversations that go on without anybody having seen how far they were, by owner and id."""

    def __len__(self) -> int:
        return len(self._steps)

    def messages(self) -> int:
        """Return how many messages are only here."""
        return sum(key[0] == "message" for key in self._steps)

    def created(self, made: Conversation) -> None:
        """Note a new conversation."""

        async def step(history: History) -> None:
            await create(history, made)

        self._steps["conversation", made.owner, made.id] = step

    def said(self, conversation: Conversation, message: StoredMessage) -> None:
        """Note a message, or a new state of one: it is written as it will be then."""

        async def step(history: History) -> None:
            whose = (conversation.owner, conversation.id)
            if whose in self.unread and message.parent_id is None:
                # Said in answer to what was the conversation's end: the branch goes on there.
                message.parent_id = await end_of(history, *whose, message.id)
            try:
                await history.add(*whose, message)
            except NotFound:
                await create(history, conversation)
                await history.add(*whose, message)

        self._steps["message", conversation.owner, message.id] = step

    def changed(self, kind: str, owner: str, id: str, changes: dict[str, Any]) -> None:
        """Note what was set of a `conversation` or a `message`; the last value of each is what counts."""
        key = (f"changed {kind}", owner, id)
        self._changes.setdefault(key, {}).update(changes)

        async def step(history: History) -> None:
            change = history.change if kind == "conversation" else history.change_message
            await change(owner, id, **self._changes[key])

        # What is changed must be there first.
        self._steps.pop(key, None)
        self._steps[key] = step

    def renamed(self, owner: str, old: str, new: str) -> None:
        """Note a notebook's new path."""

        async def step(history: History) -> None:
            await history.renamed(owner, old, new)

        self._moved += 1
        self._steps["renamed", str(self._moved)] = step

    def unbound(self, owner: str, path: str) -> None:
        """Note that a notebook was deleted."""

        async def step(history: History) -> None:
            await history.unbind(owner, path)

        self._moved += 1
        self._steps["unbound", str(self._moved)] = step

    async def replay(self, history: History) -> None:
        """Take all steps, those too that come in meanwhile; when this returns there are none left.

        Raises
        ------
        StoreFailed
            The database still cannot be written. The step at which that was seen is the first one next time.
        """
        while self._steps:
            key, step = self._steps.popitem(last=False)
            try:
                await step(history)
            except TetherError as reason:
                if not isinstance(reason, StoreFailed):
                    # Its place is gone, or the database refuses a value of it: it would fail again each
                    # time, and hold up all others.
                    log.error("a %s that was kept in memory cannot be kept: %s", key[0], frames(reason))
                    continue
                self._steps.setdefault(key, step)
                self._steps.move_to_end(key, last=False)
                raise
            except BaseException:
                self._steps.setdefault(key, step)
                self._steps.move_to_end(key, last=False)
                raise
        self._changes.clear()
        self.unread.clear()


async def create(history: History, made: Conversation) -> None:
    """Make a conversation, unless it is there; without its project where that is gone."""
    given: dict[str, Any] = {"notebook": made.notebook, "file_id": made.file_id, "data": made.data}
    title = made.title if made.titled else None
    try:
        await history.create(
            made.owner, conversation_id=made.id, project_id=made.project_id, title=title, **given
        )
    except Conflict:
        return
    except NotFound:
        await history.create(made.owner, conversation_id=made.id, title=title, **given)


async def end_of(history: History, owner: str, conversation_id: str, but: str) -> str | None:
    """Return the last message of a conversation, if it has one that is another than the one to come."""
    try:
        end = await history.branch(owner, conversation_id, limit=1)
    except NotFound:
        return None
    return end[-1].id if end and end[-1].id != but else None


class Through:
    """A history each of whose calls goes through another function, which may give up waiting for it."""

    def __init__(self, history: History, ask: Ask) -> None:
        self._history = history
        self._ask = ask

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._history, name)

        async def call(*arguments: Any, **given: Any) -> Any:
            return await self._ask(lambda: method(*arguments, **given))

        return call
