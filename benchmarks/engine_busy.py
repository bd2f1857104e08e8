"""The local engine and llama-server while a cell computes: another process keeps a core busy.

Two threads on two cores, as everywhere in these benchmarks, so that there is a core too few. Beside it the
same engine with libgomp's own patience, which is about a millisecond at each meeting of the threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.support import models
from benchmarks.support.peers import LLAMA_SERVER, peers
from benchmarks.support.process import process
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Target, Turn, ask, in_turn, tether
from tether_jupyter.llm.local import environment

ROUNDS = 3
SECONDS = 1800
CONTEXT = 1024
PROMPT, ANSWER, QUICK_ANSWER = 64, 32, 8
PATIENT = "libgomp's own patience"
PATIENCE = "300000"
"""What libgomp takes where it is told nothing."""
BUSY = "while True: pass"


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask each in turn, with the core busy and without."""
    found = asyncio.run(measured(rounds, QUICK_ANSWER if quick else ANSWER))

    def row(busy: bool, other: str) -> Row:
        when = "while a cell computes" if busy else "while nothing else runs"
        return Row(f"one answer {when}", "tokens/s", found["Tether", busy], other, found[other, busy])

    return [row(busy, other) for busy in (True, False) for other in (LLAMA_SERVER, PATIENT)]


async def measured(rounds: int, tokens: int) -> dict[tuple[str, bool], list[float]]:
    """Return the tokens a second after each first token, by who was asked and whether the core was busy."""
    model = models.random_model()
    found: dict[tuple[str, bool], list[float]] = {}
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        targets: dict[str, Target] = {
            other.name: other for other in await enter(peers(model, CONTEXT, (LLAMA_SERVER,)))
        }
        targets["Tether"] = await enter(tether(model, context_length=CONTEXT, slots=SLOTS))
        with mock.patch.object(environment, "SPINS", PATIENCE):
            targets[PATIENT] = await enter(tether(model, context_length=CONTEXT, slots=SLOTS))
        for number in range(rounds):
            for busy in (False, True):
                with cell() if busy else contextlib.nullcontext():
                    for name in in_turn(list(targets), number):
                        text = models.text(PROMPT, 500_000 + 2 * number + busy)
                        turn = Turn([("user", text)], tokens, conversation=f"{number}-{busy}")
                        answer = await ask(targets[name], turn)
                        speed = (answer.tokens - 1) / (answer.ended - answer.asked - answer.first)
                        found.setdefault((name, busy), []).append(speed)
    return found


@contextlib.contextmanager
def cell() -> Iterator[None]:
    """Keep a core busy, in a session of its own as a kernel is."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        log = Path(folder) / "log"
        with process(["setsid", sys.executable, "-c", BUSY], cwd=Path(os.sep), log=log):
            yield
