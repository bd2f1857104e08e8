"""What a broken worker sends is refused before anybody acts on it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tether_jupyter.llm.local import inbox, replies
from tether_jupyter.llm.local.inbox import Inbox
from tether_jupyter.llm.local.pipe import PipeError

READY = {
    "event": "ready",
    **dict.fromkeys(replies.SIZES, 4),
    "offload": False,
    "devices": [],
    "infill": False,
}
USAGE = {"prompt_tokens": 1, "cached_tokens": 0, "completion_tokens": 2, "tokens_per_s": None}
GOOD: list[dict[str, Any]] = [
    READY,
    {"event": "loading", "progress": 0.5},
    {"event": "loading", "progress": 1},
    {"event": "failed", "error": {"type": "model_not_ready", "message": "no"}},
    {"event": "queued", "id": "r1", "position": 1},
    {"event": "delta", "id": "r1", "text": "é"},
    {"event": "vectors", "id": "r1", "vectors": [[0.1, 0.2]]},
    {"event": "counts", "id": "r1", "counts": [0, 12]},
    {"event": "done", "id": "r1", "finish_reason": "stop", "usage": USAGE},
    {"event": "error", "id": "r1", "error": {"type": "internal", "message": "no", "hint": None}},
    {"event": "status", "id": "r1", "waiting": 0, "running": 0},
    {"event": "pong", "overdue": -1},
    {"event": "something new", "id": "r1"},
]


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["event"])
def test_what_the_protocol_says_is_taken(message: dict[str, Any]) -> None:
    replies.check(message)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"event": None},
        {"event": ["delta"]},
        *({"event": good["event"]} for good in GOOD[:-1]),
        {**READY, "slots": 0},
        {**READY, "slots": "8"},
        {**READY, "context_length": True},
        {**READY, "kv_bytes": -1},
        {**READY, "layers": 1e300},
        {**READY, "devices": ["cpu"]},
        {"event": "loading", "progress": float("nan")},
        {"event": "loading", "progress": 1.5},
        {"event": "failed", "error": "no"},
        {"event": "queued", "position": 0},
        {"event": "queued", "position": 1.5},
        {"event": "delta", "text": None},
        {"event": "vectors", "vectors": [1.0]},
        {"event": "counts", "counts": [1, -1]},
        {"event": "done", "finish_reason": "boredom", "usage": USAGE},
        {"event": "done", "finish_reason": ["stop"], "usage": USAGE},
        {"event": "done", "finish_reason": "stop", "usage": {"prompt_tokens": "many"}},
        {"event": "done", "finish_reason": "stop", "usage": {"prompt_tokens": float("inf")}},
        {"event": "error", "error": {"type": 7, "message": "no"}},
        {"event": "status", "waiting": "none", "running": 0},
        {"event": "pong", "overdue": "late"},
        {"event": "pong", "overdue": float("inf")},
    ],
    ids=str,
)
def test_what_lacks_something_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(PipeError):
        replies.check(message)


def test_a_fast_answer_is_no_flood_and_one_without_measure_is() -> None:
    now = 0.0
    flood = replies.Flood(lambda: now)
    for _ in range(100):
        now += 0.1
        flood.count(2000)
        for _ in range(20):
            flood.stray()
    now += 2.0
    flood.count(replies.MOST_EACH_SECOND)
    with pytest.raises(PipeError, match="floods"):
        flood.count(1)


def test_a_flood_of_what_nobody_asked_for_is_seen_sooner() -> None:
    flood = replies.Flood(lambda: 0.0)
    for _ in range(replies.MOST_STRAY):
        flood.stray()
    with pytest.raises(PipeError, match="nobody asked"):
        flood.stray()


def test_an_answer_has_an_end() -> None:
    async def run() -> None:
        box = Inbox(10)
        for _ in range(10):
            box.put({"event": "delta", "text": "x"})
            await box.get(1)
        with pytest.raises(PipeError, match="longer than any"):
            box.put({"event": "delta", "text": "x"})

    asyncio.run(run())


def test_an_answer_of_few_and_huge_pieces_has_an_end_too() -> None:
    async def run() -> None:
        box, message = Inbox(10**6), {"event": "delta", "text": "x" * 2**20}
        for _ in range(inbox.MAX_TEXT >> 20):
            box.put(message)
            await box.get(1)
        with pytest.raises(PipeError, match="longer than any"):
            box.put(message)

    asyncio.run(run())


def test_what_nobody_reads_does_not_fill_the_memory() -> None:
    async def run() -> None:
        message: dict[str, Any] = {"vectors": [[0.5] * 1000] * 125}
        box = Inbox(10**6)
        for _ in range(1000):
            box.put(message)
            assert await box.get(1) is message
        for _ in range(inbox.MAX_WAITING // inbox.weight(message)):
            box.put(message)
        with pytest.raises(PipeError):
            box.put(message)

    asyncio.run(run())


def test_a_flood_leaves_others_their_turn_in_the_event_loop() -> None:
    async def run() -> None:
        box, turns = Inbox(10**6), 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(1600):
            box.put({"text": "x"})
        for _ in range(1600):
            await box.get(1)
        task.cancel()
        assert turns >= 90

    asyncio.run(run())
