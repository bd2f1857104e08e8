"""From cancelling an answer to its slot being free.

Timed from the server's message to the worker's `done`, which it sends when the slot is given back; its own
count of slots in use must be one lower by then. An answer among eight, a prompt of 3,000 tokens that is being
read on an idle engine, and one that is being read beside four answers, each at a moment of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from benchmarks.support import models
from benchmarks.support.pipe_side import Request, running, worker_of
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Turn, service, spread
from tether_jupyter.llm.local.process import WorkerProcess

ROUNDS = 5
SECONDS = 3600
CONTEXT = 4096
SHORT, LONG, BESIDE = 24, 3000, 4
ENDLESS = 1500
TIMES, QUICK_TIMES = 10, 2
READING = (0.02, 0.4)
"""Seconds after which the reading of a prompt is cancelled, from and to."""
AT_MOST = 50.0


def run(rounds: int, quick: bool) -> list[Row]:
    """Cancel, again and again."""
    found = asyncio.run(measured(rounds, QUICK_TIMES if quick else TIMES))
    everything = [value for values in found.values() for value in values]
    return [
        Row(f"p99 of {len(everything)}", "ms", [spread(everything, 0.99)], at_most=AT_MOST),
        Row(f"p50 of {len(everything)}", "ms", [spread(everything, 0.5)]),
        *[Row(f"{case}, p99", "ms", [spread(v, 0.99)], at_most=AT_MOST) for case, v in found.items()],
    ]


async def measured(rounds: int, times: int) -> dict[str, list[float]]:
    """Return milliseconds, by what was cancelled."""
    moments = random.Random(0)  # noqa: S311 - not for secrets
    found: dict[str, list[float]] = {}
    local = service(models.random_model(), context_length=CONTEXT, slots=SLOTS)
    async with worker_of(local) as worker:
        for number in range(rounds):
            seed = 1000 * (number + 1)
            answers = await answering(worker, seed, SLOTS)
            found.setdefault("an answer among eight", []).extend(
                await one_by_one(worker, answers, times, seed + 500)
            )
            for case, beside in (("a prompt, alone", 0), ("a prompt beside four answers", BESIDE)):
                others = await answering(worker, seed + 100, beside)
                for place in range(times):
                    delay = moments.uniform(*READING)
                    seconds = await prompt(worker, seed + 200 + place, delay, beside)
                    found.setdefault(case, []).append(1000 * seconds)
                await one_by_one(worker, others, beside, seed)
    return found


async def answering(worker: WorkerProcess, seed: int, count: int) -> list[Request]:
    """Start answers, and return them when each has begun."""
    requests = [Request(worker, turn(seed + place, SHORT, ENDLESS)) for place in range(count)]
    for request in requests:
        await request.until("delta")
    return requests


async def one_by_one(worker: WorkerProcess, answers: Sequence[Request], times: int, seed: int) -> list[float]:
    """Cancel answers, each with a new one in its place as long as more are to be measured; milliseconds."""
    found, left = [], list(answers)
    while left:
        request = left.pop(0)
        found.append(1000 * await request.cancel())
        await check(worker, len(left))
        if len(found) + len(left) < times:
            left += await answering(worker, seed + len(found), 1)
    return found


async def prompt(worker: WorkerProcess, seed: int, delay: float, beside: int) -> float:
    """Let a prompt be read for a while; return the seconds that its cancelling takes."""
    request = Request(worker, turn(seed, LONG, ENDLESS // 4))
    await asyncio.sleep(delay)
    seconds = await request.cancel()
    await check(worker, beside)
    return seconds


async def check(worker: WorkerProcess, expected: int) -> None:
    """Raise unless the worker says that so many slots are in use."""
    if (found := await running(worker)) != expected:
        raise RuntimeError(f"{found} slots are in use after an answer was cancelled, not {expected}.")


def turn(seed: int, length: int, tokens: int) -> Turn:
    """Return a question of so many tokens that nobody has seen."""
    return Turn([("user", models.text(length, 300_000 + seed))], tokens, conversation=f"x{seed}")
