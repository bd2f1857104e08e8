"""A queue from any thread to one coroutine."""

from __future__ import annotations

import asyncio
from collections import deque

from tether_jupyter.errors import TetherError, from_payload
from tether_jupyter.llm.local.pipe import Message, PipeError

MAX_WAITING = 1 << 18


class Inbox:
    """What came for one request. Made and read in an event loop, filled by the thread that reads the pipe."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.items: deque[Message | TetherError] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def put(self, message: Message) -> None:
        """Add a message. From any thread.

        Raises
        ------
        PipeError
            Far more is waiting than an answer can have pieces.
        """
        if len(self.items) > MAX_WAITING:
            raise PipeError("it floods the pipe")
        self._add(message)

    def end(self, failure: TetherError) -> None:
        """Add the failure that ends the request, behind what came before it. From any thread."""
        self._add(failure)

    def _add(self, item: Message | TetherError) -> None:
        self.items.append(item)
        waiter = self.waiter
        if waiter is not None:
            try:
                self.loop.call_soon_threadsafe(release, waiter)
            except RuntimeError:
                return  # The loop was closed, so nobody will read on.

    async def get(self, timeout: float) -> Message | None:
        """Return the next message, `None` after so many seconds without one, or raise the failure."""
        if not self.items:
            waiter = self.waiter = self.loop.create_future()
            if not self.items:  # It may have come before the waiter was there to be told.
                timer = self.loop.call_later(timeout, release, waiter)
                try:
                    await waiter
                finally:
                    timer.cancel()
            self.waiter = None
            if not self.items:
                return None
        item = self.items.popleft()
        if isinstance(item, TetherError):
            raise from_payload(item.payload())  # One failure ends many requests; each has its own traceback.
        return item


def release(waiter: asyncio.Future[None]) -> None:
    """Wake whoever waits."""
    if not waiter.done():
        waiter.set_result(None)
