"""An answer that is asked for before anybody reads it: its question is written down meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, Self, TypeVar

from tether_jupyter.core.events import Event


class Opened(Protocol):
    """What a request opens."""

    async def aclose(self) -> None:
        """Close it; a second time does nothing."""


Response = TypeVar("Response", bound=Opened)


class Ahead(AsyncIterator[Event], Generic[Response]):
    """The events of an answer whose request is under way once this is made. Close it, read or not.

    Parameters
    ----------
    request:
        Sends the request, and returns what it opens.
    read:
        Returns the events of an answer; it is given the task that sends the request, to be awaited.
    """

    def __init__(
        self,
        request: Coroutine[Any, Any, Response],
        read: Callable[[asyncio.Task[Response]], AsyncGenerator[Event, None]],
    ) -> None:
        self._request = asyncio.create_task(request)
        self._events = read(self._request)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return self._events.__anext__()

    async def aclose(self) -> None:
        """End the answer, and what was started upstream with it."""
        await self._events.aclose()
        self._request.cancel()
        await asyncio.wait([self._request])
        if not self._request.cancelled() and self._request.exception() is None:
            await self._request.result().aclose()
