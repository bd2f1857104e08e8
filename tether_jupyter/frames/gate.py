"""How many rows are asked at once: fewer while the service says that it is too much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PAUSE = 1.0
"""Seconds without new questions after a refusal that names no time; each further one doubles them."""
LONGEST_PAUSE = 30.0


class Gate:
    """Lets so many in at once; half as many after a refusal, and one more after each round that went well.

    Parameters
    ----------
    most:
        How many at best.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = most
        self.inside = 0
        self._good = 0
        self._streak = 0
        self._until = 0.0
        self._epoch = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[int]:
        """Wait until there is room, and hold a place for as long as the block runs.

        Yields what `refused` wants to know: since when this one has been inside.
        """
        async with self._changed:
            while True:
                wait = self._until - time.monotonic()
                if self.inside < self.limit and wait <= 0:
                    break
                # Whoever waits for a place is told; the end of a pause tells nobody.
                timeout = wait if self.inside < self.limit else None
                try:
                    await asyncio.wait_for(self._changed.wait(), timeout)
                except TimeoutError:
                    continue
            self.inside += 1
        try:
            yield self._epoch
        finally:
            self.inside -= 1
            async with self._changed:
                self._changed.notify_all()

    def went_well(self) -> None:
        """Note an answer; a round of them makes room for one more."""
        self._good += 1
        self._streak = 0
        if self.limit < self.most and self._good >= self.limit:
            self._good = 0
            self.limit += 1

    def refused(self, epoch: int, retry_after: float | None) -> None:
        """Note that one was too many: nobody enters for so many seconds, and then half as many.

        Parameters
        ----------
        epoch:
            What `entered` yielded: those who went in together are refused together, and count once.
        """
        pause = min(LONGEST_PAUSE, PAUSE * 2**self._streak) if retry_after is None else retry_after
        self._until = max(self._until, time.monotonic() + pause)
        if epoch == self._epoch:
            self._epoch += 1
            self._streak += 1
            self._good = 0
            self.limit = max(1, self.limit // 2)
