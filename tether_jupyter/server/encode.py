"""One stream of events, encoded: JSON, SSE and NDJSON. None of them makes up an event of its own."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from tether_jupyter.core import events
from tether_jupyter.core.events import Event

# What `json.dumps` would build anew at each call.
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring

# Line breaks to many a reader of lines, and none to JSON.
BREAKS = str.maketrans({c: f"\\u{ord(c):04x}" for c in "\u2028\u2029\u0085"})


def dumps(payload: Any) -> str:
    """Return compact JSON on one line, whatever the reader takes for the end of one."""
    return _one_line(_dumps(payload))


def _one_line(text: str) -> str:
    return text if text.isascii() else text.translate(BREAKS)


def line(event: Event) -> str:
    """Return an event as a line of JSON. Nearly all of them are a piece of text, which has a short way."""
    if "delta" in event:
        return f'{{"delta":{_one_line(_quoted(event["delta"]))}}}\n'
    return f"{dumps(event)}\n"


def merged(batch: list[Event]) -> list[Event]:
    """Join neighbouring pieces of text: whatever gathered while a reader was busy reaches it as one."""
    if len(batch) == 1:
        return batch
    out: list[Event] = []
    for event in batch:
        kind = events.kind(event)
        if kind in ("delta", "thinking") and out and events.kind(out[-1]) == kind:
            out[-1] = {kind: out[-1][kind] + event[kind]}
        else:
            out.append(event)
    return out


class Ndjson:
    """One object a line."""

    content_type: ClassVar[str] = "application/x-ndjson"
    heartbeat: ClassVar[bytes] = b""

    @staticmethod
    def encode(number: int, batch: list[Event]) -> bytes:
        """Return the lines for a batch whose last event is number `number`."""
        return "".join([line(event) for event in merged(batch)]).encode()


class Sse:
    """Server-sent events. The id is the number of the last event that a message holds."""

    content_type: ClassVar[str] = "text/event-stream"
    heartbeat: ClassVar[bytes] = b": still here\n\n"

    @staticmethod
    def encode(number: int, batch: list[Event]) -> bytes:
        """Return the messages for a batch whose last event is number `number`."""
        out: list[str] = []
        joined = merged(batch)
        number -= len(batch)
        sizes = _sizes(batch)
        for event, size in zip(joined, sizes, strict=True):
            number += size
            # JSON escapes every line break, and a kind is one of ours: nothing upstream can start a line.
            out.append(f"id: {number}\nevent: {events.kind(event)}\ndata: {dumps(event)}\n\n")
        return "".join(out).encode()


def _sizes(batch: list[Event]) -> list[int]:
    """Return how many events of a batch each merged one stands for."""
    sizes: list[int] = []
    last = ""
    for event in batch:
        kind = events.kind(event)
        if kind in ("delta", "thinking") and kind == last:
            sizes[-1] += 1
        else:
            sizes.append(1)
        last = kind
    return sizes


Encoding = type[Ndjson] | type[Sse]
STREAMS: dict[str, Encoding] = {cls.content_type: cls for cls in (Ndjson, Sse)}


def chosen(accept: str, default: str) -> str:
    """Return the first media type in an `Accept` header that a turn can be had in, else the default."""
    known = {"application/json", *STREAMS}
    for part in accept.split(","):
        kind = part.split(";")[0].strip().lower()
        if kind in known:
            return kind
    return default


class WholeAnswer:
    """Gathers a turn's events into the one object of the JSON form."""

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.tools: dict[str, Any] = {}
        self.parts: list[str] = []
        self.ending: Event = {}

    def add(self, event: Event) -> None:
        """Take in the next event."""
        kind = events.kind(event)
        if kind == "delta":
            self.parts.append(event["delta"])
        elif kind == "meta":
            self.meta = event["meta"]
        elif kind == "usage":
            self.usage = event["usage"]
        elif kind == "tool":
            self.tools[event["tool"]["id"]] = event["tool"]
        elif kind in events.TERMINAL:
            self.ending = event

    def payload(self) -> dict[str, Any]:
        """Return the object."""
        return {
            "id": self.meta["id"],
            "conversation_id": self.meta["conversation_id"],
            "model": self.meta["model"],
            "content": "".join(self.parts),
            "finish_reason": self.ending.get("finish_reason"),
            "usage": self.usage,
            "tools": list(self.tools.values()),
        }
