"""What a model has said so far, and which of it is passed on: a backend may be anybody's code."""

from __future__ import annotations

import math
import time
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event

FINISH_REASONS = ("stop", "length", "tool", "cancelled")


class Heard:
    """Takes a model's events and lets through what belongs into a turn's stream.

    Text is cut at `max_size` characters, which ends the answer with `length`; what was thought aloud counts
    as well, or a model could think for ever.
    """

    def __init__(self, max_size: int) -> None:
        self._room = max_size
        self._parts: list[str] = []
        self.usage: dict[str, Any] = events.usage()["usage"]
        self.ending: Event | None = None
        self.first: float | None = None
        self.size = 0
        """Bytes of the answer so far."""
        self._thought = self._ran_out = False

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._parts)

    @property
    def pieces(self) -> int:
        """In how many pieces the answer came."""
        return len(self._parts)

    @property
    def only_thought(self) -> bool:
        """Whether the model's tokens ran out before the answer began: all of them went into thinking."""
        return self._ran_out and self._thought and not self.text.strip()

    def take(self, event: Event) -> Event | None:
        """Take in an event; return what is passed on at once, if anything is."""
        kind = events.kind(event)
        if kind == "delta" or kind == "thinking":
            return self._text(kind, event[kind])
        if kind == "usage":
            self.usage |= {name: finite(event["usage"].get(name)) for name in self.usage}
        elif kind == "done":
            reason = event.get("finish_reason")
            self.ending = events.done(reason if reason in FINISH_REASONS else "stop")
            self._ran_out = reason == "length"
        elif kind == "error":
            self.ending = event
        elif kind in ("queued", "tool"):
            return event
        return None

    def _text(self, kind: str, text: str) -> Event | None:
        if not text:
            return None
        if len(text) >= self._room:
            text = text[: self._room]
            self.ending = events.done("length")
        self._room -= len(text)
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            # Half of a code point, which no door could write.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            size = len(text.encode())
        if kind == "thinking":
            self._thought = True
            return events.thinking(text)
        if self.first is None:
            self.first = time.perf_counter()
        self._parts.append(text)
        self.size += size
        return events.delta(text)


def finite(value: Any) -> int | float | None:
    """Return a figure that JSON can hold; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None
