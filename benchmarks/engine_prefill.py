"""A short question while four answers run and a prompt of 4,000 tokens is being read.

How much later than on an idle engine its first token comes, in steps of that load: the mean time between
two pieces of the four answers while the long prompt is being read. Short questions follow one another until
it is read. Beside llama-server with eight slots, in its own steps.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.support import models
from benchmarks.support.peers import LLAMA_SERVER, everybody
from benchmarks.support.result import Row
from benchmarks.support.turns import Answer, Target, Turn, ask, in_turn

ROUNDS = 3
SECONDS = 3600
CONTEXT = 4864
LONG, QUICK_LONG, SHORT = 4000, 2000, 24
RUNNING, RUNNING_TOKENS = 4, 600
READING_SECONDS = 0.1
"""How long the long prompt is being read before the first short question. It takes seconds."""
SHORT_TOKENS, LONG_TOKENS, IDLE, MOST = 4, 4, 3, 6
PATIENCE = 120
AT_MOST = 3.0


@dataclass
class Found:
    """What a round has found: seconds."""

    idle: float
    loaded: list[float]
    step: float

    @property
    def later(self) -> list[float]:
        """By how many steps each of the short questions was answered later than on an idle engine."""
        return [(first - self.idle) / self.step for first in self.loaded]


def run(rounds: int, quick: bool) -> list[Row]:
    """Load both in turn."""
    found = asyncio.run(measured(rounds, QUICK_LONG if quick else LONG))

    def row(what: str, unit: str, value: Callable[[Found], float], most: float | None = None) -> Row:
        ours, theirs = ([value(one) for one in found[name]] for name in ("Tether", LLAMA_SERVER))
        return Row(what, unit, ours, LLAMA_SERVER, theirs, at_most=most)

    return [
        row("later than on an idle engine, worst", "steps", lambda one: max(one.later), AT_MOST),
        row("later than on an idle engine", "steps", lambda one: statistics.median(one.later)),
        row("a step", "s", lambda one: one.step),
        row("first token", "s", lambda one: statistics.median(one.loaded)),
        row("first token on an idle engine", "s", lambda one: one.idle),
    ]


async def measured(rounds: int, long: int) -> dict[str, list[Found]]:
    """Return what was found, by target."""
    model = models.random_model()
    found: dict[str, list[Found]] = {}
    async with everybody(model, CONTEXT, (LLAMA_SERVER,)) as targets:
        for target in targets.values():
            await ask(target, turn(0, SHORT, SHORT_TOKENS))
        for number in range(rounds):
            for name in in_turn(list(targets), number):
                found.setdefault(name, []).append(await one(targets[name], 100 * (number + 1), long))
    return found


async def one(target: Target, seed: int, long: int) -> Found:
    """Measure an idle target, load it, and measure it again.

    Raises
    ------
    RuntimeError
        The long prompt was read before anything could be asked beside it.
    """
    idle = [(await ask(target, turn(seed + n, SHORT, SHORT_TOKENS))).first for n in range(IDLE)]
    loaded: list[float] = []
    running, reading = [Answer() for _ in range(RUNNING)], Answer()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(ask(target, turn(seed + 10 + n, SHORT, RUNNING_TOKENS), answer))
            for n, answer in enumerate(running)
        ]
        await asyncio.gather(*(answer.has(1) for answer in running))
        tasks.append(group.create_task(ask(target, turn(seed + 20, long, LONG_TOKENS), reading)))
        await asyncio.sleep(READING_SECONDS)
        while len(loaded) < MOST and not reading.pieces:
            loaded.append((await ask(target, turn(seed + 30 + len(loaded), SHORT, SHORT_TOKENS))).first)
        await reading.has(1)
        for task in tasks:
            task.cancel()
    if not loaded:
        raise RuntimeError(f"{target.name} has read the long prompt before anything was asked beside it.")
    end = reading.pieces[0][0]
    steps = [gap for answer in running for gap in answer.gaps(reading.asked, end)]
    return Found(statistics.median(idle), loaded, statistics.mean(steps))


def turn(seed: int, length: int, tokens: int) -> Turn:
    """Return a question of so many tokens that nobody has seen."""
    return Turn([("user", models.text(length, 70_000 + seed))], tokens, conversation=f"p{seed}")
