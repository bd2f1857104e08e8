"""How many rows are asked at once while a service says that it is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tether_jupyter.frames.gate import Gate


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def test_no_more_than_the_limit_are_inside() -> None:
    async def work() -> None:
        gate, most = Gate(3), 0

        async def ask() -> None:
            nonlocal most
            async with gate.entered():
                most = max(most, gate.inside)
                await asyncio.sleep(0)

        await asyncio.gather(*(ask() for _ in range(50)))
        assert (most, gate.inside) == (3, 0)

    run(work())


def test_those_who_are_refused_together_halve_the_limit_once() -> None:
    async def work() -> None:
        gate = Gate(16)
        async with gate.entered() as first, gate.entered() as second, gate.entered() as third:
            for epoch in (first, second, third):
                gate.refused(epoch, 0.0)
        assert gate.limit == 8
        async with gate.entered() as later:
            gate.refused(later, 0.0)
        assert gate.limit == 4

    run(work())


def test_one_always_gets_in_and_the_limit_comes_back() -> None:
    async def work() -> None:
        gate = Gate(4)
        for _ in range(10):
            async with gate.entered() as epoch:
                gate.refused(epoch, 0.0)
        assert gate.limit == 1
        for _ in range(20):
            async with gate.entered():
                gate.went_well()
        assert gate.limit == 4

    run(work())


def test_nobody_enters_before_the_service_said() -> None:
    async def work() -> None:
        gate = Gate(4)
        loop = asyncio.get_running_loop()
        async with gate.entered() as epoch:
            gate.refused(epoch, 0.02)
        began = loop.time()
        async with gate.entered():
            assert loop.time() - began >= 0.015

    run(work())


def test_a_wait_that_is_broken_off_leaves_nothing_behind() -> None:
    async def work() -> None:
        gate = Gate(1)

        async def ask() -> None:
            async with gate.entered():
                pass

        async with gate.entered():
            waiting = asyncio.create_task(ask())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await ask()
        assert gate.inside == 0

    run(work())
