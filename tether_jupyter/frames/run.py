"""A run: rows are asked in a thread with an event loop of its own, because a notebook's loop is taken.

The calling thread hands out work, takes answers, keeps them and shows how far it is: the cache and the
display belong to it alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Self

from tether_jupyter.client.aio import AsyncClient
from tether_jupyter.frames.asking import Answer, Asker
from tether_jupyter.frames.line import LineClient
from tether_jupyter.frames.verdict import Verdict

if TYPE_CHECKING:
    from tether_jupyter.client.discovery import Server

GRACE = 0.3
"""Seconds in which rows that are under way may still end."""
END = 10.0
"""Seconds that closing connections may take."""


class Run:
    """Asks in the background. Use it in a `with` block: leaving it breaks off what is under way.

    What is nearly done may end first, for it is paid for: nothing new begins meanwhile.

    Parameters
    ----------
    server:
        Which server to ask; found where it is `None`.
    """

    def __init__(self, server: Server | None) -> None:
        self._client = LineClient(server)
        self._server = server
        self._workers: list[asyncio.Task[None]] = []
        self._done: deque[tuple[int, Answer]] = deque()
        self._broken: BaseException | None = None
        self._left = self._busy = 0
        # Set when there is nothing more to wait for. Waking the caller for each answer would make the two
        # threads wait for each other most of the time.
        self._settled = threading.Event()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="tether-map", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._loop is None and self._broken is not None:
            raise self._broken
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._end.set)
            self._thread.join(END)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the thread."""
        assert self._loop is not None  # noqa: S101 - it runs within the block
        return self._loop

    def ask_with(self, asker: Asker, verdict: Verdict, at_once: int) -> None:
        """Settle what asks the rows, what says when to stop, and how many rows are asked at once."""
        self._verdict = verdict

        def begin() -> None:
            self._workers += [asyncio.create_task(self._ask(asker)) for _ in range(at_once)]

        self.loop.call_soon_threadsafe(begin)

    def call(self, work: Callable[[AsyncClient], Coroutine[Any, Any, Any]], tick: float = 0.1) -> Any:
        """Ask the server something else, and return what comes of it."""
        asked = asyncio.run_coroutine_threadsafe(work(self._client), self.loop)
        while True:
            # In small steps, so that an interrupt gets through where a signal does not wake a waiting thread.
            try:
                return asked.result(tick)
            except TimeoutError:
                if asked.done():
                    raise

    def add(self, rows: Iterable[tuple[int, str]]) -> None:
        """Ask these rows as well: each a number of the caller's, and a prompt."""
        given = list(rows)
        self._left += len(given)
        self._settled.clear()
        self.loop.call_soon_threadsafe(self._put, given)

    def take(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come after so many seconds, or as soon as all have."""
        self._settled.wait(seconds)
        found: list[tuple[int, Answer]] = []
        while self._done:
            found.append(self._done.popleft())
        self._left -= len(found)
        if self._broken is not None and not found:
            raise self._broken
        return found

    def _put(self, rows: list[tuple[int, str]]) -> None:
        for row in rows:
            self._todo.put_nowait(row)

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as reason:  # noqa: BLE001 - it is the caller's to see
            self._fail(reason)
        finally:
            self._ready.set()

    def _fail(self, reason: BaseException) -> None:
        self._broken = reason
        self._settled.set()

    def _answered(self, number: int, answer: Answer) -> None:
        self._done.append((number, answer))
        stop = self._verdict.hear(answer)
        if stop:
            self._hold()
        if stop or len(self._done) >= self._left:
            self._settled.set()

    def _hold(self) -> None:
        """Hand nothing out any more: the run ends."""
        while not self._todo.empty():
            self._todo.get_nowait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._todo: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self._ready.set()
        try:
            await self._end.wait()
            self._hold()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._idle.wait()
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            await self._client.close()

    async def _ask(self, asker: Asker) -> None:
        client: LineClient | None = None
        try:
            while True:
                number, prompt = await self._todo.get()
                self._busy += 1
                self._idle.clear()
                try:
                    client = client or LineClient(self._server, like=self._client)
                    self._answered(number, await asker.ask(client, prompt))
                except Exception as reason:  # noqa: BLE001 - or the caller would wait for ever
                    self._fail(reason)
                finally:
                    self._busy -= 1
                    if not self._busy:
                        self._idle.set()
        finally:
            if client is not None:
                await client.close()
