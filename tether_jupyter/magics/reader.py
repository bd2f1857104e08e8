"""A stream read by a thread, so that whoever waits for it can look at the clock meanwhile."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue

from tether_jupyter.client.sync import Stream
from tether_jupyter.core.events import Event

JOIN_SECONDS = 0.5


class Reader:
    """Read an open stream to its end.

    Parameters
    ----------
    stream:
        An open stream. The reader closes it.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queue: SimpleQueue[Event | BaseException] = SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="tether-reader", daemon=True)
        self._thread.start()

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or `None` if none came in time; raise what the stream raised."""
        try:
            item = self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
        except Empty:
            return None
        if isinstance(item, BaseException):
            raise item
        return item

    def finish(self) -> None:
        """Let the connection end in good order, so that the next question can use it again."""
        self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive():
            self.abort()

    def abort(self) -> None:
        """Break the connection at once: the server then stops the turn."""
        self._stream.abort()
        self._thread.join(JOIN_SECONDS)

    def _read(self) -> None:
        try:
            for event in self._stream:
                self._queue.put(event)
        except BaseException as reason:  # noqa: BLE001
            # It belongs to the thread that asked.
            self._queue.put(reason)
