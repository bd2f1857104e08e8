"""The way to a history that may fail: asked with patience, and tried again until it works."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from tether_jupyter.core.frames import frames
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.journal import Journal, Through

if TYPE_CHECKING:
    from tether_jupyter.store.history import SqlHistory

log = logging.getLogger("tether.store")

RETRY_SECONDS = 3.0
PATIENCE_SECONDS = 20.0
"""How long a turn waits for a database that says nothing. It waits 10 s by itself for another server."""
UNREADABLE = ("unreachable", "damaged", "newer", "silent")
"""Why nothing can be read either."""

Result = TypeVar("Result")


class Reach:
    """Knows whether a history can be asked.

    Parameters
    ----------
    history:
        The history to ask.
    journal:
        What it gets as soon as it works again.
    """

    def __init__(self, history: SqlHistory, journal: Journal) -> None:
        self.failed: StoreFailed | None = None
        """Why it cannot be asked now."""
        self.retry_seconds = RETRY_SECONDS
        self.patience_seconds = PATIENCE_SECONDS
        self._history = history
        self._journal = journal
        self._blind = False
        self._recovering = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    async def ask(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Ask the history, and wait no longer than anybody would."""
        try:
            async with asyncio.timeout(self.patience_seconds):
                try:
                    return await call()
                except StoreFailed as reason:
                    if reason.cause != "unreachable":
                        raise
                # After a restart of its server, a connection is known to be broken only when it is used.
                return await call()
        except TimeoutError:
            raise StoreFailed(cause="silent") from None

    async def read(self, call: Callable[[], Awaitable[Result]]) -> Result | None:
        """Ask what can be read of the past: much, on a full disk; `None` where nothing can."""
        if self._blind:
            return None
        try:
            return await self.ask(call)
        except StoreFailed:
            self._blind = True
            return None

    def fail(self, reason: StoreFailed) -> None:
        """Take in that the history cannot be asked, and try it again from time to time."""
        if self.failed is None:
            log.error("conversations go on in memory: %s", reason.message)
            self._note(reason)
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._keep_trying(), name="tether-shelter")

    def _note(self, reason: StoreFailed) -> None:
        self.failed, self._blind = reason, reason.cause in UNREADABLE

    async def _keep_trying(self) -> None:
        while self.failed is not None:
            # A damaged file is mended at the next use: there is nothing to wait for.
            await asyncio.sleep(0 if self.failed.cause == "damaged" else self.retry_seconds)
            try:
                if not await self.retry() and self.failed.cause == "damaged":
                    await asyncio.sleep(self.retry_seconds)
            except Exception as reason:  # noqa: BLE001 - it is tried again, whatever it was
                log.error("the history could not be tried again: %s", frames(reason))
                await asyncio.sleep(self.retry_seconds)

    async def retry(self) -> bool:
        """Try the history again, and write what was said meanwhile. Return whether it works."""
        async with self._recovering:
            if self.failed is None:
                return True
            try:
                await self.ask(self._history.alive)
                await self.ask(lambda: self._history.conversations("", limit=1))
                await self._replay()
            except StoreFailed as reason:
                self._note(reason)
                return False
            log.info("the history can be written again: everything said meanwhile is in it")
            self.failed, self._blind = None, False
            return True

    async def catch_up(self) -> None:
        """Write what was noted while the history was found to work again.

        Raises
        ------
        StoreFailed
            It has stopped working since. What is not written yet stays noted.
        """
        if self.failed is None and len(self._journal):
            async with self._recovering:
                await self._replay()

    async def _replay(self) -> None:
        await self._journal.replay(Through(self._history, self.ask))

    async def close(self) -> None:
        """Try for the last time, and close the history."""
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer
        if self.failed is not None and not await self.retry():
            log.error("%d messages could not be kept: %s", self._journal.messages(), self.failed.message)
        with contextlib.suppress(StoreFailed):
            await self.ask(self._history.close)
