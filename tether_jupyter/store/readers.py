"""The threads that read a database. Nobody waits for one without end."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from tether_jupyter.store.failures import StoreFailed

PATIENCE_SECONDS = 15.0
"""How long a read may take: less than a turn waits for the whole, so that it is seen which one is stuck."""
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 2.0, 5.0
"""While one does not come back: how long others wait for an answer, and how often one of them does."""

Result = TypeVar("Result")


class Readers:
    """A few threads, made as they are needed. An executor's would keep Python from ending while one is stuck.

    Parameters
    ----------
    most:
        How many read at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._stuck: Future[Any] | None = None
        self._look: asyncio.Future[Any] | None = None
        self._looked_at = 0.0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what work returns, in a thread.

        Raises
        ------
        StoreFailed
            It takes too long, or another one has not come back and nothing has been read since.
        """
        stuck = self._is_stuck()
        if stuck and self._look is not None:
            # What the one finds that looks already holds for all who come meanwhile.
            await asyncio.wait([self._look], timeout=LOOK_SECONDS)
            stuck = self._is_stuck()
            if stuck:
                raise StoreFailed(cause="silent")
        elif stuck and time.monotonic() - self._looked_at < LOOK_AGAIN_SECONDS:
            raise StoreFailed(cause="silent")
        future = self._submit(work)
        read = asyncio.wrap_future(future)
        if stuck:
            self._look = read
        try:
            async with asyncio.timeout(LOOK_SECONDS if stuck else PATIENCE_SECONDS):
                result = await read
        except TimeoutError:
            if stuck:
                self._looked_at = time.monotonic()
            elif not future.cancel():  # Else it has only stood in line.
                # One work may be slow and the database well: the next one looks.
                self._stuck, self._looked_at = future, float("-inf")
            raise StoreFailed(cause="silent") from None
        except Exception:
            self._stuck = None  # A refusal is an answer, too.
            raise
        finally:
            if self._look is read:
                self._look = None
        self._stuck = None
        return result

    def _is_stuck(self) -> bool:
        return self._stuck is not None and not self._stuck.done()

    def close(self, seconds: float) -> None:
        """Finish what was asked for, for so many seconds: a thread that is stuck is left behind."""
        until = time.monotonic() + seconds
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        self._waiting.put((work, future))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            name = f"tether-read_{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        return future

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            work, future = item
            if future.set_running_or_notify_cancel():
                try:
                    result = work()
                except BaseException as reason:  # noqa: BLE001 - it is handed to whoever waits
                    future.set_exception(reason)
                else:
                    future.set_result(result)
                    del result
            del work, future, item
            self._idle.release()
