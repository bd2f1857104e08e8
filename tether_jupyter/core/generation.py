"""A turn that is under way: run in a task of its own, followed by its readers, stopped by its id."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.frames import frames
from tether_jupyter.core.turn import Turn
from tether_jupyter.errors import Internal, NotFound, RateLimited

log = logging.getLogger("tether")


class Generation:
    """One running turn and the events it has made so far.

    The turn does not run in its reader's task: a reader that is slow, gone or late changes nothing about
    the turn, and everything that has gathered while a reader was busy reaches it in one batch.
    """

    def __init__(self, turn: Turn, *, background: bool = False) -> None:
        self.turn = turn
        self.background = background
        """Whether the turn goes on when its reader leaves."""
        self.id = turn.id
        self.owner = turn.owner
        self.events: list[Event] = []
        self.finished = False
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"tether-{turn.id}")
        self._task.add_done_callback(self._close)

    @property
    def conversation_id(self) -> str:
        """The conversation's id, which may become another one until the question is kept."""
        return self.turn.conversation.id

    async def _run(self) -> None:
        async for event in self.turn.run():
            self.events.append(event)
            self._news.set()

    def _close(self, task: asyncio.Task[None]) -> None:
        """See that the stream ends with a terminal event, whatever became of the task."""
        if not self.events or events.kind(self.events[-1]) not in events.TERMINAL:
            reason = None if task.cancelled() else task.exception()
            if reason is not None:
                log.error("turn %s failed outside its model: %s", self.id, frames(reason))
            if not self.events:
                self.events.append(self.turn.meta())
            if not any("usage" in event for event in self.events):
                self.events.append({"usage": self.turn.usage or events.usage()["usage"]})
            self.events.append(events.error(Internal()) if reason else events.done("cancelled"))
        self.finished = True
        self._news.set()

    async def follow(self, after: int = 0, pause: float = 0.0) -> AsyncIterator[tuple[int, list[Event]]]:
        """Yield what has happened since event number `after`, then what happens next, in batches.

        Each batch comes with the number of its last event; the first event is number 1. Text that comes
        within `pause` seconds of other text is gathered with what follows: a model that writes a thousand
        words a second must not cost a thousand writes.
        """
        loop = asyncio.get_running_loop()
        seen = after
        wrote = -pause
        while True:
            # No copy of the flag is kept across the wait: news that arrive in between set it again.
            self._news.clear()
            if seen < len(self.events):
                ended = events.kind(self.events[-1]) in events.TERMINAL
                if pause and not ended and (rest := wrote + pause - loop.time()) > 0:
                    await asyncio.sleep(rest)
                batch = self.events[seen:]
                seen += len(batch)
                yield seen, batch
                if "delta" in batch[-1]:
                    wrote = loop.time()
            elif self.finished:
                return
            else:
                await self._news.wait()

    def stop(self) -> bool:
        """End the turn with `cancelled`, keeping its text. Return whether it was still running."""
        if self._task.done() or self.turn.ended:
            return False
        return self._task.cancel()

    def leave(self) -> None:
        """Let the turn know that its reader is gone, which ends all but a background turn."""
        if not self.background:
            self.stop()

    async def wait(self) -> None:
        """Return when the turn has ended."""
        await asyncio.wait([self._task])

    def summary(self) -> dict[str, Any]:
        """Return the turn's state, usage and cost."""
        last = self.events[-1] if self.finished else {}
        status = "running"
        if self.finished:
            status = "error" if "error" in last else str(last["finish_reason"])
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "model": self.turn.model_label,
            "status": status,
            "usage": self.turn.usage or events.usage()["usage"],
            "error": last.get("error"),
        }


class Generations:
    """All turns of a server: the running ones, and what is remembered of the last ones.

    Parameters
    ----------
    max_running:
        How many may run at once.
    max_remembered:
        How many ended turns can still be asked for.
    max_rejoined:
        How many ended background turns can still be read from any event on.
    """

    def __init__(self, max_running: int = 1024, max_remembered: int = 1000, max_rejoined: int = 32) -> None:
        self.max_running = max_running
        self.max_remembered = max_remembered
        self.max_rejoined = max_rejoined
        self._rejoined: OrderedDict[str, Generation] = OrderedDict()
        self._running: dict[str, Generation] = {}
        self._ended: OrderedDict[str, tuple[str, dict[str, Any]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._running)

    def check_room(self) -> None:
        """Raise `RateLimited` where no further turn may start."""
        if len(self._running) >= self.max_running:
            raise RateLimited("Too many answers are being written at once. Try again in a moment.")

    def start(self, turn: Turn, *, background: bool = False) -> Generation:
        """Begin a turn."""
        self.check_room()
        generation = Generation(turn, background=background)
        self._running[generation.id] = generation
        generation._task.add_done_callback(lambda _: self._remember(generation))
        return generation

    def _remember(self, generation: Generation) -> None:
        del self._running[generation.id]
        self._ended[generation.id] = generation.owner, generation.summary()
        while len(self._ended) > self.max_remembered:
            self._ended.popitem(last=False)
        if generation.background:
            self._rejoined[generation.id] = generation
            while len(self._rejoined) > self.max_rejoined:
                self._rejoined.popitem(last=False)

    def running(self, owner: str, generation_id: str) -> Generation | None:
        """Return the owner's running turn with that id, if there is one."""
        found = self._running.get(generation_id)
        return found if found is not None and found.owner == owner else None

    def rejoin(self, owner: str, generation_id: str) -> Generation:
        """Return the owner's turn to read from any event on.

        Raises
        ------
        NotFound
            There is none, or it has ended, and nobody was to come back to it.
        """
        found = self._running.get(generation_id) or self._rejoined.get(generation_id)
        if found is None or found.owner != owner:
            raise NotFound(
                "There is no such turn here, or it has ended: its text is in the conversation's messages."
            )
        return found

    def summary(self, owner: str, generation_id: str) -> dict[str, Any]:
        """Return a turn's state; raise `NotFound` where the owner has none with that id."""
        if found := self.running(owner, generation_id):
            return found.summary()
        ended_owner, summary = self._ended.get(generation_id, (None, {}))
        if ended_owner != owner:
            raise NotFound("There is no such turn here, or it is too long ago.")
        return summary

    def stop_conversation(self, owner: str, conversation_id: str) -> int:
        """Stop the owner's running turns in a conversation, and return how many."""
        own = [g for g in self._running.values() if g.owner == owner and g.conversation_id == conversation_id]
        return sum(g.stop() for g in own)

    def writing(self, owner: str) -> list[str]:
        """Return the owner's conversations in which an answer is being written."""
        return sorted({g.conversation_id for g in self._running.values() if g.owner == owner})

    async def stop_all(self) -> None:
        """Stop every turn and wait until all have ended."""
        running = list(self._running.values())
        for generation in running:
            generation.turn.interrupted = True
            generation.stop()
        if running:
            await asyncio.gather(*(g.wait() for g in running))
