"""A queue from any thread to one coroutine."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable

from tether_jupyter.errors import TetherError, from_payload
from tether_jupyter.llm.local.pipe import Message, PipeError

MAX_WAITING = 1 << 25
"""Characters that may wait for a reader; a number in a vector counts as eight."""
MAX_TEXT = 1 << 25
"""Characters of an answer: the longest context of the longest tokens has fewer."""
AT_ONCE = 16
"""So many messages are handed out in a row before others have their turn in the event loop."""


class Inbox:
    """What came for one request. Made and read in an event loop, filled by whoever reads the pipe.

    Parameters
    ----------
    most:
        How many messages the request can have at most.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.came = self.said = self.arrived = self.taken = self.row = 0
        self.loop = asyncio.get_running_loop()
        self.items: deque[Message | TetherError] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.alarm: asyncio.TimerHandle | None = None
        self.end_of_wait = 0.0

    def put(self, message: Message) -> None:
        """Add a message. From any thread; whoever waits for it must be woken, see `wake`.

        Raises
        ------
        PipeError
            More came than an answer can have pieces, or far more is waiting than anybody reads.
        """
        self.came += 1
        self.arrived += weight(message)
        text = message.get("text")
        self.said += len(text) if isinstance(text, str) else 0
        if self.came > self.most or self.said > MAX_TEXT or self.arrived - self.taken > MAX_WAITING:
            raise PipeError("it floods the pipe with an answer that is longer than any")
        self.items.append(message)

    def end(self, failure: TetherError) -> None:
        """Add the failure that ends the request, behind what came before it. From any thread."""
        self.items.append(failure)

    async def get(self, timeout: float) -> Message | None:
        """Return the next message, `None` after so many seconds without one, or raise the failure."""
        if not self.items:
            self._set_alarm(self.loop.time() + timeout)
            while not self.items and self.loop.time() < self.end_of_wait:
                waiter = self.waiter = self.loop.create_future()
                if not self.items:  # It may have come before the waiter was there to be told.
                    await waiter  # Woken for a message, for one that was taken already, or at the end.
            self.waiter = None
            self.row = 0
            if not self.items:
                return None
        self.row += 1
        if self.row == AT_ONCE:
            self.row = 0
            await asyncio.sleep(0)
        item = self.items.popleft()
        if isinstance(item, TetherError):
            raise from_payload(item.payload())  # One failure ends many requests; each has its own traceback.
        self.taken += weight(item)
        return item

    def _set_alarm(self, at: float) -> None:
        """Let a wait end then. One alarm serves many waits: most end long before it, and only move it on."""
        self.end_of_wait = at
        if self.alarm is None or self.alarm.when() > at:
            if self.alarm is not None:
                self.alarm.cancel()
            self.alarm = self.loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self.alarm = None
        if self.waiter is None:
            return
        if self.loop.time() < self.end_of_wait:
            self._set_alarm(self.end_of_wait)
        else:
            release([self.waiter])


def wake(inboxes: Iterable[Inbox]) -> None:
    """Wake whoever waits for what was put into inboxes. From any thread.

    Each event loop is told once, of all: its thread would else take the interpreter's lock, and a core, from
    the thread that reads the pipe after each message of a step. A loop that reads for itself is not told.
    """
    here = asyncio._get_running_loop()  # None outside of one, where `get_running_loop` would raise.
    waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for inbox in inboxes:
        if (waiter := inbox.waiter) is not None:
            waiters.setdefault(inbox.loop, []).append(waiter)
    for loop, several in waiters.items():
        if loop is here:
            release(several)
            continue
        with contextlib.suppress(RuntimeError):  # The loop was closed, so nobody will read on.
            loop.call_soon_threadsafe(release, several)


def weight(message: Message) -> int:
    """Return how much memory a message takes, in characters, about."""
    text, vectors = message.get("text"), message.get("vectors")
    if isinstance(vectors, list):
        return sum(8 * len(vector) for vector in vectors) + 64
    return (len(text) if isinstance(text, str) else 0) + 64


def release(waiters: Iterable[asyncio.Future[None]]) -> None:
    """Let the waiters go on."""
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
