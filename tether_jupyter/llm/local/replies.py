"""What a worker may say, and how much of it: checked before anybody acts on it.

A worker that was broken by its model may send anything, so nothing of it reaches a turn unseen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from tether_jupyter.llm.local.pipe import Message, PipeError

FINISH_REASONS = ("stop", "length", "cancelled")
SIZES = ("context_length", "slots", "kv_bytes", "weight_bytes", "layers", "layers_on_gpu", "threads")
MOST = 1 << 53
MOST_EACH_SECOND = 100_000
"""Messages: ten times what eight answers of the fastest tiny model make."""
MOST_STRAY = 5_000
"""Messages of one second that belong to no request: the rest of answers that nobody reads any more."""


def check(message: Message) -> None:
    """Raise `PipeError` where an event lacks what it must have."""
    event = message.get("event")
    if not isinstance(event, str):
        raise PipeError("a message is no event")
    rule = RULES.get(event)
    if rule is not None and not rule(message):
        raise PipeError(f"the event {event!r} is not as it must be")


def number(value: Any, least: float = -math.inf) -> bool:
    """Return whether a value is a finite number, and not too small."""
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    return whole and abs(value) < MOST and value >= least


def count(value: Any, least: int = 0) -> bool:
    """Return whether a value is a whole number, and not too small."""
    return isinstance(value, int) and number(value, least)


def failure(message: Message) -> bool:
    """Return whether an event holds the wire form of an error."""
    error = message.get("error")
    return isinstance(error, dict) and all(isinstance(error.get(name), str) for name in ("type", "message"))


def ready(message: Message) -> bool:
    """Return whether `ready` says of the model what others rely on."""
    sizes = all(count(message.get(name)) for name in SIZES)
    return sizes and message["context_length"] > 0 < message["slots"] and listed(message, "devices")


def listed(message: Message, name: str, kind: type = dict) -> bool:
    """Return whether a field is a list of one kind."""
    values = message.get(name)
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def done(message: Message) -> bool:
    """Return whether `done` says why and at what cost."""
    usage = message.get("usage")
    known = message.get("finish_reason") in FINISH_REASONS
    return known and isinstance(usage, dict) and all(v is None or number(v, 0) for v in usage.values())


RULES: dict[str, Callable[[Message], bool]] = {
    "loading": lambda m: number(m.get("progress"), 0) and m["progress"] <= 1,
    "ready": ready,
    "failed": failure,
    "queued": lambda m: count(m.get("position"), 1),
    "delta": lambda m: isinstance(m.get("text"), str),
    "thinking": lambda m: isinstance(m.get("text"), str),
    "vectors": lambda m: listed(m, "vectors", list),
    "counts": lambda m: isinstance(m.get("counts"), list) and all(count(each) for each in m["counts"]),
    "done": done,
    "error": failure,
    "status": lambda m: count(m.get("waiting")) and count(m.get("running")),
    "pong": lambda m: number(m.get("overdue")),
}


class Flood:
    """Notices when far more comes than there is to say.

    Parameters
    ----------
    clock:
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self.messages = self.strays = 0

    def count(self, messages: int) -> None:
        """Count what came together. Raises `PipeError` where that is too much."""
        now = self.clock()
        if now - self.began > 1.0:
            self.began, self.messages, self.strays = now, 0, 0
        self.messages += messages
        if self.messages > MOST_EACH_SECOND:
            raise PipeError("it floods the pipe")

    def stray(self) -> None:
        """Count a message that belongs to nothing. Raises `PipeError` where that is too much."""
        self.strays += 1
        if self.strays > MOST_STRAY:
            raise PipeError("it floods the pipe with what nobody asked for")
