"""One request to the worker, from its message to its end, as the events of a turn."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.errors import from_payload
from tether_jupyter.llm.local.inbox import Inbox
from tether_jupyter.llm.local.process import WorkerProcess

COUNTS = ("prompt_tokens", "cached_tokens", "completion_tokens", "tokens_per_s")
PING_SECONDS = 0.3
MISSED_PONGS = 4


async def next_reply(worker: WorkerProcess, inbox: Inbox) -> dict[str, Any]:
    """Return the next reply. A worker that is silent for too long is killed, which ends the wait."""
    while (reply := await inbox.get(PING_SECONDS)) is None:
        worker.watch(PING_SECONDS, MISSED_PONGS)
    return reply


async def answer(worker: WorkerProcess, message: dict[str, Any], began: float) -> AsyncGenerator[Event, None]:
    """Send a message, and yield the events of its answer. Closing the generator cancels the answer.

    Parameters
    ----------
    began:
        When the question came, by `time.perf_counter`.

    Raises
    ------
    TetherError
        The worker refuses, or dies.
    """
    id, inbox = worker.open(message)
    ended = False
    first: float | None = None
    try:
        while not ended:
            reply = await next_reply(worker, inbox)
            kind = reply["event"]
            if kind in ("delta", "thinking"):
                first = first or time.perf_counter()
                yield (events.delta if kind == "delta" else events.thinking)(whole(reply["text"]))
            elif kind == "queued":
                yield events.queued(reply["position"])
            elif kind == "error":
                ended = True
                raise from_payload(reply["error"])
            elif kind == "done":
                ended = True
                counts = {name: reply["usage"].get(name) for name in COUNTS}
                ttft = round((first - began) * 1000, 1) if first else None
                yield events.usage(**counts, cost_usd=0.0, ttft_ms=ttft)
                yield events.done(reply["finish_reason"])
    finally:
        worker.close(id)
        if not ended:
            worker.send({"op": "cancel", "id": id})


def whole(text: str) -> str:
    """Return a text that can be encoded: a broken worker may send half of a surrogate pair."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


async def vectors(worker: WorkerProcess, texts: list[str]) -> list[list[float]]:
    """Return the vectors of texts."""
    return await listed(worker, {"op": "embed", "texts": texts}, "vectors")


async def counts(worker: WorkerProcess, texts: list[str]) -> list[int]:
    """Return how many tokens texts have."""
    return await listed(worker, {"op": "count", "texts": texts}, "counts")


async def listed(worker: WorkerProcess, message: dict[str, Any], kind: str) -> list[Any]:
    """Send a message, and return the list that is the answer to it.

    Raises
    ------
    TetherError
        The worker refuses, or dies.
    """
    id, inbox = worker.open(message)
    found: list[Any] = []
    ended = False
    try:
        while not ended:
            reply = await next_reply(worker, inbox)
            if reply["event"] == kind:
                found += reply[kind]
            elif reply["event"] == "error":
                ended = True
                raise from_payload(reply["error"])
            ended = reply["event"] == "done"
    finally:
        worker.close(id)
        if not ended:
            worker.send({"op": "cancel", "id": id})
    return found
