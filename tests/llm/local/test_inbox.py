"""What the worker says reaches the coroutines that wait for it; an event loop is told once of all of it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tether_jupyter.llm.local.inbox import Inbox, wake


async def waiting(count: int) -> tuple[list[Inbox], list[asyncio.Task[Any]]]:
    """Return inboxes, and the tasks that wait at them."""
    boxes = [Inbox(100) for _ in range(count)]
    tasks = [asyncio.create_task(box.get(60)) for box in boxes]
    await turns()
    assert all(box.waiter for box in boxes)
    return boxes, tasks


async def turns(count: int = 5) -> None:
    """Let the others have their turns in the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("reader", "times"), [("a thread", 1), ("the loop itself", 0)])
async def test_a_loop_is_told_once_of_what_came_together(
    monkeypatch: pytest.MonkeyPatch, reader: str, times: int
) -> None:
    boxes, tasks = await waiting(8)
    loop, told = asyncio.get_running_loop(), []
    soon = loop.call_soon_threadsafe

    def tell(*call: Any) -> Any:
        told.append(call)
        return soon(*call)

    monkeypatch.setattr(loop, "call_soon_threadsafe", tell)
    for number, box in enumerate(boxes):
        box.put({"text": str(number)})
        box.put({"text": "more"})
    if reader == "a thread":
        thread = threading.Thread(target=wake, args=([*boxes, *boxes],))
        thread.start()
        thread.join()
    else:
        wake([*boxes, *boxes])
    assert [reply["text"] for reply in await asyncio.gather(*tasks)] == list("01234567")
    assert len(told) == times
    assert [(await box.get(60) or {})["text"] for box in boxes] == ["more"] * 8


async def test_whoever_is_woken_for_nothing_waits_on() -> None:
    (box,), (task,) = await waiting(1)
    for _ in range(3):
        waiter = box.waiter
        wake([box])
        await turns()
        assert box.waiter not in (None, waiter)
    assert not task.done()
    box.put({"text": "x"})
    wake([box])
    assert await task == {"text": "x"}


async def test_a_wait_without_a_message_ends() -> None:
    box = Inbox(100)
    assert await box.get(0.01) is None
    box.put({"text": "x"})
    assert await box.get(0.01) == {"text": "x"}


def test_a_loop_that_is_closed_is_told_nothing() -> None:
    async def left() -> Inbox:
        (box,), _ = await waiting(1)
        return box

    box = asyncio.run(left())
    box.waiter = box.loop.create_future()
    wake([box])
