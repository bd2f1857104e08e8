"""The worker as the server sees it: requests by their ids, and every reply with all that it holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.support.turns import Turn, sampling
from tether_jupyter.llm.local import checking
from tether_jupyter.llm.local.inbox import Inbox
from tether_jupyter.llm.local.process import WorkerProcess
from tether_jupyter.llm.local.service import LocalService

REPLY_SECONDS = 60.0


class Request:
    """One answer under way."""

    def __init__(self, worker: WorkerProcess, turn: Turn) -> None:
        self.worker = worker
        self.id: str
        self.inbox: Inbox
        self.id, self.inbox = worker.open(
            {
                "op": "generate",
                "conversation": turn.conversation,
                "messages": checking.plain(turn.plain()),
                "sampling": checking.checked(sampling(max_tokens=turn.tokens)),
            }
        )

    async def reply(self) -> dict[str, Any]:
        """Return the next reply."""
        found = await self.inbox.get(REPLY_SECONDS)
        if found is None:
            raise TimeoutError("The worker says nothing.")
        if found["event"] == "error":
            raise RuntimeError(f"The worker failed: {found['error']['message']}")
        return found

    async def until(self, event: str) -> dict[str, Any]:
        """Return the next reply of a kind.

        Raises
        ------
        RuntimeError
            The answer is over before that.
        """
        while (found := await self.reply())["event"] != event:
            if found["event"] == "done":
                raise RuntimeError(f"The answer ended before its {event}: {found['finish_reason']}.")
        return found

    async def cancel(self) -> float:
        """Cancel it, and return the seconds until the worker says that its slot is free."""
        begun = time.perf_counter()
        self.worker.send({"op": "cancel", "id": self.id})
        ended = await self.until("done")
        seconds = time.perf_counter() - begun
        if ended["finish_reason"] != "cancelled":
            raise RuntimeError(f"The answer was over before it was cancelled: {ended['finish_reason']}.")
        self.worker.close(self.id)
        return seconds


async def running(worker: WorkerProcess) -> int:
    """Return how many slots the worker says are in use."""
    id, inbox = worker.open({"op": "status"})
    try:
        found = await inbox.get(REPLY_SECONDS)
        if found is None:
            raise TimeoutError("The worker says nothing.")
        return int(found["running"])
    finally:
        worker.close(id)


@contextlib.asynccontextmanager
async def worker_of(service: LocalService) -> AsyncIterator[WorkerProcess]:
    """Run a service's worker and end it."""
    try:
        await service.initialize()
        worker = service._worker  # What is measured lies behind the surface.
        if worker is None:
            raise RuntimeError("There is no worker.")
        yield worker
    finally:
        await service.cleanup()
