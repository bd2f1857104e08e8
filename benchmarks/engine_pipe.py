"""What the way from the worker adds to each token, against an engine in the server's own process.

The worker notes on each event when it was handed to the pipe, which is when an engine in the same process
would have called its listener; the same event's arrival in the server's coroutine is noted on the same clock.
Between them lie encoding, the pipe, the thread that reads it, and the event loop. One stream, and eight.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from benchmarks.support import models, stamped_worker
from benchmarks.support.pipe_side import Request, worker_of
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Turn, service, spread
from tether_jupyter.llm.local import environment, worker
from tether_jupyter.llm.local.process import WorkerProcess

ROUNDS = 5
SECONDS = 1800
PROMPT, ANSWER, QUICK_ANSWER = 24, 256, 64
AT_MOST = 0.5


def run(rounds: int, quick: bool) -> list[Row]:
    """Listen to one stream and to eight in turn."""
    found = asyncio.run(measured(rounds, QUICK_ANSWER if quick else ANSWER))
    return [
        Row(
            f"added to a token, p{100 * share:.0f}, {streams} stream{'s' if streams > 1 else ''}",
            "ms",
            [spread(one, share) for one in found[streams]],
            at_most=AT_MOST if share == 0.5 else None,
        )
        for streams in found
        for share in (0.5, 0.99)
    ]


async def measured(rounds: int, tokens: int) -> dict[int, list[list[float]]]:
    """Return the milliseconds of all tokens of each round, by the number of streams."""
    found: dict[int, list[list[float]]] = {1: [], SLOTS: []}
    with stamped():
        local = service(models.random_model(), context_length=1024, slots=SLOTS, speculation=False)
        async with worker_of(local) as process:
            for number in range(rounds):
                for streams in found:
                    seeds = [1000 * number + 10 * streams + place for place in range(streams)]
                    each = await asyncio.gather(*(listen(process, seed, tokens) for seed in seeds))
                    found[streams].append([late for one in each for late in one])
    return found


@contextmanager
def stamped() -> Iterator[None]:
    """Let workers be started that note when they send."""
    usual, stamping = environment.python_command, [sys.executable, "-P", str(Path(stamped_worker.__file__))]

    def command(module: str) -> list[str]:
        return stamping if module == worker.__name__ else usual(module)

    with mock.patch.object(environment, "python_command", command):
        yield


async def listen(process: WorkerProcess, seed: int, tokens: int) -> list[float]:
    """Ask, and return by how many milliseconds each piece came later than it was sent."""
    text = models.text(PROMPT, 400_000 + seed)
    request = Request(process, Turn([("user", text)], tokens, conversation=f"n{seed}"))
    found = []
    while (reply := await request.reply())["event"] != "done":
        now = time.perf_counter()
        if reply["event"] == "delta":
            found.append(1000 * (now - reply["at"]))
    process.close(request.id)
    return found
