"""One answer on its way from the server to the widget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from tether_jupyter.client.sync import Client, Stream
from tether_jupyter.core.events import Event, kind
from tether_jupyter.errors import TetherError
from tether_jupyter.widget import rows
from tether_jupyter.widget.rows import Row
from tether_jupyter.widget.words import name_of, progress_of

BATCH_SECONDS = 0.04
LOOK_SECONDS = 1.0
STOP_SECONDS = 3.0

Message = dict[str, Any]


class Turn:
    """Read an answer's events, and tell the front end of them in batches that only add.

    Parameters
    ----------
    stream:
        The turn, which is opened here and closed when it has been read.
    row:
        The answer's row. Its `text` and `state` are kept up to date.
    tell:
        Takes a message for the front end: `phase` (what is happening), `more` (text, and at which place).
    lock:
        Held while `row` changes and the front end is told, so that a picture of both is never half of each.
    """

    def __init__(
        self,
        client: Client,
        stream: Stream,
        row: Row,
        tell: Callable[[Message], None],
        lock: threading.RLock,
    ) -> None:
        self.row = row
        self.meta: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.finish_reason: str | None = None
        self.phase: Message = {"phase": "sending"}
        self.size = 0
        """How much text the front end was told of, as JavaScript counts."""
        self._client = client
        self._stream = stream
        self._tell = tell
        self._lock = lock
        self._queue: SimpleQueue[Event | BaseException | None] = SimpleQueue()
        self._fresh: list[str] = []
        self._stopping = False
        self._over = threading.Event()
        self._spoke = threading.Event()

    @property
    def conversation(self) -> str | None:
        """The conversation that it belongs to, once that is known."""
        return self.meta.get("conversation_id")

    def run(self) -> None:
        """Read to the end.

        Raises
        ------
        TetherError
            It failed; the text so far is in the row. A turn that was stopped does not raise.
        """
        reader = threading.Thread(target=self._read, name="tether-chat-reader", daemon=True)
        reader.start()
        try:
            self._pump()
        except TetherError:
            if not self._stopping:
                raise
            # The connection was broken because the server did not stop by itself in time.
            self.finish_reason = "cancelled"
        finally:
            self._over.set()
            self._spoke.set()
            self._flush()
            reader.join(STOP_SECONDS)
            if reader.is_alive():
                # It was to be broken before there was a connection, and one has come since.
                self._stream.abort()

    def stop(self) -> None:
        """End the turn, keeping its text: ask the server, and break the connection if that does not help."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            self.say({"phase": "stopping"})
        threading.Thread(target=self._stop, name="tether-chat-stop", daemon=True).start()

    def leave(self) -> None:
        """Tell nothing from now on. It is read to its end: the server stops a turn that nobody reads."""
        with self._lock:
            self._tell = lambda _: None

    def say(self, phase: Message) -> None:
        """Tell what is happening, if that is news."""
        with self._lock:
            if phase != self.phase and not (self._stopping and phase["phase"] != "stopping"):
                self.phase = phase
                self._tell({"kind": "phase", "id": self.row["id"], **phase})

    def _stop(self) -> None:
        try:
            if self.conversation is not None:
                self._client.stop(self.conversation)
                if self._over.wait(STOP_SECONDS):
                    return
        except TetherError:
            # It cannot be asked; a broken connection says the same.
            self._over.wait(0)
        self.abort()

    def abort(self) -> None:
        """Break the connection: the server then stops a turn that was asked for here."""
        self._stream.abort()
        self._queue.put(None)

    def _read(self) -> None:
        try:
            with self._stream:
                self._queue.put({"opened": True})
                for event in self._stream:
                    if self._over.is_set():
                        # It was stopped before there was a connection to break.
                        break
                    self._queue.put(event)
            self._queue.put(None)
        except BaseException as reason:  # noqa: BLE001
            # It belongs to the thread that asked.
            self._queue.put(reason)

    def _pump(self) -> None:
        due = 0.0
        while True:
            wait = max(0.0, due - time.monotonic()) if self._fresh else None
            try:
                item = self._queue.get(timeout=wait)
            except Empty:
                item = {"flush": True}
            if isinstance(item, BaseException):
                raise item
            if item is None:
                if self.finish_reason is None:
                    self.finish_reason = "cancelled"
                return
            self._take(item)
            if self._fresh and time.monotonic() >= due:
                self._flush()
                due = time.monotonic() + BATCH_SECONDS

    def _take(self, event: Event) -> None:
        match kind(event):
            case "opened":
                self.say({"phase": "waiting"})
            case "meta":
                self.meta = event["meta"]
                watch = threading.Thread(target=self._watch, name="tether-chat-loading", daemon=True)
                watch.start()
            case "queued":
                # A place in the line says more than how far the model is.
                self._spoke.set()
                self.say({"phase": "queued", "position": event["queued"].get("position")})
            case "thinking":
                self._spoke.set()
                self.say({"phase": "thinking"})
            case "delta":
                self._spoke.set()
                self._fresh.append(event["delta"])
                self.say({"phase": "writing"})
            case "usage":
                self.usage = event["usage"]
            case "done":
                self.finish_reason = event.get("finish_reason") or "stop"

    def _flush(self) -> None:
        text = "".join(self._fresh)
        self._fresh.clear()
        if not text:
            return
        with self._lock:
            self.row["text"] += text
            self._tell({"kind": "more", "id": self.row["id"], "at": self.size, "text": text})
            self.size += utf16_length(text)

    def _watch(self) -> None:
        """Look once a second how far the model is loaded, until the first word."""
        label = str(self.meta.get("model") or "")
        while not self._spoke.wait(LOOK_SECONDS):
            try:
                health = self._client.health()
            except (TetherError, RuntimeError):
                # The turn itself says what is wrong; a client that was closed raises a RuntimeError.
                return
            progress = progress_of(health, label)
            if progress is None or self._spoke.is_set():
                return
            self.say({"phase": "loading", "progress": progress, "name": name_of(health, label)})


def utf16_length(text: str) -> int:
    """Return how long JavaScript finds a text."""
    return len(text) + sum(ord(sign) > 0xFFFF for sign in text)


def ended(turn: Turn) -> str:
    """Return the state of an answer that came to its end."""
    return rows.STOPPED if turn.finish_reason == "cancelled" else rows.DONE
