"""Keep an answer while it is written: at least every quarter of a second, or every two thousand bytes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from tether_jupyter.core.frames import frames
from tether_jupyter.core.heard import Heard
from tether_jupyter.core.history import Conversation, History, StoredMessage
from tether_jupyter.errors import TetherError

log = logging.getLogger("tether")

SAVE_SECONDS = 0.2
SAVE_BYTES = 1536
"""Both a little less than is promised: a save takes its time."""


class Saving:
    """One turn's messages on their way into the history; `None` for a turn that is not kept.

    Nothing of the stream waits for a save but the first one: the question is kept before anything is told.
    """

    def __init__(self, history: History | None, conversation: Conversation) -> None:
        self.history = history
        self.conversation = conversation
        self._begin: Callable[[], Awaitable[Conversation]] | None = None
        self._begun: asyncio.Future[Conversation] | None = None
        self._saved = 0
        self._timer: asyncio.TimerHandle | None = None
        self._saves: asyncio.Task[None] | None = None

    async def begin(self, question: StoredMessage, answer: StoredMessage, *, new: bool) -> Conversation:
        """Keep the question, and the answer's place after it, so that what is asked meanwhile comes later.

        Parameters
        ----------
        new:
            Whether the conversation begins with this question. Return the one that it is in.
        """
        if self.history is not None:
            self._begin = partial(self.history.begin, self.conversation, question, answer, new=new)
            self._begun = asyncio.ensure_future(self._begin())
            # A turn may be stopped while the database is slow: what was asked is kept all the same.
            self.conversation = await asyncio.shield(self._begun)
        return self.conversation

    def note(self, answer: StoredMessage, heard: Heard) -> None:
        """See that text that has come is kept soon."""
        if self.history is None or heard.size == self._saved:
            return
        if heard.size - self._saved >= SAVE_BYTES:
            self._save(answer, heard)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SAVE_SECONDS, self._save, answer, heard)

    def _save(self, answer: StoredMessage, heard: Heard) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saves is not None and not self._saves.done():
            # The disk is slower than the model: the text goes with the next save.
            self._timer = asyncio.get_running_loop().call_later(SAVE_SECONDS / 4, self._save, answer, heard)
            return
        self._saved = heard.size
        answer.content = heard.text
        self._saves = asyncio.create_task(self._add(answer))

    async def end(self, answer: StoredMessage) -> None:
        """Keep the whole answer: after its question, or with it where that could not be kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saves is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(self._saves)
        if self._begun is not None and not self._begun.done():
            await asyncio.wait([self._begun])
        await self._add(answer)

    async def _add(self, answer: StoredMessage) -> None:
        """Keep the answer as it is. The answer was given: that it cannot be kept must not take it back."""
        if self.history is None:
            return
        try:
            if self._begin is not None and self._begun is not None:
                if self._begun.cancelled() or self._begun.exception() is not None:
                    self.conversation = await self._begin()
                    return
                self.conversation = self._begun.result()
            await self.history.add(self.conversation.owner, self.conversation.id, answer)
        except (TetherError, OSError) as reason:
            log.error("turn %s was not kept: %s", answer.id, frames(reason))
