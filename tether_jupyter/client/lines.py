"""Newline-delimited JSON, decoded from bytes that are cut anywhere."""

from __future__ import annotations

import json
from typing import Any

from tether_jupyter.core.events import Event
from tether_jupyter.errors import UpstreamError

MAX_LINE = 8 * 2**20


class LineDecoder:
    """Turn pieces of a byte stream into events, whatever the pieces are.

    Empty lines keep a connection alive and mean nothing.

    Parameters
    ----------
    max_line:
        The longest line in bytes. A longer one ends the stream with an `UpstreamError`.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that end in this piece, in order."""
        *lines, rest = data.split(b"\n")
        events: list[Event] = []
        for line in lines:
            self._keep(line)
            whole = b"".join(self._parts).strip()
            self._parts, self._size = [], 0
            if whole:
                events.append(parse(whole))
        self._keep(rest)
        return events

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._max_line:
            raise UpstreamError("The server sent a line that is too long to be an event of a turn.")
        if part:
            self._parts.append(part)


def parse(line: bytes) -> Event:
    """Return the event on one line."""
    try:
        event: Any = json.loads(line)
    except ValueError as reason:
        raise UpstreamError("The server sent something that is not an event of a turn.") from reason
    if not isinstance(event, dict) or not event:
        raise UpstreamError("The server sent something that is not an event of a turn.")
    return event
