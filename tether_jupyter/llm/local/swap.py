"""One load of a model, which everybody who asks for that model waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any


class Swap:
    """A load under way. Who goes leaves it to the others; without any it is cancelled.

    Parameters
    ----------
    path:
        The model's file.
    work:
        What loads it.
    """

    def __init__(self, path: Path, work: Coroutine[Any, Any, None]) -> None:
        self.path = path
        self.task = asyncio.create_task(work)
        # Those who would be told of a failure may all have gone.
        self.task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting = 0

    @property
    def ending(self) -> bool:
        """Whether everybody has gone, and only its end is to come."""
        return not self._waiting and not self.task.done()

    async def wait(self) -> None:
        """Wait for its end, and fail as it does."""
        self._waiting += 1
        try:
            await asyncio.shield(self.task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.task.cancel()
